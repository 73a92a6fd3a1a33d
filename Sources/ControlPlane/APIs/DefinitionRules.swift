import GatewayModel
import GatewayPrimitives

/// Rules that a definition keeps by itself, whatever else there is (management-api.md, 3.8; gateway-runtime.md, 1.4, 3.1, 3.2,
/// 4.1, 4.4). Names and enumerations have been checked against the contract before.
struct DefinitionRules {
    let quotas: Quotas
    /// Upper bound of backend timeouts in milliseconds: the instance's feature `backend_timeout`.
    let maxTimeoutMilliseconds: Int
    /// Feature `policy_cookie_param` of the instance.
    var allowsCookieConditions = false
    /// A draft may lack its backend; publishing it is refused then.
    var allowsNoBackend = false

    /// Reserved for the node's own health probe.
    static let healthCheckPath = "/apic/health_check"

    /// - Throws: the first broken rule, fields in the order of the contract; ``OperationError/definition(_:)`` for rules that
    ///   have codes of their own.
    func check(_ definition: APIDefinition) throws(OperationError) {
        let front = try Self.frontPath(definition)
        if definition.authType != .app, definition.appCodeAllowed { throw .invalid(field: "app_code_auth_type") }
        try ControlPlane.checkPlain(definition.remark, field: "remark")
        if definition.authType == .authorizer, definition.authorizerID == nil { throw .missing(field: "authorizer_id") }
        // Nothing is checked without authentication, so nobody is asked either.
        if definition.authType == .none, definition.authorizerID != nil { throw .invalid(field: "authorizer_id") }
        // Bytes that are no text would be lost.
        if !definition.encodesFunctionBody, definition.contentType != "application/json" {
            throw .invalid(field: "is_send_fg_body_base64")
        }
        if !definition.domainName.isEmpty, definition.romaAppID.isEmpty { throw .missing(field: "roma_app_id") }
        guard definition.domainName.isEmpty || BoundDomain.isHostName(definition.domainName) else { throw .invalid(field: "domain_name") }
        try checkTags(definition.tags)
        try checkBackendBlocks(definition)
        try GRPCRules.check(definition)
        try ParameterRules(definition: definition, front: front, quotas: quotas).check()
        let backends = BackendRules(definition: definition, maxTimeoutMilliseconds: maxTimeoutMilliseconds)
        if let http = definition.http { try backends.check(http, parameters: definition.backendParameters) }
        if let mock = definition.mock { try backends.check(mock, parameters: definition.backendParameters) }
        if let function = definition.function { try backends.check(function, parameters: definition.backendParameters) }
        try checkPolicies(definition, backends)
    }

    static func frontPath(_ definition: APIDefinition) throws(OperationError) -> PathTemplate {
        guard let front = try? PathTemplate(parsing: definition.reqURI, allowsRest: definition.matchMode == .normal) else {
            throw .invalid(field: "req_uri")
        }
        if definition.reqURI == healthCheckPath, definition.reqMethod == .get || definition.reqMethod == .any {
            throw .invalid(field: "req_uri")
        }
        return front
    }

    private func checkTags(_ tags: [String]) throws(OperationError) {
        if tags.count > quotas.tagsPerAPI { throw .definition(.tooManyTags) }
        if Set(tags).count < tags.count { throw .definition(.repeatedTag) }
    }

    /// The block of the backend's type is there, those of the other types are not.
    private func checkBackendBlocks(_ definition: APIDefinition) throws(OperationError) {
        switch definition.backendType {
        case _ where allowsNoBackend: break
        case .http: if definition.http == nil { throw .missing(field: "backend_api") }
        case .mock: if definition.mock == nil { throw .missing(field: "mock_info") }
        case .function: if definition.function == nil { throw .missing(field: "func_info") }
        case .grpc: if definition.http == nil { throw .missing(field: "backend_api") }
        }
        // Policies may be of another type than the API's own backend (gateway-runtime.md, 4.6).
        if definition.backendType != .mock, definition.mock != nil { throw .invalid(field: "mock_info") }
        if definition.backendType != .function, definition.function != nil { throw .invalid(field: "func_info") }
        if definition.backendType != .http, definition.backendType != .grpc, definition.http != nil { throw .invalid(field: "backend_api") }
    }

    private func checkPolicies(_ definition: APIDefinition, _ backends: BackendRules) throws(OperationError) {
        let count = definition.mockPolicies.count + definition.functionPolicies.count + definition.httpPolicies.count
        if count > quotas.backendPoliciesPerAPI { throw .definition(.tooManyPolicies) }
        var names: Set<String> = []
        for policy in definition.mockPolicies {
            try check(policy, "policy_mocks", definition, &names)
            try backends.check(policy.backend, parameters: policy.backendParameters)
        }
        for policy in definition.functionPolicies {
            try check(policy, "policy_functions", definition, &names)
            try backends.check(policy.backend, parameters: policy.backendParameters)
        }
        for policy in definition.httpPolicies {
            try check(policy, "policy_https", definition, &names)
            try backends.check(policy.backend, parameters: policy.backendParameters)
        }
    }

    private func check<Backend>(
        _ policy: BackendPolicy<Backend>, _ field: String, _ definition: APIDefinition, _ names: inout Set<String>
    ) throws(OperationError) {
        guard names.insert(policy.name).inserted else { throw .definition(.repeatedPolicy) }
        if policy.conditions.isEmpty { throw .missing(field: "conditions") }
        if policy.conditions.count > quotas.conditionsPerPolicy { throw .definition(.tooManyConditions) }
        for condition in policy.conditions { try check(condition, definition) }
        try ParameterRules(definition: definition, front: Self.frontPath(definition), quotas: quotas)
            .check(backend: policy.backendParameters)
    }

    private func check(_ condition: BackendCondition, _ definition: APIDefinition) throws(OperationError) {
        if condition.value.isEmpty { throw .invalid(field: "condition_value") }
        switch condition.origin {
        case "param":
            guard let name = condition.requestParameterName, !name.isEmpty else { throw .missing(field: "req_param_name") }
            let named = definition.requestParameters.filter { $0.name == name }
            guard !named.isEmpty else { throw .definition(.unmappedBackendParameter) }
            if let location = condition.requestParameterLocation, !named.contains(where: { $0.location.rawValue == location }) {
                throw .invalid(field: "req_param_location")
            }
        case "source":
            // The one origin without a way of comparing.
            for entry in condition.value.split(separator: ",", omittingEmptySubsequences: false) {
                guard IPRange(entry) != nil else { throw .invalid(field: "condition_value") }
            }
            return
        case "system":
            guard let name = condition.systemParameterName, !name.isEmpty else { throw .missing(field: "sys_param_name") }
            switch name {
            case "req_path", "reqPath": break
            case "req_method", "reqMethod": if condition.type == "pattern" { throw .invalid(field: "condition_type") }
            default: throw .invalid(field: "sys_param_name")
            }
        case "cookie":
            guard allowsCookieConditions else { throw .invalid(field: "condition_origin") }
            guard let name = condition.cookieName, !name.isEmpty else { throw .missing(field: "cookie_param_name") }
            guard name.utf8.allSatisfy({ ByteSet.token.contains($0) }) else { throw .invalid(field: "cookie_param_name") }
        case "frontend_authorizer":
            guard definition.authorizerID != nil else { throw .definition(.authorizerParameters) }
            guard let name = condition.authorizerParameterName, !name.isEmpty else {
                throw .missing(field: "frontend_authorizer_param_name")
            }
            let prefix = ParameterRules.frontAuthorizer
            guard name.hasPrefix(prefix), name.count > prefix.count else { throw .invalid(field: "frontend_authorizer_param_name") }
        case "orchestration":
            // That a rule makes it is checked with the rules.
            guard condition.mappedParameterName?.isEmpty == false else { throw .missing(field: "mapped_param_name") }
        default: throw .invalid(field: "condition_origin")
        }
        guard let type = condition.type else { throw .missing(field: "condition_type") }
        if type == "pattern", (try? PatternMatcher(condition.value)) == nil { throw .invalid(field: "condition_value") }
    }
}
