import GatewayModel

/// What a definition of gRPC may say (gateway-runtime.md, 4.5). Of definitions of other kinds: that they say nothing of it.
enum GRPCRules {
    /// - Throws: the first field that does not fit.
    static func check(_ definition: APIDefinition) throws(OperationError) {
        let backends = [definition.http].compactMap(\.self) + definition.httpPolicies.map(\.backend)
        guard definition.backendType == .grpc else {
            if definition.reqProtocol == .grpcs { throw .invalid(field: "req_protocol") }
            if backends.contains(where: \.speaksGRPC) { throw .invalid(field: "req_protocol") }
            return
        }
        guard definition.reqProtocol == .grpcs else { throw .invalid(field: "req_protocol") }
        guard definition.reqMethod == .post else { throw .invalid(field: "req_method") }
        guard let depth = depth(definition.reqURI) else { throw .invalid(field: "req_uri") }
        guard definition.matchMode == matchMode(depth: depth) else { throw .invalid(field: "match_mode") }
        // Their functions know requests and answers, no streams.
        if definition.authType == .authorizer || definition.authorizerID != nil { throw .invalid(field: "authorizer_id") }
        if definition.contentType != nil { throw .invalid(field: "content_type") }
        if !definition.mockPolicies.isEmpty { throw .invalid(field: "policy_mocks") }
        if !definition.functionPolicies.isEmpty { throw .invalid(field: "policy_functions") }
        for parameter in definition.requestParameters {
            guard parameter.location == .header else { throw .invalid(field: "location") }
            guard parameter.orchestrations?.isEmpty != false else { throw .invalid(field: "orchestrations") }
        }
        for parameter in definition.backendParameters + definition.httpPolicies.flatMap(\.backendParameters) {
            guard parameter.location == .header else { throw .invalid(field: "location") }
        }
        for backend in backends {
            guard backend.speaksGRPC else { throw .invalid(field: "req_protocol") }
            guard backend.reqMethod == .post else { throw .invalid(field: "req_method") }
            guard backend.reqURI == "/" else { throw .invalid(field: "req_uri") }
            if backend.authorizerID != nil { throw .invalid(field: "authorizer_id") }
        }
    }

    /// 0 for everything, 1 for a service, 2 for a method; nil for what is none of them.
    private static func depth(_ path: String) -> Int? {
        guard path != "/" else { return 0 }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.first?.isEmpty == true, (2...3).contains(segments.count), segments.dropFirst().allSatisfy({ !$0.isEmpty }),
            // A parameter would stand for many methods, none of which has a name then.
            !path.contains("{")
        else { return nil }
        return segments.count - 1
    }

    private static func matchMode(depth: Int) -> PathMatchMode { depth == 2 ? .normal : .prefix }

    /// For a definition that leaves it open.
    static func matchMode(of path: String) -> PathMatchMode { depth(path).map { matchMode(depth: $0) } ?? .normal }
}

extension APIDefinition {
    /// What is meant where `match_mode` is not given: services of gRPC hold their methods, everything else is its path alone.
    public static func matchMode(of path: String, backendType: BackendType) -> PathMatchMode {
        backendType == .grpc ? GRPCRules.matchMode(of: path) : .normal
    }
}
