import ArgumentParser
import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage who may use the management API. Works while the gateway runs, too.",
        subcommands: [Add.self, List.self, SetRole.self, Remove.self, NewKey.self])

    struct Place: ParsableArguments {
        @Option(name: .customLong("data-dir"), help: "The gateway's data folder.") var dataFolder: String

        /// Runs `body` on the folder's store; what goes wrong becomes one line.
        func open<Result>(_ body: (IdentityDirectory, Call) async throws -> Result) async throws -> Result {
            let call = Call(
                actor: "command line", userID: "", source: "", requestID: "gatehouse-user", projectID: "", instanceID: "")
            return try await StoredConfiguration.open(folder: dataFolder) { plane in
                do {
                    return try await body(IdentityDirectory(plane: plane), call)
                } catch let error as IdentityError {
                    throw PlainFailure(Self.text(error))
                }
            }
        }

        private static func text(_ error: IdentityError) -> String {
            switch error {
            case .badCredentials: "the user does not exist"
            case .unknownToken, .expiredToken, .unknownScope: "not allowed"
            case .busy: "busy, try again"
            case .badPassword: "a password has 1 to 256 bytes"
            case .badUserName: "a user name is 1 to 64 letters, digits, _, -, . or @"
            case .unknownUser(let name): "there is no user \(name)"
            case .userExists(let name): "there is a user \(name) already"
            case .lastAdministrator: "the last administrator stays"
            case .tooManyAccessKeys: "the user has two access keys already; use --replace"
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user; prints a new password, or takes the one on standard input.")
        @OptionGroup var place: Place
        @Argument var name: String
        @Option(help: "administrator, operator (no user management), reader (GET only) or none.") var role: Role
        @Flag(name: .customLong("password-stdin"), help: "Read the password from the first line of standard input.")
        var readsPassword = false

        func run() async throws {
            var password = Credentials.newPassword()
            if readsPassword {
                guard let line = readLine(strippingNewline: true) else { throw PlainFailure("standard input holds no password") }
                password = line
            }
            try await place.open { directory, call in
                let user = try await directory.addUser(name, password: Secret(password), role: role, call: call)
                let key = try await directory.newKey(for: name, replacing: false, call: call)
                print("id          \(user.id)")
                if !readsPassword { print("password    \(password)") }
                print("access_key  \(key.accessKey)\nsecret_key  \(key.secret.revealed)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the users and their roles.")
        @OptionGroup var place: Place

        func run() async throws {
            try await place.open { directory, _ in
                for user in try await directory.users() {
                    print("\(user.name.padding(toLength: max(24, user.name.count + 1), withPad: " ", startingAt: 0))\(user.role.rawValue)")
                }
            }
        }
    }

    struct SetRole: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-role", abstract: "Change what a user may do; from the next call on.")
        @OptionGroup var place: Place
        @Argument var name: String
        @Argument var role: Role

        func run() async throws {
            try await place.open { directory, call in _ = try await directory.setRole(role, of: name, call: call) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a user with keys and tokens.")
        @OptionGroup var place: Place
        @Argument var name: String

        func run() async throws {
            try await place.open { directory, call in try await directory.removeUser(name, call: call) }
        }
    }

    struct NewKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new-key", abstract: "Make an access key for a user; prints it once.")
        @OptionGroup var place: Place
        @Argument var name: String
        @Flag(help: "Remove the user's other access keys.") var replace = false

        func run() async throws {
            try await place.open { directory, call in
                let key = try await directory.newKey(for: name, replacing: replace, call: call)
                print("access_key  \(key.accessKey)\nsecret_key  \(key.secret.revealed)")
            }
        }
    }
}

extension Role: ExpressibleByArgument {}
