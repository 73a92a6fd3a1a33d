/// Bounds of HTTP/2 (docs/decisions/0020 and 0034): what a client may keep busy with little.
public enum HTTP2Limits {
    /// Streams of one connection at a time.
    public static let streams = 100
    /// Field lines of one message, decoded, as RFC 9113 counts them: all lines, the target, and 32 for each.
    public static let headerList = HTTPLimits.headers + HTTPLimits.target + 32 * HTTPLimits.fieldCount
    /// CONTINUATION frames of one message; with frames of 16 KiB more than a list of the largest size needs.
    public static let continuations = 12
    /// Bytes of a frame's payload that are taken; the least that RFC 9113, 6.5.2 allows.
    public static let frame = 16 * 1024
    /// Bytes of bodies that may be on their way, for each stream and for all of them: what RFC 9113, 6.9.2 begins with.
    public static let window = 65_535
    /// The largest window that there is.
    public static let largestWindow = 0x7FFF_FFFF
    /// Streams that a client may give up, or make the gateway give up, within ``period``.
    public static let resets = 200
    /// PING, SETTINGS and PRIORITY within ``period``.
    public static let controlFrames = 400
    /// Nanoseconds.
    public static let period: UInt64 = 30_000_000_000
    /// Empty DATA frames in a row.
    public static let emptyFrames = 10
    /// Frames about the connection and its streams that wait for a client that takes none.
    public static let waitingFrames = 1000
}

/// RFC 9113, 7
public enum HTTP2ErrorCode: UInt32, Sendable {
    case noError, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError
    case refusedStream, cancel, compressionError, connectError, enhanceYourCalm
}

/// Counts what may happen only so often in any stretch of time.
public struct HTTP2RateLimit: Sendable {
    private let limit: Int
    /// Moments of the last events, as many as the limit; the oldest one at ``next`` once they are so many.
    private var moments: [UInt64] = []
    private var next = 0

    public init(_ limit: Int) { self.limit = limit }

    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: false when there were too many.
    public mutating func allows(at now: UInt64) -> Bool {
        guard moments.count == limit else {
            moments.append(now)
            return true
        }
        let isFine = now - min(now, moments[next]) > HTTP2Limits.period
        moments[next] = now
        next = (next + 1) % limit
        return isFine
    }
}
