import Foundation
import GatewayModel
import GatewayPrimitives
import Store

/// A new access key; the secret is shown once here and never listed again.
public struct NewAccessKey: Sendable {
    public let accessKey: String
    public let secret: Secret

    public init(accessKey: String, secret: Secret) {
        self.accessKey = accessKey
        self.secret = secret
    }
}

/// Users and their keys: for the first start and for the commands `gatehouse user ...`.
extension IdentityDirectory {
    static let accessKeysPerUser = 2

    /// Makes the domain, the project and the administrator of a new store. Does nothing when there is a domain already.
    ///
    /// - Returns: what was made, nil when there was something.
    public func setUp(
        domain domainName: String, project projectName: String, user userName: String, password: Secret, call: Call
    ) async throws -> (domain: Domain, project: Project, user: User, key: NewAccessKey)? {
        let hash = try await hasher.hash(password)
        return try await plane.write(call) { writing -> (domain: Domain, project: Project, user: User, key: NewAccessKey)? in
            guard try writing.sql.count("SELECT COUNT(*) AS n FROM domains") == 0 else { return nil }
            let domain = Domain(id: writing.newID(), name: domainName)
            let project = Project(id: writing.newID(), domainID: domain.id, name: projectName)
            let user = User(
                id: writing.newID(), domainID: domain.id, name: userName, role: .administrator, createdAt: writing.now)
            try writing.sql.insert(DomainRecord(domain))
            try writing.sql.insert(ProjectRecord(project))
            try writing.sql.insert(UserRecord(user: user, passwordHash: hash))
            try writing.record(.project, id: project.id, before: nil as Project?, after: project)
            try writing.record(.user, id: user.id, before: nil as User?, after: user)
            return (domain, project, user, try Self.addKey(to: user, writing))
        }.value
    }

    /// All users, by name.
    public func users() async throws -> [User] {
        try await plane.read { try $0.sql.all(UserRecord.self, where: Condition(), order: "name").map(\.user) }
    }

    /// - Throws: ``IdentityError/badUserName``, ``IdentityError/badPassword``, ``IdentityError/userExists(name:)``.
    public func addUser(_ name: String, password: Secret, role: Role, call: Call) async throws -> User {
        guard Self.isUserName(name) else { throw IdentityError.badUserName }
        let hash = try await hasher.hash(password)
        return try await plane.write(call) { writing in
            guard let domain = try writing.sql.all(DomainRecord.self, where: Condition()).first?.domain else {
                throw IdentityError.unknownScope
            }
            guard try Self.find(name, writing) == nil else { throw IdentityError.userExists(name: name) }
            let user = User(id: writing.newID(), domainID: domain.id, name: name, role: role, createdAt: writing.now)
            try writing.sql.insert(UserRecord(user: user, passwordHash: hash))
            try writing.record(.user, id: user.id, before: nil as User?, after: user)
            return user
        }.value
    }

    /// In force with the next request of the user.
    ///
    /// - Throws: ``IdentityError/unknownUser(name:)``, ``IdentityError/lastAdministrator``.
    public func setRole(_ role: Role, of name: String, call: Call) async throws -> User {
        try await plane.write(call) { writing in
            guard var record = try Self.find(name, writing) else { throw IdentityError.unknownUser(name: name) }
            let before = record.user
            if before.role == .administrator, role != .administrator { try Self.keepAdministrator(writing) }
            record.user.role = role
            try writing.sql.update(record)
            try writing.record(.user, id: before.id, before: before, after: record.user)
            return record.user
        }.value
    }

    /// Removes a user with its tokens and keys.
    ///
    /// - Throws: ``IdentityError/unknownUser(name:)``, ``IdentityError/lastAdministrator``.
    public func removeUser(_ name: String, call: Call) async throws {
        _ = try await plane.write(call) { writing in
            guard let user = try Self.find(name, writing)?.user else { throw IdentityError.unknownUser(name: name) }
            if user.role == .administrator { try Self.keepAdministrator(writing) }
            try writing.sql.delete(UserRecord.self, key: user.id)
            try writing.record(.user, id: user.id, before: user, after: nil)
        }
    }

    /// Gives a user another access key; two at most, so that one can be replaced while the other works.
    ///
    /// - Parameter replacing: remove the older ones first.
    /// - Throws: ``IdentityError/unknownUser(name:)``, ``IdentityError/tooManyAccessKeys``.
    public func newKey(for name: String, replacing: Bool, call: Call) async throws -> NewAccessKey {
        try await plane.write(call) { writing in
            guard let user = try Self.find(name, writing)?.user else { throw IdentityError.unknownUser(name: name) }
            if replacing { try writing.sql.execute("DELETE FROM access_keys WHERE user_id = ?", [.text(user.id)]) }
            let held = try writing.sql.count("SELECT COUNT(*) AS n FROM access_keys WHERE user_id = ?", [.text(user.id)])
            guard held < Self.accessKeysPerUser else { throw IdentityError.tooManyAccessKeys }
            return try Self.addKey(to: user, writing)
        }.value
    }

    private static func addKey(to user: User, _ writing: Writing) throws -> NewAccessKey {
        let accessKey = random(20, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        let secret = random(40, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        try writing.sql.insert(
            AccessKeyRecord(
                accessKey: accessKey, userID: user.id,
                sealedSecret: try writing.seal(secret, context: AccessKeyRecord.context(accessKey)), createdAt: writing.now))
        try writing.record(.accessKey, id: accessKey, before: nil as [String: String]?, after: ["user_id": user.id])
        return NewAccessKey(accessKey: accessKey, secret: Secret(secret))
    }

    private static func keepAdministrator(_ reading: Reading) throws {
        let count = try reading.sql.count(
            "SELECT COUNT(*) AS n FROM users WHERE role = ?", [.text(Role.administrator.rawValue)])
        guard count > 1 else { throw IdentityError.lastAdministrator }
    }

    private static func find(_ name: String, _ reading: Reading) throws -> UserRecord? {
        var condition = Condition()
        condition.and("name = ?", .text(name))
        return try reading.sql.all(UserRecord.self, where: condition).first
    }

    private static func random(_ count: Int, of alphabet: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let characters = Array(alphabet)
        return String((0..<count).map { _ in characters[Int.random(in: 0..<characters.count, using: &generator)] })
    }

    private static func isUserName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || (48...57).contains($0) || "_-.@".utf8.contains($0)
            }
    }
}
