/// On whose behalf an operation runs; goes into the change record.
public struct Call: Sendable {
    /// User name, or `system` for what the program does by itself.
    public let actor: String
    public let userID: String
    /// Address of the client, for the record only.
    public let source: String
    public let requestID: String
    public let projectID: String
    /// The instance that the path names; empty above instances.
    public let instanceID: String

    public init(actor: String, userID: String, source: String, requestID: String, projectID: String, instanceID: String) {
        self.actor = actor
        self.userID = userID
        self.source = source
        self.requestID = requestID
        self.projectID = projectID
        self.instanceID = instanceID
    }
}

/// What a write answered and the revision that it made (or found, when it changed nothing).
public struct Written<Value: Sendable>: Sendable {
    public let value: Value
    public let revision: UInt64

    public init(value: Value, revision: UInt64) {
        self.value = value
        self.revision = revision
    }

    public func map<Other: Sendable>(_ transform: (Value) throws -> Other) rethrows -> Written<Other> {
        Written<Other>(value: try transform(value), revision: revision)
    }
}
