/// A value that breaks a rule of its own field.
public struct InvalidField: Error, Sendable, Equatable {
    /// Wire name of the field.
    public let field: String
    /// For people and logs; holds no secret.
    public let reason: String

    public init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }
}
