import GatewayModel
import GatewayPrimitives
import Store

/// What a caller says about an authorizer. Nil: not said; on creation the default, on a change as it was.
public struct AuthorizerDraft: Sendable {
    public var name: String?
    public var kind: Authorizer.Kind?
    /// LD: a function API of livedata decides, which this gateway does not run.
    public var isLivedata: Bool
    public var functionURN: String?
    public var version: String?
    public var aliasURN: String?
    public var identities: [Authorizer.Identity]?
    public var ttl: Int?
    public var userData: String?
    public var needsBody: Bool?

    public init(
        name: String?, kind: Authorizer.Kind?, isLivedata: Bool = false, functionURN: String?, version: String? = nil,
        aliasURN: String? = nil, identities: [Authorizer.Identity]? = nil, ttl: Int? = nil, userData: String? = nil,
        needsBody: Bool? = nil
    ) {
        self.name = name
        self.kind = kind
        self.isLivedata = isLivedata
        self.functionURN = functionURN
        self.version = version
        self.aliasURN = aliasURN
        self.identities = identities
        self.ttl = ttl
        self.userData = userData
        self.needsBody = needsBody
    }
}

public struct AuthorizerFilter: Sendable {
    public var id: String?
    public var name: String?
    public var kind: Authorizer.Kind?

    public init(id: String? = nil, name: String? = nil, kind: Authorizer.Kind? = nil) {
        self.id = id
        self.name = name
        self.kind = kind
    }
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, a field of a wrong form, function not registered, name taken, quota.
    public func createAuthorizer(_ call: Call, _ draft: AuthorizerDraft) async throws -> Written<Authorizer> {
        let quotas = settings.quotas
        let functions = settings.functions
        return try await write(call) { w in
            try w.checkInstance(of: call)
            guard let name = draft.name else { throw OperationError.missing(field: "name") }
            guard let kind = draft.kind else { throw OperationError.missing(field: "type") }
            try Self.refuseLivedata(draft)
            guard let urn = draft.functionURN, !urn.isEmpty else { throw OperationError.missing(field: "authorizer_uri") }
            let authorizer = Authorizer(
                id: w.newID(), instanceID: call.instanceID, name: name, kind: kind, functionURN: urn, version: draft.version,
                aliasURN: draft.aliasURN, identities: draft.identities ?? [], ttl: draft.ttl ?? 0,
                userData: draft.userData ?? "", needsBody: draft.needsBody ?? false, createdAt: w.now, updatedAt: w.now)
            try Self.check(authorizer, quotas)
            guard functions.endpoint(of: authorizer.function) != nil else { throw OperationError.notFound(.function, id: urn) }
            try w.checkAuthorizerName(authorizer)
            try w.checkQuota(
                .authorizer,
                count: w.sql.count("SELECT COUNT(*) AS n FROM authorizers WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: quotas.authorizers)
            try w.sql.insert(authorizer)
            try w.record(.authorizer, id: authorizer.id, before: nil, after: authorizer)
            return authorizer
        }
    }

    /// Changes an authorizer for all APIs that use it, at once. Its type is fixed.
    ///
    /// - Throws: ``OperationError``: as for creating, and unknown authorizer.
    public func updateAuthorizer(_ call: Call, id: String, _ draft: AuthorizerDraft) async throws -> Written<Authorizer> {
        let quotas = settings.quotas
        let functions = settings.functions
        return try await write(call) { w in
            try w.checkInstance(of: call)
            try Self.refuseLivedata(draft)
            let before = try w.authorizer(id, of: call)
            var authorizer = before
            if let kind = draft.kind, kind != before.kind { throw OperationError.invalid(field: "type") }
            authorizer.name = draft.name ?? before.name
            if let urn = draft.functionURN {
                authorizer.functionURN = urn
                // Version and alias belong to the function.
                if urn != before.functionURN {
                    authorizer.version = nil
                    authorizer.aliasURN = nil
                }
            }
            authorizer.version = draft.version ?? authorizer.version
            authorizer.aliasURN = draft.aliasURN ?? authorizer.aliasURN
            authorizer.identities = draft.identities ?? before.identities
            authorizer.ttl = draft.ttl ?? before.ttl
            authorizer.userData = draft.userData ?? before.userData
            authorizer.needsBody = draft.needsBody ?? before.needsBody
            try Self.check(authorizer, quotas)
            guard functions.endpoint(of: authorizer.function) != nil else {
                throw OperationError.notFound(.function, id: authorizer.functionURN)
            }
            try w.checkAuthorizerName(authorizer)
            authorizer.updatedAt = w.now
            try w.sql.update(authorizer)
            try w.record(.authorizer, id: id, before: before, after: authorizer)
            try w.touchUsers(of: .authorizer, id: id)
            return authorizer
        }
    }

    /// - Throws: ``OperationError``: authorizer unknown, or a draft or a version in force names it.
    public func deleteAuthorizer(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let authorizer = try w.authorizer(id, of: call)
            if try w.isUsed(.authorizer, id: id) { throw OperationError.conflict(.authorizerIsUsed) }
            try w.sql.delete(Authorizer.self, key: id)
            try w.record(.authorizer, id: id, before: authorizer, after: nil)
        }
    }

    public func authorizer(_ call: Call, id: String) async throws -> Authorizer {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.authorizer(id, of: call)
        }
    }

    /// Newest first.
    public func authorizers(_ call: Call, _ filter: AuthorizerFilter, page: Page) async throws -> Listing<Authorizer> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.equal("id", filter.id)
            condition.matches("name", filter.name)
            condition.equal("type", filter.kind?.rawValue)
            return try r.sql.page(Authorizer.self, where: condition, order: "created_at DESC, id", page: page)
        }
    }

    private static func refuseLivedata(_ draft: AuthorizerDraft) throws(OperationError) {
        if draft.isLivedata {
            throw .cannotServe(field: "authorizer_type", reason: "functions of livedata APIs are not run, use FUNC")
        }
    }

    private static func check(_ authorizer: Authorizer, _ quotas: Quotas) throws(OperationError) {
        guard isName(authorizer.name) else { throw .invalid(field: "name") }
        guard authorizer.functionURN.utf8.count <= 255 else { throw .invalid(field: "authorizer_uri") }
        guard (authorizer.aliasURN?.utf8.count ?? 0) <= 255 else { throw .invalid(field: "authorizer_alias_uri") }
        guard (0...3600).contains(authorizer.ttl) else { throw .invalid(field: "ttl") }
        guard authorizer.userData.unicodeScalars.count <= 2048 else { throw .invalid(field: "user_data") }
        let identities = authorizer.identities
        if identities.count > quotas.identitiesPerAuthorizer {
            throw .quotaExceeded(.identitySource, limit: quotas.identitiesPerAuthorizer)
        }
        if authorizer.kind == .backend, !identities.isEmpty { throw .invalid(field: "identities") }
        // What is remembered is remembered of somebody (gateway-runtime.md, 2.7).
        if authorizer.kind == .frontend, authorizer.ttl > 0, identities.isEmpty { throw .missing(field: "identities") }
        // A backend's function sees no request.
        if authorizer.kind == .backend, authorizer.needsBody { throw .invalid(field: "need_body") }
        var seen: Set<String> = []
        for identity in identities {
            let name = identity.location == .header ? identity.name.lowercased() : identity.name
            guard seen.insert("\(identity.location.rawValue) \(name)").inserted else {
                throw .taken(.identitySource, name: identity.name)
            }
            if let pattern = identity.validation, (try? PatternMatcher(pattern)) == nil { throw .invalid(field: "validation") }
        }
    }

    /// 3 to 64 letters (Chinese ones too), digits and underscores, a letter first.
    private static func isName(_ text: String) -> Bool {
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII ? scalar.properties.isAlphabetic : (0x4E00...0x9FFF).contains(scalar.value)
        }
        let scalars = text.unicodeScalars
        return (3...64).contains(scalars.count) && scalars.first.map(isLetter) == true
            && scalars.allSatisfy { isLetter($0) || ("0"..."9").contains($0) || $0 == "_" }
    }
}

extension Reading {
    func authorizer(_ id: String, of call: Call) throws -> Authorizer {
        guard let authorizer = try find(Authorizer.self, id: id, of: call) else {
            throw OperationError.notFound(.authorizer, id: id)
        }
        return authorizer
    }

    func checkAuthorizerName(_ authorizer: Authorizer) throws {
        let other = try sql.first(
            "SELECT id FROM authorizers WHERE instance_id = ? AND name = ?",
            [.text(authorizer.instanceID), .text(authorizer.name)])
        if let other, try other.text("id") != authorizer.id { throw OperationError.taken(.authorizer, name: authorizer.name) }
    }

    /// The authorizers that a definition names exist and are of the kind that their place asks for.
    func checkAuthorizers(of definition: APIDefinition, _ call: Call) throws {
        func check(_ id: String, _ kind: Authorizer.Kind) throws {
            guard try authorizer(id, of: call).kind == kind else { throw OperationError.invalid(field: "authorizer_id") }
        }
        if let id = definition.authorizerID { try check(id, .frontend) }
        for id in definition.backendAuthorizerIDs { try check(id, .backend) }
    }
}
