import GatewayModel
import Store

/// A binding of a signature key with everything that answers show of both ends.
public struct BoundSignatureKey: Sendable {
    public let binding: SignatureBinding
    public let key: SignatureKey
    public let publication: PublicationView
}

/// An API that is published in an environment and could be bound to a key.
public struct APIForSignatureKey: Sendable {
    public let publication: PublicationView
    /// Name of another key that it is bound to.
    public let boundKeyName: String?
}

extension ControlPlane {
    /// Publications that one call may bind.
    public static let bindingLimit = 1000

    /// Binds a key to published APIs. An API that has another key in that environment gets this one instead, under a new
    /// record; one that has this key already keeps its record (management-api.md, 3.11).
    ///
    /// - Throws: ``OperationError``: unknown key, a publication that is not in force; nothing is bound then.
    public func bindSignatureKey(
        _ call: Call, id: String, publicationIDs: [String]
    ) async throws -> Written<[BoundSignatureKey]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: id, field: "sign_id")
            let publications = try Writing.distinct(publicationIDs, field: "publish_ids", limit: Self.bindingLimit)
            let key = try w.signatureKey(id, of: call)
            return try publications.map { publicationID in
                let view = try w.publishedView(publicationID, of: call)
                var same = Condition()
                same.equal("publication_id", publicationID)
                if let old = try w.sql.all(SignatureBinding.self, where: same).first {
                    if old.signatureKeyID == id { return BoundSignatureKey(binding: old, key: key, publication: view) }
                    try w.remove(old)
                }
                let binding = SignatureBinding(
                    id: w.newID(), signatureKeyID: id, publicationID: publicationID, boundAt: w.now)
                try w.sql.insert(binding)
                try w.record(.signatureBinding, id: binding.id, before: nil, after: binding)
                w.touch(.publication(publicationID))
                return BoundSignatureKey(binding: binding, key: key, publication: view)
            }
        }
    }

    /// - Throws: ``OperationError``: unknown binding.
    public func unbindSignatureKey(_ call: Call, bindingID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let row = try w.sql.first(
                """
                SELECT \(SignatureBinding.columnList("b")) FROM sign_bindings b JOIN publications p ON p.id = b.publication_id
                WHERE b.id = ? AND p.instance_id = ?
                """, [.text(bindingID), .text(call.instanceID)])
            guard let row else { throw OperationError.notFound(.signatureBinding, id: bindingID) }
            try w.remove(SignatureBinding(row: row))
        }
    }

    /// Keys bound to an API, newest binding first. An API that is offline meanwhile keeps its bindings.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func signatureKeys(
        _ call: Call, boundTo apiID: String, keyID: String?, keyName: String?, environmentID: String?, page: Page
    ) async throws -> Listing<BoundSignatureKey> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            var condition = Condition()
            condition.equal("p.api_id", apiID)
            condition.equal("s.id", keyID)
            condition.matches("s.name", keyName)
            condition.equal("p.env_id", environmentID)
            return try r.boundSignatureKeys(condition, page: page)
        }
    }

    /// APIs that a key is bound to, newest binding first.
    ///
    /// - Throws: ``OperationError``: unknown key.
    public func apis(
        _ call: Call, boundToSignatureKey id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<BoundSignatureKey> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.signatureKey(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.equal("s.id", id)
            return try r.boundSignatureKeys(condition, page: page)
        }
    }

    /// APIs in force that are not bound to this key, newest publication first.
    ///
    /// - Throws: ``OperationError``: unknown key.
    public func apis(
        _ call: Call, notBoundToSignatureKey id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<APIForSignatureKey> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.signatureKey(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.and("p.version_id IS NOT NULL")
            condition.and("(s.id IS NULL OR s.id <> ?)", .text(id))
            return try r.sql.page(
                "\(PublicationView.columnList), s.name AS sign_name",
                from: """
                    \(PublicationView.tables) LEFT JOIN sign_bindings b ON b.publication_id = p.id \
                    LEFT JOIN signs s ON s.id = b.sign_id
                    """, where: condition, order: "p.published_at DESC, p.id", page: page
            ) { row in
                APIForSignatureKey(
                    publication: try PublicationView(view: row), boundKeyName: try row.optionalText("sign_name"))
            }
        }
    }
}

extension Reading {
    fileprivate func boundSignatureKeys(_ condition: Condition, page: Page) throws -> Listing<BoundSignatureKey> {
        let binding = SignatureBinding.columns.map { "b.\($0) AS binding_\($0)" }.joined(separator: ", ")
        return try sql.page(
            "\(SignatureKeyRow.columnList("s")), \(PublicationView.columnList), \(binding)",
            from: """
                \(PublicationView.tables) JOIN sign_bindings b ON b.publication_id = p.id JOIN signs s ON s.id = b.sign_id
                """, where: condition, order: "b.bound_at DESC, b.id", page: page
        ) { row in
            BoundSignatureKey(
                binding: SignatureBinding(
                    id: try row.text("binding_id"), signatureKeyID: try row.text("binding_sign_id"),
                    publicationID: try row.text("binding_publication_id"),
                    boundAt: Timestamp(nanoseconds: try row.integer("binding_bound_at"))),
                key: try SignatureKeyRow(row: row).model(box: box), publication: try PublicationView(view: row))
        }
    }
}
