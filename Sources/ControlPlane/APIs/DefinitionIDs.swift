import GatewayModel

extension APIDefinition {
    /// The definition with an id on every part that has one: that of the same part of `old`, or a new one. Parameters are the
    /// same when name and location are, policies when their names are (management-api.md, 3.8).
    func withIDs(from old: APIDefinition?, newID: () -> String) -> APIDefinition {
        var out = self
        out.http?.id = old?.http?.id ?? newID()
        out.mock?.id = old?.mock?.id ?? newID()
        out.function?.id = old?.function?.id ?? newID()
        for index in requestParameters.indices {
            let parameter = requestParameters[index]
            let same = old?.requestParameters.first { $0.name == parameter.name && $0.location == parameter.location }
            out.requestParameters[index].id = same?.id ?? newID()
        }
        out.backendParameters = backendParameters.withIDs(from: old?.backendParameters ?? [], newID: newID)
        out.httpPolicies = httpPolicies.map { policy in
            let old = old?.httpPolicies.first { $0.name == policy.name }
            var policy = policy.withIDs(from: old, newID: newID)
            policy.backend.id = old?.backend.id ?? newID()
            return policy
        }
        out.mockPolicies = mockPolicies.map { policy in
            let old = old?.mockPolicies.first { $0.name == policy.name }
            var policy = policy.withIDs(from: old, newID: newID)
            policy.backend.id = old?.backend.id ?? newID()
            return policy
        }
        out.functionPolicies = functionPolicies.map { policy in
            let old = old?.functionPolicies.first { $0.name == policy.name }
            var policy = policy.withIDs(from: old, newID: newID)
            policy.backend.id = old?.backend.id ?? newID()
            return policy
        }
        return out
    }
}

extension BackendPolicy {
    fileprivate func withIDs(from old: BackendPolicy?, newID: () -> String) -> BackendPolicy {
        var out = self
        out.id = old?.id ?? newID()
        // Conditions have no names: their place says which is which.
        for index in conditions.indices {
            let same = old.flatMap { index < $0.conditions.count ? $0.conditions[index].id : nil }
            out.conditions[index].id = same ?? newID()
        }
        out.backendParameters = backendParameters.withIDs(from: old?.backendParameters ?? [], newID: newID)
        return out
    }
}

extension [BackendParameter] {
    fileprivate func withIDs(from old: [BackendParameter], newID: () -> String) -> [BackendParameter] {
        map { parameter in
            var out = parameter
            out.id = old.first { $0.name == parameter.name && $0.location == parameter.location }?.id ?? newID()
            return out
        }
    }
}
