import ArgumentParser
import Foundation

/// Which part of the configuration a command is about.
struct HistorySelection: ParsableArguments {
    @Option(name: .customLong("data-dir"), help: "The gateway's data folder; its credentials.json says where and as whom to ask.")
    var dataFolder: String
    @Option(help: "Id of a group: it, its APIs, and all that belongs to them.") var group: String?
    @Option(help: "Kind of an object, such as api, plugin or environment; with --object.") var kind: String?
    @Option(name: .customLong("object"), help: "Id of an object; with --kind.") var objectID: String?
    @Option(name: .customLong("instance"), help: "Id of the instance of an environment or a feature; that of credentials.json without it.")
    var instanceID: String?
    @Flag(help: "Print the management call's JSON.") var json = false

    func validate() throws {
        guard (kind == nil) == (objectID == nil) else { throw ValidationError("--kind and --object belong together") }
        guard group == nil || kind == nil else { throw ValidationError("--group and --object are two choices") }
    }

    /// Members of a request that name the object; empty for everything.
    func members(_ client: ManagementClient) -> [String: String] {
        guard let id = group ?? objectID else { return [:] }
        return ["kind": group == nil ? kind ?? "" : "apiGroup", "object_id": id, "instance_id": instanceID ?? client.credentials.instanceID]
    }

    static func query(_ members: [String: String]) -> String {
        var components = URLComponents()
        components.queryItems = members.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        return components.percentEncodedQuery.map { "?" + $0.replacingOccurrences(of: "+", with: "%2B") } ?? ""
    }
}

/// What changed when, and by whom.
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the revisions that touched an object, a group or anything, newest first. Asks the running gateway.",
        discussion: "gatehouse history --data-dir ./var --group <group id>")

    @OptionGroup var selection: HistorySelection
    @Option(help: "How many, 1 to 500.") var limit = 50

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit is 1 to 500") }
    }

    func run() async throws {
        let client = try ManagementClient(dataFolder: selection.dataFolder)
        var members = selection.members(client)
        members["limit"] = String(limit)
        let answer = try await client.call("GET", "/history" + HistorySelection.query(members))
        if selection.json { return print(String(decoding: answer, as: UTF8.self)) }
        let list = try JSONDecoder().decode(Answer.self, from: answer)
        for entry in list.revisions {
            print(entry.revision, entry.time, entry.actor, entry.source.isEmpty ? "-" : entry.source, entry.request_id)
            for object in entry.objects { print("    \(object.act) \(object.kind) \(object.id)\(object.name.map { " (\($0))" } ?? "")") }
            if entry.object_count > entry.objects.count { print("    and \(entry.object_count - entry.objects.count) more") }
        }
        print("\(list.total) revisions; revision \(list.oldest_revision) is the oldest that can be restored")
    }

    private struct Answer: Decodable {
        struct Entry: Decodable {
            let revision: Int
            let time, actor, source, request_id: String
            let object_count: Int
            let objects: [TouchedObject]
        }
        let total, oldest_revision: Int
        let revisions: [Entry]
    }
}

/// What differs.
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what differs between two revisions, or a revision and now. Secrets are masked. Asks the running gateway.",
        discussion: "gatehouse diff --data-dir ./var 117 --group <group id>")

    @OptionGroup var selection: HistorySelection
    @Argument(help: "The earlier revision.") var from: UInt64
    @Argument(help: "The later one; now without it.") var to: UInt64?

    func run() async throws {
        let client = try ManagementClient(dataFolder: selection.dataFolder)
        var members = selection.members(client)
        members["from_revision"] = String(from)
        members["to_revision"] = to.map { String($0) }
        members["limit"] = "100"
        var offset = 0
        while true {
            members["offset"] = String(offset)
            let answer = try await client.call("GET", "/history/diff" + HistorySelection.query(members))
            let diff = try JSONDecoder().decode(Answer.self, from: answer)
            // One state for all pages.
            members["to_revision"] = String(diff.to_revision)
            if selection.json {
                print(String(decoding: answer, as: UTF8.self))
            } else {
                for object in diff.objects {
                    print("\(object.act) \(object.kind) \(object.id)\(object.name.map { " (\($0))" } ?? "")")
                    for field in object.fields {
                        if let before = field.before { print("  - \(field.path): \(Self.line(before))") }
                        if let after = field.after { print("  + \(field.path): \(Self.line(after))") }
                    }
                }
            }
            offset += diff.objects.count
            if diff.objects.isEmpty || offset >= diff.total { return }
        }
    }

    private static func line(_ text: String) -> String {
        text.replacingOccurrences(of: "\n", with: "\\n").replacingOccurrences(of: "\r", with: "\\r")
    }

    private struct Answer: Decodable {
        struct Difference: Decodable {
            struct Field: Decodable {
                let path: String
                let before, after: String?
            }
            let kind, id, act: String
            let name: String?
            let fields: [Field]
        }
        let total, to_revision: Int
        let objects: [Difference]
    }
}

/// The way back.
struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring an object, a group or everything back to the state at a revision. Asks the running gateway.",
        discussion: """
            gatehouse restore --data-dir ./var 117 --group <group id>
            gatehouse restore --data-dir ./var 117 --everything

            It is a change like any other, in force when the command ends, and can be undone in the same way. `gatehouse diff` \
            with the same arguments shows what it would undo.
            """)

    @OptionGroup var selection: HistorySelection
    @Argument(help: "The revision.") var revision: UInt64
    @Flag(help: "The whole configuration.") var everything = false

    func validate() throws {
        guard everything != (selection.group != nil || selection.objectID != nil) else {
            throw ValidationError("name an object, a group or --everything")
        }
    }

    func run() async throws {
        let client = try ManagementClient(dataFolder: selection.dataFolder)
        var body: [String: Any] = selection.members(client)
        body["revision"] = Int(clamping: revision)
        if everything { body["everything"] = true }
        let answer = try await client.call("POST", "/history/restore", body: body)
        if selection.json { return print(String(decoding: answer, as: UTF8.self)) }
        let done = try JSONDecoder().decode(Answer.self, from: answer)
        for object in done.objects { print("\(object.act) \(object.kind) \(object.id)\(object.name.map { " (\($0))" } ?? "")") }
        print(
            "restored revision \(done.restored_revision) as revision \(done.revision): \(done.created) created, "
                + "\(done.changed) changed, \(done.removed) removed")
    }

    private struct Answer: Decodable {
        let revision, restored_revision, created, changed, removed: Int
        let objects: [TouchedObject]
    }
}

private struct TouchedObject: Decodable {
    let kind, id, act: String
    let name: String?
}
