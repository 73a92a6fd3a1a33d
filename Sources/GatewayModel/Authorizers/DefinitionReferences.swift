extension APIDefinition {
    /// Ids of all authorizers that the definition names, the front one and those of its backends; each once.
    public var authorizerIDs: [String] {
        Set([authorizerID].compactMap(\.self) + backendAuthorizerIDs).sorted()
    }

    /// Ids of the authorizers of backends, default and policies.
    public var backendAuthorizerIDs: [String] {
        [http?.authorizerID, mock?.authorizerID, function?.authorizerID].compactMap(\.self)
            + httpPolicies.compactMap(\.backend.authorizerID) + mockPolicies.compactMap(\.backend.authorizerID)
            + functionPolicies.compactMap(\.backend.authorizerID)
    }

    /// Ids of the orchestration rules of all parameters, in the order of the definition.
    public var orchestrationIDs: [String] { requestParameters.flatMap { $0.orchestrations ?? [] } }

    /// Functions of the backends.
    public var functions: [FunctionReference] {
        ([function].compactMap(\.self) + functionPolicies.map(\.backend)).map(\.function)
    }
}
