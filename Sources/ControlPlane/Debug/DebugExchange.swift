import Snapshot

/// A request for the gateway's own request path.
public struct DebugMessage: Sendable {
    /// Head and body as they go over a connection.
    public let bytes: [UInt8]
    public let usesTLS: Bool
    /// Address of the one who debugs.
    public let source: String
    public let apiID: String
    public let target: DebugTarget
    /// Bytes of an answer's body that are kept.
    public let answerLimit: Int

    public init(bytes: [UInt8], usesTLS: Bool, source: String, apiID: String, target: DebugTarget, answerLimit: Int) {
        self.bytes = bytes
        self.usesTLS = usesTLS
        self.source = source
        self.apiID = apiID
        self.target = target
        self.answerLimit = answerLimit
    }
}

/// What the gateway answered.
public struct DebugAnswer: Sendable {
    public let head: [UInt8]
    public let body: [UInt8]
    public let isTruncated: Bool
    /// The request reached the API; otherwise its host, path or method lead to none.
    public let reachedAPI: Bool
    public let milliseconds: Int

    public init(head: [UInt8], body: [UInt8], isTruncated: Bool, reachedAPI: Bool, milliseconds: Int) {
        self.head = head
        self.body = body
        self.isTruncated = isTruncated
        self.reachedAPI = reachedAPI
        self.milliseconds = milliseconds
    }
}

/// Sends a request through the gateway of this process.
///
/// - Returns: nil when no answer came in time.
public typealias DebugSender = @Sendable (DebugMessage) async -> DebugAnswer?
