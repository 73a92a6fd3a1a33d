/// Bounds of what is read from clients and backends (gateway-runtime.md, 12.2; the rest are our choices).
public enum HTTPLimits {
    /// Longest request target in bytes; 414 beyond.
    public static let target = 32 * 1024
    /// Longest header line in bytes, name and value without the line end; 494 beyond.
    public static let headerLine = 32 * 1024
    /// All header lines together in bytes; 494 beyond.
    public static let headers = 128 * 1024
    /// Header fields of one message; 494 beyond.
    public static let fieldCount = 256
    /// Longest method name; 400 beyond.
    public static let method = 32
    /// Empty lines before a request line (RFC 9112, 2.2 asks for at least one); 400 beyond.
    public static let leadingEmptyLines = 4
    /// Longest host name, port not counted (RFC 1035 allows 255); 400 beyond.
    public static let host = 255
    /// Options of all `Connection` lines of one message; 400 beyond.
    public static let connectionOptions = 32
    /// One chunk-size line with its extensions.
    public static let chunkLine = 1024
    /// All chunk extensions of one body together: a body of tiny chunks must not smuggle megabytes of them.
    public static let chunkExtensions = 16 * 1024
    /// The trailer section of one body; trailers are checked and dropped.
    public static let trailers = 8 * 1024
    /// Status line of a backend's answer.
    public static let statusLine = 4 * 1024
}
