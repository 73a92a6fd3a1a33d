import GatewayModel
import Store

/// A binding of a policy with everything that answers show of both ends.
public struct BoundThrottlePolicy: Sendable {
    public let binding: ThrottleBinding
    public let listed: ListedThrottle
    public let publication: PublicationView
}

/// An API that is published in an environment and could be bound to a policy.
public struct APIForThrottle: Sendable {
    public let publication: PublicationView
    /// Name of another policy that it is bound to.
    public let boundPolicyName: String?
}

/// Which policies of an API are listed.
public struct BoundThrottleFilter: Sendable {
    public var policyID: String?
    public var policyName: String?
    public var environmentID: String?

    public init(policyID: String? = nil, policyName: String? = nil, environmentID: String? = nil) {
        self.policyID = policyID
        self.policyName = policyName
        self.environmentID = environmentID
    }
}

extension ControlPlane {
    /// Binds a policy to published APIs. Another policy that an API has there is replaced, under a new record; an API that has
    /// this policy already keeps its record (management-api.md, 3.13 and 3.30).
    ///
    /// - Throws: ``OperationError``: unknown policy, a publication that is not in force; nothing is bound then.
    public func bindThrottle(
        _ call: Call, id: String, publicationIDs: [String]
    ) async throws -> Written<[ThrottleBinding]> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try Writing.checkForm(ofID: id, field: "strategy_id")
            let publications = try Writing.distinct(publicationIDs, field: "publish_ids", limit: Self.bindingLimit)
            _ = try w.throttle(id, of: call)
            return try publications.map { publicationID in
                _ = try w.publishedView(publicationID, of: call)
                return try w.bind(throttle: id, to: publicationID)
            }
        }
    }

    /// - Throws: ``OperationError``: unknown binding.
    public func unbindThrottle(_ call: Call, bindingID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard let binding = try w.throttleBinding(bindingID, of: call) else {
                throw OperationError.notFound(.throttleBinding, id: bindingID)
            }
            try w.remove(binding)
        }
    }

    /// Ends those bindings that exist; an id that comes twice fails the second time.
    ///
    /// - Throws: ``OperationError``: instance unknown, more ids than one call may name.
    public func unbindThrottles(_ call: Call, bindingIDs: [String]) async throws -> Written<BatchOutcome> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            guard bindingIDs.count <= Self.bindingLimit else { throw OperationError.invalid(field: "throttle_bindings") }
            var outcome = BatchOutcome()
            for id in bindingIDs {
                guard let binding = try w.throttleBinding(id, of: call) else {
                    outcome.failures.append(BatchFailure(id: id, name: nil, reason: .notFound(.throttleBinding, id: id)))
                    continue
                }
                try w.remove(binding)
                outcome.succeeded += 1
            }
            return outcome
        }
    }

    /// Policies bound to an API, one in each environment at most, newest binding first. An API that is offline meanwhile keeps
    /// its bindings.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func throttles(
        _ call: Call, boundTo apiID: String, _ filter: BoundThrottleFilter, page: Page
    ) async throws -> Listing<BoundThrottlePolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkAPI(apiID, of: call)
            var condition = Condition()
            condition.equal("p.api_id", apiID)
            condition.equal("t.id", filter.policyID)
            condition.matches("t.name", filter.policyName)
            condition.equal("p.env_id", filter.environmentID)
            return try r.boundThrottles(condition, page: page)
        }
    }

    /// APIs that a policy is bound to, newest binding first.
    ///
    /// - Throws: ``OperationError``: unknown policy.
    public func apis(
        _ call: Call, boundToThrottle id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<BoundThrottlePolicy> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.throttle(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.equal("t.id", id)
            return try r.boundThrottles(condition, page: page)
        }
    }

    /// APIs in force that are not bound to this policy, newest publication first.
    ///
    /// - Throws: ``OperationError``: unknown policy.
    public func apis(
        _ call: Call, notBoundToThrottle id: String, _ filter: PublicationFilter, page: Page
    ) async throws -> Listing<APIForThrottle> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.throttle(id, of: call)
            var condition = filter.condition(instanceID: call.instanceID)
            condition.and("p.version_id IS NOT NULL")
            condition.and("(t.id IS NULL OR t.id <> ?)", .text(id))
            return try r.sql.page(
                "\(PublicationView.columnList), t.name AS throttle_name",
                from: """
                    \(PublicationView.tables) LEFT JOIN throttle_bindings b ON b.publication_id = p.id \
                    LEFT JOIN throttles t ON t.id = b.throttle_id
                    """, where: condition, order: "p.published_at DESC, p.id", page: page
            ) { row in
                APIForThrottle(
                    publication: try PublicationView(view: row), boundPolicyName: try row.optionalText("throttle_name"))
            }
        }
    }
}

extension Reading {
    fileprivate func throttleBinding(_ id: String, of call: Call) throws -> ThrottleBinding? {
        try sql.first(
            """
            SELECT \(ThrottleBinding.columnList("b")) FROM throttle_bindings b JOIN publications p ON p.id = b.publication_id
            WHERE b.id = ? AND p.instance_id = ?
            """, [.text(id), .text(call.instanceID)]
        ).map { try ThrottleBinding(row: $0) }
    }

    fileprivate func boundThrottles(_ condition: Condition, page: Page) throws -> Listing<BoundThrottlePolicy> {
        try sql.page(
            """
            \(ThrottlePolicy.columnList("t")), \(ListedThrottle.counts), \(PublicationView.columnList), \
            b.id AS binding_id, b.bound_at AS binding_bound_at
            """,
            from: """
                \(PublicationView.tables) JOIN throttle_bindings b ON b.publication_id = p.id \
                JOIN throttles t ON t.id = b.throttle_id
                """, where: condition, order: "b.bound_at DESC, b.id", page: page
        ) { row in
            let listed = try ListedThrottle(row: row)
            let view = try PublicationView(view: row)
            let binding = ThrottleBinding(
                id: try row.text("binding_id"), policyID: listed.policy.id, publicationID: view.publicationID,
                boundAt: Timestamp(nanoseconds: try row.integer("binding_bound_at")))
            return BoundThrottlePolicy(binding: binding, listed: listed, publication: view)
        }
    }
}

extension Writing {
    /// Binds a policy in place of another one; the same one stays bound as it is.
    func bind(throttle id: String, to publicationID: String) throws -> ThrottleBinding {
        var same = Condition()
        same.equal("publication_id", publicationID)
        if let old = try sql.all(ThrottleBinding.self, where: same).first {
            if old.policyID == id { return old }
            try remove(old)
        }
        let binding = ThrottleBinding(id: newID(), policyID: id, publicationID: publicationID, boundAt: now)
        try sql.insert(binding)
        try record(.throttleBinding, id: binding.id, before: nil, after: binding)
        touch(.publication(publicationID))
        return binding
    }

    /// Ends a binding: one change record, and the API is compiled again.
    func remove(_ binding: ThrottleBinding) throws {
        try sql.delete(ThrottleBinding.self, key: binding.id)
        try record(.throttleBinding, id: binding.id, before: binding, after: nil)
        touch(.publication(binding.publicationID))
    }
}
