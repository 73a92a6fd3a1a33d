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
    /// The object that the path names, when it names one.
    public var subject: CallSubject?
    /// What the sender expects of it; nil: whatever it is.
    public var expectation: ExpectedState?

    public init(actor: String, userID: String, source: String, requestID: String, projectID: String, instanceID: String) {
        self.actor = actor
        self.userID = userID
        self.source = source
        self.requestID = requestID
        self.projectID = projectID
        self.instanceID = instanceID
    }
}

/// Tags that the answer of a write may carry; nil where nothing is on record.
public struct WrittenTags: Sendable, Equatable {
    /// Of the object that the path names.
    public let subject: UInt64?
    /// Of what was made; nil when nothing changed.
    public let made: UInt64?

    public init(subject: UInt64?, made: UInt64?) {
        self.subject = subject
        self.made = made
    }
}

/// What a write answered and the revision that it made (or found, when it changed nothing).
public struct Written<Value: Sendable>: Sendable {
    public let value: Value
    public let revision: UInt64
    public let tags: WrittenTags

    public init(value: Value, revision: UInt64, tags: WrittenTags = WrittenTags(subject: nil, made: nil)) {
        self.value = value
        self.revision = revision
        self.tags = tags
    }

    public func map<Other: Sendable>(_ transform: (Value) throws -> Other) rethrows -> Written<Other> {
        Written<Other>(value: try transform(value), revision: revision, tags: tags)
    }
}
