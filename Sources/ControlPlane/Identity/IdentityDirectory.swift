import Crypto
import Foundation
import GatewayModel
import GatewayPrimitives
import Store

/// A token as its holder sees it.
public struct IssuedToken: Sendable, Equatable {
    public let caller: Caller
    /// Whether the token is for the domain as a whole.
    public let domainScoped: Bool
    public let methods: [String]
    public let issuedAt: Timestamp
    public let expiresAt: Timestamp
}

/// What a token is asked for.
public enum TokenScope: Sendable, Equatable {
    case unscoped
    /// By id or by name; a name is looked up in the user's domain.
    case project(id: String?, name: String?)
    case domain(id: String?, name: String?)
}

/// How a user is named in a login.
public enum UserName: Sendable, Equatable {
    case id(String)
    /// Domain by id or name; neither means the only one.
    case name(String, domainID: String?, domainName: String?)
}

/// Users, tokens and access keys: who somebody is. What may be done is `Role`. Any task.
public final class IdentityDirectory: Sendable {
    /// Life of a token where nothing else is set (management-api.md, 2.1).
    public static let tokenLifeSeconds: Int64 = 24 * 3600
    static let tokenBytes = 32

    let plane: ControlPlane
    let hasher: PasswordHasher
    private let lifeSeconds: Int64

    /// - Parameter lifeSeconds: of the tokens that it issues.
    public init(
        plane: ControlPlane, hasher: PasswordHasher = PasswordHasher(), lifeSeconds: Int64 = IdentityDirectory.tokenLifeSeconds
    ) {
        self.plane = plane
        self.hasher = hasher
        self.lifeSeconds = lifeSeconds
    }

    // MARK: logging in

    /// Proves a user by password and issues a token.
    ///
    /// - Throws: ``IdentityError``.
    public func logIn(
        _ name: UserName, password: Secret, scope: TokenScope, source: String, requestID: String
    ) async throws -> (token: Secret, issued: IssuedToken) {
        let found = try await plane.read { try Self.user(name, $0) }
        guard try await hasher.verify(password, found?.passwordHash), let found else { throw IdentityError.badCredentials }
        return try await issue(to: found.user.id, methods: ["password"], scope: scope, source: source, requestID: requestID)
    }

    /// Issues a token for another scope to the holder of one; it expires when the first one does.
    public func rescope(
        _ token: Secret, scope: TokenScope, source: String, requestID: String
    ) async throws -> (token: Secret, issued: IssuedToken) {
        let held = try await self.token(token)
        return try await issue(
            to: held.caller.userID, methods: held.methods.contains("token") ? held.methods : held.methods + ["token"],
            scope: scope, source: source, requestID: requestID, notAfter: held.expiresAt)
    }

    private func issue(
        to userID: String, methods: [String], scope: TokenScope, source: String, requestID: String,
        notAfter: Timestamp? = nil
    ) async throws -> (token: Secret, issued: IssuedToken) {
        let token = Self.newToken()
        let hash = Self.hash(token)
        let lifeSeconds = lifeSeconds
        let call = Call(
            actor: userID, userID: userID, source: source, requestID: requestID, projectID: "", instanceID: "")
        let written = try await plane.write(call) { writing -> IssuedToken in
            // Read again: the user may have been removed while the password was being hashed.
            guard let user = try writing.sql.find(UserRecord.self, key: userID)?.user,
                let domain = try writing.sql.find(DomainRecord.self, key: user.domainID)?.domain
            else { throw IdentityError.badCredentials }
            let project = try Self.project(scope, domain, writing)
            let life = Timestamp(nanoseconds: writing.now.nanoseconds + lifeSeconds * 1_000_000_000)
            let record = TokenRecord(
                hash: hash, userID: user.id, projectID: project?.id, domainScoped: Self.isDomain(scope),
                methods: methods.joined(separator: ","), issuedAt: writing.now, expiresAt: min(life, notAfter ?? life))
            try writing.sql.execute("DELETE FROM tokens WHERE expires_at <= ?", [.integer(writing.now.nanoseconds)])
            try writing.sql.insert(record)
            return IssuedToken(
                caller: Caller(user: user, domain: domain, project: project), domainScoped: record.domainScoped,
                methods: methods, issuedAt: record.issuedAt, expiresAt: record.expiresAt)
        }
        return (token, written.value)
    }

    // MARK: tokens

    /// Who holds the token.
    ///
    /// - Throws: ``IdentityError/unknownToken``, ``IdentityError/expiredToken``.
    public func token(_ token: Secret, for purpose: ControlPlane.ReadPurpose = .management) async throws -> IssuedToken {
        // 43 characters are what newToken makes; anything long is refused unhashed.
        guard (1...256).contains(token.revealed.utf8.count) else { throw IdentityError.unknownToken }
        let hash = Self.hash(token)
        return try await plane.read(for: purpose) { reading in
            guard let record = try reading.sql.find(TokenRecord.self, key: hash),
                let user = try reading.sql.find(UserRecord.self, key: record.userID)?.user,
                let domain = try reading.sql.find(DomainRecord.self, key: user.domainID)?.domain
            else { throw IdentityError.unknownToken }
            guard reading.now < record.expiresAt else { throw IdentityError.expiredToken }
            let project = try record.projectID.flatMap { try reading.sql.find(ProjectRecord.self, key: $0)?.project }
            return IssuedToken(
                caller: Caller(user: user, domain: domain, project: project), domainScoped: record.domainScoped,
                methods: record.methods.split(separator: ",").map(String.init), issuedAt: record.issuedAt,
                expiresAt: record.expiresAt)
        }
    }

    /// Ends a token. The next request with it is refused.
    ///
    /// - Throws: ``IdentityError/unknownToken``.
    public func revoke(_ token: Secret, by caller: Caller, source: String, requestID: String) async throws {
        let hash = Self.hash(token)
        let call = Call(
            actor: caller.userName, userID: caller.userID, source: source, requestID: requestID, projectID: "", instanceID: "")
        _ = try await plane.write(call) { writing in
            guard try writing.sql.delete(TokenRecord.self, key: hash) else { throw IdentityError.unknownToken }
        }
    }

    // MARK: access keys

    /// The secret of an access key and whose it is; nil when there is no such key.
    public func accessKey(
        _ accessKey: String, for purpose: ControlPlane.ReadPurpose = .management
    ) async throws -> (secret: Secret, caller: Caller)? {
        guard (1...64).contains(accessKey.utf8.count) else { return nil }
        return try await plane.read(for: purpose) { reading in
            guard let record = try reading.sql.find(AccessKeyRecord.self, key: accessKey),
                let user = try reading.sql.find(UserRecord.self, key: record.userID)?.user,
                let domain = try reading.sql.find(DomainRecord.self, key: user.domainID)?.domain
            else { return nil }
            let secret = try reading.open(record.sealedSecret, context: AccessKeyRecord.context(accessKey))
            return (Secret(secret), Caller(user: user, domain: domain, project: nil))
        }
    }

    // MARK: projects and instances

    public func projects(
        of domain: Domain, for purpose: ControlPlane.ReadPurpose = .management
    ) async throws -> [Project] {
        try await plane.read(for: purpose) { reading in
            var condition = Condition()
            condition.equal("domain_id", domain.id)
            return try reading.sql.all(ProjectRecord.self, where: condition, order: "name").map(\.project)
        }
    }

    /// Whether the instance exists in the project.
    public func hasInstance(_ id: String, project: String) async throws -> Bool {
        try await plane.read { reading in
            try reading.sql.count(
                "SELECT COUNT(*) AS n FROM instances WHERE id = ? AND project_id = ?", [.text(id), .text(project)]) == 1
        }
    }

    /// The tag of an object; nil when nothing is on record.
    public func tag(of subject: CallSubject, instanceID: String) async throws -> UInt64? {
        try await plane.read { try $0.tag(of: subject, instanceID: instanceID) }
    }

    // MARK: parts

    private static func isDomain(_ scope: TokenScope) -> Bool {
        if case .domain = scope { true } else { false }
    }

    private static func project(_ scope: TokenScope, _ domain: Domain, _ reading: Reading) throws -> Project? {
        switch scope {
        case .unscoped: return nil
        case .domain(let id, let name):
            guard id ?? domain.id == domain.id, name ?? domain.name == domain.name else { throw IdentityError.unknownScope }
            return nil
        case .project(let id, let name):
            var condition = Condition()
            condition.and("domain_id = ?", .text(domain.id))
            if let id { condition.and("id = ?", .text(id)) }
            if let name { condition.and("name = ?", .text(name)) }
            guard id != nil || name != nil,
                let record = try reading.sql.all(ProjectRecord.self, where: condition).first
            else { throw IdentityError.unknownScope }
            return record.project
        }
    }

    private static func user(_ name: UserName, _ reading: Reading) throws -> UserRecord? {
        switch name {
        case .id(let id): return try reading.sql.find(UserRecord.self, key: id)
        case .name(let name, let domainID, let domainName):
            var condition = Condition()
            condition.and("name = ?", .text(name))
            if let domainID { condition.and("domain_id = ?", .text(domainID)) }
            if let domainName { condition.and("domain_id IN (SELECT id FROM domains WHERE name = ?)", .text(domainName)) }
            let found = try reading.sql.all(UserRecord.self, where: condition)
            return found.count == 1 ? found[0] : nil
        }
    }

    /// 256 random bits, base64url without padding.
    static func newToken() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<tokenBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Secret(
            Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
    }

    static func hash(_ token: Secret) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in SHA256.hash(data: Data(token.revealed.utf8)) {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
}
