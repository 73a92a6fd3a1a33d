import GatewayModel
import Store

/// A special limit and the name of what it is for, as far as it has one.
public struct ListedThrottleSpecial: Sendable {
    public let special: ThrottleSpecial
    /// Name of the app; nil for users, who belong to the identity service.
    public let applicationName: String?
}

public struct ThrottleSpecialFilter: Sendable {
    public var object: String?
    /// Part of the app's name.
    public var applicationName: String?

    public init(object: String? = nil, applicationName: String? = nil) {
        self.object = object
        self.applicationName = applicationName
    }
}

extension ControlPlane {
    /// Gives an app or a user a limit of its own. In force for all APIs of the policy at once.
    ///
    /// - Throws: ``OperationError``: policy or app unknown, limit above the policy's, a special of the object there already,
    ///   too many specials of the kind.
    public func createThrottleSpecial(
        _ call: Call, policyID: String, object: ThrottleSpecial.Object, objectID: String, limit: Int
    ) async throws -> Written<ListedThrottleSpecial> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let policy = try w.throttle(policyID, of: call)
            try Self.checkLimit(limit, policy)
            try Writing.checkForm(ofID: objectID, field: "object_id")
            let name: String? = try object == .app ? w.applicationName(ofThrottled: objectID, of: call) : nil
            let others = try w.specials(ofThrottle: policyID).filter { $0.object == object }
            guard !others.contains(where: { $0.objectID == objectID }) else {
                throw OperationError.taken(.throttleSpecial, name: objectID)
            }
            try w.checkQuota(.throttleSpecial, count: others.count, limit: ThrottleRules.specialsPerKind)
            let special = ThrottleSpecial(
                id: w.newID(), policyID: policyID, object: object, objectID: objectID, limit: limit, appliedAt: w.now)
            try w.sql.insert(special)
            try w.record(.throttleSpecial, id: special.id, before: nil, after: special)
            w.touch(.throttle(policyID))
            return ListedThrottleSpecial(special: special, applicationName: name)
        }
    }

    /// - Throws: ``OperationError``: policy or special unknown, limit above the policy's.
    public func updateThrottleSpecial(
        _ call: Call, policyID: String, id: String, limit: Int
    ) async throws -> Written<ListedThrottleSpecial> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let policy = try w.throttle(policyID, of: call)
            let old = try w.special(id, of: policy)
            try Self.checkLimit(limit, policy)
            var new = old
            new.limit = limit
            try w.sql.update(new)
            try w.record(.throttleSpecial, id: id, before: old, after: new)
            w.touch(.throttle(policyID))
            return ListedThrottleSpecial(
                special: new,
                applicationName: try old.object == .app ? w.applicationName(ofThrottled: old.objectID, of: call) : nil)
        }
    }

    /// - Throws: ``OperationError``: policy or special unknown.
    public func deleteThrottleSpecial(_ call: Call, policyID: String, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            try w.remove(try w.special(id, of: try w.throttle(policyID, of: call)))
        }
    }

    /// Newest first.
    ///
    /// - Throws: ``OperationError``: unknown policy.
    public func throttleSpecials(
        _ call: Call, policyID: String, _ filter: ThrottleSpecialFilter, page: Page
    ) async throws -> Listing<ListedThrottleSpecial> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.throttle(policyID, of: call)
            var condition = Condition()
            condition.equal("s.throttle_id", policyID)
            condition.equal("s.object_type", filter.object)
            // Apps are the only objects with names.
            condition.matches("t.name", filter.applicationName)
            return try r.sql.page(
                "\(ThrottleSpecial.columnList("s")), t.name AS app_name",
                from: "throttle_specials s LEFT JOIN applications t ON t.id = s.object_id AND s.object_type = 'APP'",
                where: condition, order: "s.applied_at DESC, s.id", page: page
            ) {
                ListedThrottleSpecial(
                    special: try ThrottleSpecial(row: $0), applicationName: try $0.optionalText("app_name"))
            }
        }
    }

    private static func checkLimit(_ limit: Int, _ policy: ThrottlePolicy) throws {
        do throws(ThrottleRules.Fault) {
            try ThrottleRules.checkSpecial(limit: limit, apiLimit: policy.apiLimit)
        } catch {
            throw OperationError(error)
        }
    }
}

extension Reading {
    fileprivate func special(_ id: String, of policy: ThrottlePolicy) throws -> ThrottleSpecial {
        guard let special = try sql.find(ThrottleSpecial.self, key: id), special.policyID == policy.id else {
            throw OperationError.notFound(.throttleSpecial, id: id)
        }
        return special
    }

    /// - Throws: ``OperationError/notFound(_:id:)``.
    fileprivate func applicationName(ofThrottled id: String, of call: Call) throws -> String {
        try application(id, of: call).name
    }
}

extension Writing {
    /// Ends the special limits of an application that goes.
    func removeThrottleSpecials(ofApplication id: String) throws {
        var own = Condition()
        own.equal("object_type", ThrottleSpecial.Object.app.rawValue)
        own.equal("object_id", id)
        for special in try sql.all(ThrottleSpecial.self, where: own, order: "id") { try remove(special) }
    }

    /// Ends a special; the APIs of its policy are compiled again.
    func remove(_ special: ThrottleSpecial) throws {
        try sql.delete(ThrottleSpecial.self, key: special.id)
        try record(.throttleSpecial, id: special.id, before: special, after: nil)
        touch(.throttle(special.policyID))
    }
}
