import GatewayModel
import Store

/// A binding of an access control policy with everything that answers show of both ends.
public struct BoundAccessPolicy: Sendable {
    public let binding: AccessBinding
    public let policy: AccessControlPolicy
    public let publication: PublicationView
}

/// An API that is published in an environment and could be bound to a policy.
public struct APIForAccessPolicy: Sendable {
    public let publication: PublicationView
    /// Name of another policy of the same entity type that it is bound to.
    public let boundPolicyName: String?
}

/// Which policies of an API are listed.
public struct BoundAccessPolicyFilter: Sendable {
    public var policyID: String?
    public var policyName: String?
    public var environmentID: String?
    public var environmentName: String?

    public init(
        policyID: String? = nil, policyName: String? = nil, environmentID: String? = nil, environmentName: String? = nil
    ) {
        self.policyID = policyID
        self.policyName = policyName
        self.environmentID = environmentID
        self.environmentName = environmentName
    }
}

extension ControlPlane {
    /// Binds a policy to published APIs. A policy of the same entity type that an API has there is replaced, under a new
    /// record; an API that has this policy already keeps its record (management-api.md, 3.12).
    ///
    /// - Throws: ``OperationError``: unknown policy, a publication that is not in force; nothing is bound then.
    public func bindAccessPolicy(
        _ call: Call, id: String, publicationIDs: [String]
    ) async throws -> Written<[BoundAccessPolicy]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: id, field: "acl_id")
            let publications = try Writing.distinct(publicationIDs, field: "publish_ids", limit: Self.bindingLimit)
            let policy = try w.accessPolicy(id, of: call)
            return try publications.map { publicationID in
                let view = try w.publishedView(publicationID, of: call)
                return BoundAccessPolicy(binding: try w.bind(policy, to: publicationID), policy: policy, publication: view)
            }
        }
    }

    /// - Throws: ``OperationError``: unknown binding.
    public func unbindAccessPolicy(_ call: Call, bindingID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard let binding = try w.accessBinding(bindingID, of: call) else {
                throw OperationError.notFound(.accessBinding, id: bindingID)
            }
            try w.remove(binding)
        }
    }

    /// Ends those bindings that exist; an id that comes twice fails the second time [mission page "Unbinding Multiple Access
    /// Control Policies from APIs"].
    ///
    /// - Throws: ``OperationError``: instance unknown, more ids than one call may name.
    public func unbindAccessPolicies(_ call: Call, bindingIDs: [String]) async throws -> Written<BatchOutcome> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard bindingIDs.count <= Self.bindingLimit else { throw OperationError.invalid(field: "acl_bindings") }
            var outcome = BatchOutcome()
            for id in bindingIDs {
                guard let binding = try w.accessBinding(id, of: call) else {
                    outcome.failures.append(BatchFailure(id: id, name: nil, reason: .notFound(.accessBinding, id: id)))
                    continue
                }
                try w.remove(binding)
                outcome.succeeded += 1
            }
            return outcome
        }
    }

    /// Policies bound to an API, newest binding first. An API that is offline meanwhile keeps its bindings.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func accessPolicies(
        _ call: Call, boundTo apiID: String, _ filter: BoundAccessPolicyFilter, page: Page
    ) async throws -> Listing<BoundAccessPolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            var condition = Condition()
            condition.equal("p.api_id", apiID)
            condition.equal("t.id", filter.policyID)
            condition.matches("t.name", filter.policyName)
            condition.equal("p.env_id", filter.environmentID)
            condition.matches("e.name", filter.environmentName)
            return try r.boundAccessPolicies(condition, page: page)
        }
    }

    /// APIs that a policy is bound to, newest binding first.
    ///
    /// - Throws: ``OperationError``: unknown policy.
    public func apis(
        _ call: Call, boundToAccessPolicy id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<BoundAccessPolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.accessPolicy(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.equal("t.id", id)
            return try r.boundAccessPolicies(condition, page: page)
        }
    }

    /// APIs in force that are not bound to this policy, newest publication first.
    ///
    /// - Throws: ``OperationError``: unknown policy.
    public func apis(
        _ call: Call, notBoundToAccessPolicy id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<APIForAccessPolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            let policy = try r.accessPolicy(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.and("p.version_id IS NOT NULL")
            condition.and("(t.id IS NULL OR t.id <> ?)", .text(id))
            return try r.sql.page(
                "\(PublicationView.columnList), t.name AS acl_name",
                // The entity type is one of three words of the program's own.
                from: """
                    \(PublicationView.tables) LEFT JOIN acl_bindings b \
                    ON b.publication_id = p.id AND b.entity_type = '\(policy.entity.rawValue)' \
                    LEFT JOIN acls t ON t.id = b.acl_id
                    """, where: condition, order: "p.published_at DESC, p.id", page: page
            ) { row in
                APIForAccessPolicy(
                    publication: try PublicationView(view: row), boundPolicyName: try row.optionalText("acl_name"))
            }
        }
    }
}

extension Reading {
    fileprivate func accessBinding(_ id: String, of call: Call) throws -> AccessBinding? {
        try sql.first(
            """
            SELECT \(AccessBinding.columnList("b")) FROM acl_bindings b JOIN publications p ON p.id = b.publication_id
            WHERE b.id = ? AND p.instance_id = ?
            """, [.text(id), .text(call.instanceID)]
        ).map { try AccessBinding(row: $0) }
    }

    fileprivate func boundAccessPolicies(_ condition: Condition, page: Page) throws -> Listing<BoundAccessPolicy> {
        try sql.page(
            """
            \(AccessControlPolicy.columnList("t")), \(PublicationView.columnList), b.id AS binding_id, \
            b.bound_at AS binding_bound_at
            """,
            from: """
                \(PublicationView.tables) JOIN acl_bindings b ON b.publication_id = p.id JOIN acls t ON t.id = b.acl_id
                """, where: condition, order: "b.bound_at DESC, b.id", page: page
        ) { row in
            let policy = try AccessControlPolicy(row: row)
            let view = try PublicationView(view: row)
            let binding = AccessBinding(
                id: try row.text("binding_id"), policyID: policy.id, publicationID: view.publicationID,
                entity: policy.entity, boundAt: Timestamp(nanoseconds: try row.integer("binding_bound_at")))
            return BoundAccessPolicy(binding: binding, policy: policy, publication: view)
        }
    }
}

extension Writing {
    /// Binds a policy in place of the one of the same entity type; the same one stays bound as it is.
    func bind(_ policy: AccessControlPolicy, to publicationID: String) throws -> AccessBinding {
        var same = Condition()
        same.equal("publication_id", publicationID)
        same.equal("entity_type", policy.entity.rawValue)
        if let old = try sql.all(AccessBinding.self, where: same).first {
            if old.policyID == policy.id { return old }
            try remove(old)
        }
        let binding = AccessBinding(
            id: newID(), policyID: policy.id, publicationID: publicationID, entity: policy.entity, boundAt: now)
        try sql.insert(binding)
        try record(.accessBinding, id: binding.id, before: nil, after: binding)
        touch(.publication(publicationID))
        return binding
    }

    /// Ends a binding: one change record, and the API is compiled again.
    fileprivate func remove(_ binding: AccessBinding) throws {
        try sql.delete(AccessBinding.self, key: binding.id)
        try record(.accessBinding, id: binding.id, before: binding, after: nil)
        touch(.publication(binding.publicationID))
    }
}
