/// What a batch did: elements fail one by one, the call as a whole does not (management-api.md, 3.29).
public struct BatchOutcome: Sendable, Equatable {
    public var succeeded = 0
    /// In the order of the request.
    public var failures: [BatchFailure] = []

    public init() {}
}

public struct BatchFailure: Sendable, Equatable {
    /// As the caller sent it.
    public let id: String
    /// Name of the object, when it is known.
    public let name: String?
    public let reason: OperationError

    public init(id: String, name: String?, reason: OperationError) {
        self.id = id
        self.name = name
        self.reason = reason
    }
}
