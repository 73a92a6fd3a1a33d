import GatewayModel
import OpenAPIDocuments
import Store

/// Throttling policies of documents (`x-apigateway-ratelimits`).
extension Writing {
    /// The policy of this name as the document describes it, or as it is when the document only names it. Every check comes
    /// before the first change.
    ///
    /// - Parameter overrides: an existing policy takes over the description, specials included.
    /// - Throws: ``OperationError``: unknown policy without a description, wrong limits, unknown application, quota.
    func importedThrottle(
        _ name: String, _ description: RateLimitDescription?, overrides: Bool, limit: Int, of call: Call
    ) throws -> String {
        var own = Condition()
        own.equal("instance_id", call.instanceID)
        own.and("name = ?", .text(name))
        let existing = try sql.all(ThrottlePolicy.self, where: own).first
        guard let description else {
            guard let existing else { throw OperationError.notFound(.throttle, id: name) }
            return existing.id
        }
        if let existing, !overrides { return existing.id }
        let draft = try draft(name, description)
        let specials = try specials(description, of: call)
        guard let existing else {
            let made = try createThrottle(draft, limit: limit, of: call)
            try add(specials, to: made.id)
            return made.id
        }
        var changed = existing
        try draft.apply(to: &changed)
        for special in try self.specials(ofThrottle: existing.id) { try remove(special) }
        _ = try updateThrottle(existing.id, draft, of: call)
        try add(specials, to: existing.id)
        return existing.id
    }

    private func draft(_ name: String, _ description: RateLimitDescription) throws -> ThrottleDraft {
        guard let unit = ThrottlePolicy.TimeUnit(rawValue: description.unit) else { throw OperationError.invalid(field: "unit") }
        return ThrottleDraft(
            name: name, kind: (description.shared ? ThrottlePolicy.Kind.shared : .exclusive).rawValue,
            apiLimit: description.apiLimit, userLimit: description.userLimit ?? 0, appLimit: description.appLimit ?? 0,
            addressLimit: description.ipLimit ?? 0, unit: unit, interval: description.interval, remark: description.remark)
    }

    private func specials(
        _ description: RateLimitDescription, of call: Call
    ) throws -> [(object: ThrottleSpecial.Object, id: String, limit: Int)] {
        var seen: Set<String> = []
        var counts: [ThrottleSpecial.Object: Int] = [:]
        return try description.specials.map { special in
            guard let object = ThrottleSpecial.Object(rawValue: special.type.uppercased()) else {
                throw OperationError.invalid(field: "special")
            }
            try Self.checkForm(ofID: special.instance, field: "instance")
            if object == .app { try checkIntegrationApplication(special.instance, of: call) }
            do throws(ThrottleRules.Fault) {
                try ThrottleRules.checkSpecial(limit: special.limit, apiLimit: description.apiLimit)
            } catch {
                throw OperationError(error)
            }
            guard seen.insert("\(object.rawValue) \(special.instance)").inserted else {
                throw OperationError.taken(.throttleSpecial, name: special.instance)
            }
            counts[object, default: 0] += 1
            guard counts[object, default: 0] <= ThrottleRules.specialsPerKind else {
                throw OperationError.quotaExceeded(.throttleSpecial, limit: ThrottleRules.specialsPerKind)
            }
            return (object, special.instance, special.limit)
        }
    }

    private func add(_ specials: [(object: ThrottleSpecial.Object, id: String, limit: Int)], to policyID: String) throws {
        for (object, id, limit) in specials {
            let special = ThrottleSpecial(
                id: newID(), policyID: policyID, object: object, objectID: id, limit: limit, appliedAt: now)
            try sql.insert(special)
            try record(.throttleSpecial, id: special.id, before: nil, after: special)
        }
        if !specials.isEmpty { touch(.throttle(policyID)) }
    }
}

extension RateLimitDescription {
    /// A policy as documents describe it; a limit that is not set is left out.
    init(_ policy: ThrottlePolicy, _ specials: [ThrottleSpecial]) {
        func given(_ limit: Int) -> Int? { limit == 0 ? nil : limit }
        self.init(
            apiLimit: policy.apiLimit, userLimit: given(policy.userLimit), appLimit: given(policy.appLimit),
            ipLimit: given(policy.addressLimit), interval: policy.interval, unit: policy.unit.rawValue,
            shared: policy.kind == .shared,
            specials: specials.map { .init(type: $0.object.rawValue, limit: $0.limit, instance: $0.objectID) },
            remark: policy.remark)
    }
}
