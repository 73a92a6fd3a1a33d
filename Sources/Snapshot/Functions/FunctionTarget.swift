/// Where a function is run: the event goes there as the body of a POST, the function's answer is the body of the answer.
public struct FunctionTarget: Sendable, Equatable {
    public let upstream: Upstream
    public let hostHeader: [UInt8]
    /// With the query, if there is one.
    public let path: [UInt8]
    /// As the definition names it: the alias, or the URN with its version.
    public let urn: String

    public init(upstream: Upstream, hostHeader: [UInt8], path: [UInt8], urn: String = "") {
        self.urn = urn
        self.upstream = upstream
        self.hostHeader = hostHeader
        self.path = path
    }
}

/// `backend_type` FUNCTION: the request becomes an event, the function's answer the answer (gateway-runtime.md, 4.3).
public final class FunctionBackend: Sendable {
    public let function: FunctionTarget
    /// `invocation_type` async: the answer is 202 as soon as the event is on its way.
    public let isAsync: Bool
    /// The body is sent in Base64.
    public let encodesBody: Bool
    /// From opening a connection to the whole answer, 1...600 000.
    public let timeoutMilliseconds: Int

    public init(function: FunctionTarget, isAsync: Bool, encodesBody: Bool, timeoutMilliseconds: Int) {
        self.function = function
        self.isAsync = isAsync
        self.encodesBody = encodesBody
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}
