/// Why something cannot be served as configured. Names the resource and the contract's field, never a secret.
public struct CompileDiagnostic: Error, Sendable, Equatable {
    /// Wire name of the field, such as `auth_type` or `plugin_content`.
    public let field: String
    /// For people: one clause, no full stop.
    public let reason: String
    /// What the field belongs to: kind and id.
    public let resource: String

    public init(field: String, reason: String, resource: String) {
        self.field = field
        self.reason = reason
        self.resource = resource
    }
}
