import GatewayPrimitives

/// A cors plug-in bound to an API: every answer's lines, made when compiled (gateway-runtime.md, 8.1).
public final class CORSPolicy: Sendable {
    /// The lines for one origin.
    public struct Lines: Sendable, Equatable {
        /// For the answer of a preflight.
        public let preflight: [HeaderLine]
        /// For every other answer, the gateway's own errors included. They replace the backend's `Access-Control-*`.
        public let actual: [HeaderLine]

        public init(preflight: [HeaderLine], actual: [HeaderLine]) {
            self.preflight = preflight
            self.actual = actual
        }
    }

    /// Origin in lower case -> lines; empty when any origin is allowed.
    private let listed: [(origin: [UInt8], lines: Lines)]
    /// For any origin, or for one that is not listed.
    private let otherwise: Lines

    public init(listed: [(origin: [UInt8], lines: Lines)], otherwise: Lines) {
        self.listed = listed
        self.otherwise = otherwise
    }

    /// - Parameter origin: value of `Origin`; scheme and host are compared without regard to case.
    public func lines(for origin: ByteView) -> Lines {
        for entry in listed where origin.equalsIgnoringCase(entry.origin) { return entry.lines }
        return otherwise
    }
}
