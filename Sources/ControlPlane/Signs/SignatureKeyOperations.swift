import GatewayModel
import GatewayPrimitives
import RequestSigning
import Store

/// What a caller says about a new signature key, and about the parts of one that shall change. Nil and empty: not said.
public struct SignatureKeyDraft: Sendable {
    public var name: String
    public var type: SignatureType?
    public var key: String?
    public var secret: Secret?
    public var algorithm: SignatureAlgorithm?

    public init(
        name: String, type: SignatureType? = nil, key: String? = nil, secret: Secret? = nil,
        algorithm: SignatureAlgorithm? = nil
    ) {
        self.name = name
        self.type = type
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
        self.secret = secret.flatMap { $0.revealed.isEmpty ? nil : $0 }
        self.algorithm = algorithm
    }
}

/// A key in a list and the number of APIs that it is bound to.
public struct ListedSignatureKey: Sendable {
    public let key: SignatureKey
    public let boundAPIs: Int
    /// Live-data APIs whose callers sign with it.
    public let livedataAPIs: Int
}

public struct SignatureKeyFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely: Bool

    public init(id: String? = nil, name: String? = nil, namePrecisely: Bool = false) {
        self.id = id
        self.name = name
        self.namePrecisely = namePrecisely
    }
}

extension ControlPlane {
    /// Makes a key; what the draft leaves out of key and secret is generated (management-api.md, 3.11).
    ///
    /// - Throws: ``OperationError``: instance unknown, a field that does not fit the type, feature public_key off, name taken,
    ///   quota.
    public func createSignatureKey(_ call: Call, _ draft: SignatureKeyDraft) async throws -> Written<SignatureKey> {
        let limit = settings.quotas.signatureKeys
        var draft = draft
        if draft.type == .publicKey, draft.key == nil, draft.secret == nil {
            // A pair that can sign; made here because it takes longer than a transaction should.
            try await read { r in try r.checkOffered(.publicKey, of: call) }
            do {
                let pair = try RSAKeyText.generate()
                draft.key = pair.publicKey
                draft.secret = pair.privateKey
            } catch {
                throw OperationError.invalid(field: error.field)
            }
        }
        return try await write(call) { [draft] w in
            try w.checkInstance(of: call)
            let type = draft.type ?? .hmac
            var random = SystemRandomNumberGenerator()
            let key = draft.key ?? SignatureKeyRules.generateKey(type: type, algorithm: draft.algorithm, using: &random)
            let secret = draft.secret ?? SignatureKeyRules.generateSecret(type: type, using: &random)
            try Self.check(type: type, key: key, secret: secret, algorithm: draft.algorithm)
            try w.checkOffered(type, of: call)
            try w.checkSignatureKeyName(draft.name, besides: nil, of: call)
            try w.checkQuota(
                .signatureKey,
                count: w.sql.count("SELECT COUNT(*) AS n FROM signs WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: limit)
            let made = SignatureKey(
                id: w.newID(), instanceID: call.instanceID, name: draft.name, type: type,
                key: key, secret: secret,
                algorithm: draft.algorithm, createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(SignatureKeyRow(made, box: w.box))
            try w.record(.signatureKey, id: made.id, before: nil, after: made)
            if type == .publicKey { w.touch(.instance(call.instanceID)) }
            return made
        }
    }

    /// Changes a key for all APIs that it is bound to, at once. Parts that the draft leaves out stay as they are; a secret that
    /// is exactly the mask of the stored one stays too.
    ///
    /// - Throws: ``OperationError``: as for creating, and unknown key. After a change of type, key and secret must fit the new
    ///   one.
    public func updateSignatureKey(
        _ call: Call, id: String, _ draft: SignatureKeyDraft
    ) async throws -> Written<SignatureKey> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.signatureKey(id, of: call)
            var new = old
            new.name = draft.name
            new.type = draft.type ?? old.type
            new.algorithm = new.type == .aes ? draft.algorithm ?? old.algorithm : draft.algorithm
            new.key = draft.key ?? old.key
            if let secret = draft.secret, !SignatureKeyRules.isMask(secret.revealed, of: old.secret) { new.secret = secret }
            try Self.check(type: new.type, key: new.key, secret: new.secret, algorithm: new.algorithm)
            if let type = draft.type { try w.checkOffered(type, of: call) }
            try w.checkSignatureKeyName(new.name, besides: id, of: call)
            // What is set by hand is in force at once: nothing that was replaced before goes on signing.
            if (new.type, new.key, new.secret, new.algorithm) != (old.type, old.key, old.secret, old.algorithm) {
                try w.endSecrets(.signatureKey, of: id)
            }
            new.updatedAt = w.now
            try w.sql.update(SignatureKeyRow(new, box: w.box))
            try w.record(.signatureKey, id: id, before: old, after: new)
            w.touch(.signatureKey(id))
            if old.type == .publicKey || new.type == .publicKey { w.touch(.instance(call.instanceID)) }
            return new
        }
    }

    /// Removes a key and its bindings (management-api.md, O2).
    ///
    /// - Throws: ``OperationError``: unknown key.
    public func deleteSignatureKey(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let key = try w.signatureKey(id, of: call)
            var bound = Condition()
            bound.equal("sign_id", id)
            for binding in try w.sql.all(SignatureBinding.self, where: bound, order: "bound_at, id") {
                try w.remove(binding)
            }
            for retired in try w.retiredSecrets(.signatureKey, of: id) { try w.remove(retired) }
            try w.releaseLivedataAPIs(fromSignatureKey: id)
            try w.sql.delete(SignatureKeyRow.self, key: id)
            try w.record(.signatureKey, id: id, before: key, after: nil)
            if key.type == .publicKey { w.touch(.instance(call.instanceID)) }
        }
    }

    static func check(
        type: SignatureType, key: String, secret: Secret, algorithm: SignatureAlgorithm?
    ) throws {
        do {
            try SignatureKeyRules.check(type: type, key: key, secret: secret, algorithm: algorithm)
        } catch {
            throw OperationError.invalid(field: error.field)
        }
    }

    /// Newest first.
    public func signatureKeys(
        _ call: Call, _ filter: SignatureKeyFilter, page: Page
    ) async throws -> Listing<ListedSignatureKey> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("s.instance_id = ?", .text(call.instanceID))
            condition.equal("s.id", filter.id)
            condition.matches("s.name", filter.name, exactly: filter.namePrecisely)
            return try r.sql.page(
                """
                \(SignatureKeyRow.columnList("s")), \
                (SELECT COUNT(*) FROM sign_bindings b WHERE b.sign_id = s.id) AS bind_num, \
                (SELECT COUNT(*) FROM livedata_apis l WHERE l.sign_id = s.id) AS ldapi_bind_num
                """, from: "signs s", where: condition, order: "s.created_at DESC, s.id", page: page
            ) { row in
                ListedSignatureKey(key: try SignatureKeyRow(row: row).model(box: r.box), boundAPIs: try row.int("bind_num"),
                    livedataAPIs: try row.int("ldapi_bind_num"))
            }
        }
    }
}

extension Reading {
    func signatureKey(_ id: String, of call: Call) throws -> SignatureKey {
        guard let row = try find(SignatureKeyRow.self, id: id, of: call) else {
            throw OperationError.notFound(.signatureKey, id: id)
        }
        return try row.model(box: box)
    }

    /// Keys of type public_key need the feature of that name [mission page "Modifying a Signature Key"].
    func checkOffered(_ type: SignatureType, of call: Call) throws {
        guard type == .publicKey, try !isOn(.publicKey, of: call) else { return }
        throw OperationError.signTypeNotSupported(type: type.rawValue, instanceID: call.instanceID)
    }

    func checkSignatureKeyName(_ name: String, besides id: String?, of call: Call) throws {
        let row = try sql.first(
            "SELECT id FROM signs WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let row, try row.text("id") != id { throw OperationError.taken(.signatureKey, name: name) }
    }
}

extension Writing {
    /// Ends a binding: one change record, and the API is compiled again.
    func remove(_ binding: SignatureBinding) throws {
        try sql.delete(SignatureBinding.self, key: binding.id)
        try record(.signatureBinding, id: binding.id, before: binding, after: nil)
        touch(.publication(binding.publicationID))
    }
}
