import GatewayPrimitives

/// Plug-in kafka_log of a route: what of each request becomes a record, and where records go (gateway-runtime.md, 8.3).
public final class KafkaLogPolicy: Sendable {
    /// No other policy has it.
    public let serial = SerialNumber.next()
    /// Places in ``RecordField/kafkaLog``, in order.
    public let fields: [Int]
    /// nil: that part is not logged.
    public let requestHeaders: NameFilter?
    public let queries: NameFilter?
    public let responseHeaders: NameFilter?
    public let logsRequestBody: Bool
    public let logsResponseBody: Bool
    /// Names of what custom authorizers said.
    public let frontendNames: [[UInt8]]
    public let backendNames: [[UInt8]]
    public let destination: KafkaDestination
    /// Records have more than ``fields``.
    public let hasCallData: Bool
    /// Among ``fields`` is the target that the backend saw.
    public let showsUpstreamTarget: Bool

    public init(
        fields: [Int], requestHeaders: NameFilter?, queries: NameFilter?, responseHeaders: NameFilter?, logsRequestBody: Bool,
        logsResponseBody: Bool, frontendNames: [[UInt8]], backendNames: [[UInt8]], destination: KafkaDestination
    ) {
        self.fields = fields
        self.requestHeaders = requestHeaders
        self.queries = queries
        self.responseHeaders = responseHeaders
        self.logsRequestBody = logsRequestBody
        self.logsResponseBody = logsResponseBody
        self.frontendNames = frontendNames
        self.backendNames = backendNames
        self.destination = destination
        hasCallData = requestHeaders != nil || queries != nil || responseHeaders != nil || logsRequestBody || logsResponseBody
            || !frontendNames.isEmpty || !backendNames.isEmpty
        showsUpstreamTarget = fields.contains { RecordField.kafkaLog[$0].field == .upstreamTarget }
    }

    /// Something must be kept while the request runs; otherwise its end knows everything.
    public var captures: Bool { responseHeaders != nil || logsRequestBody || logsResponseBody }
}

/// A comma list of names in which `*` stands for any characters.
public struct NameFilter: Sendable, Equatable {
    private let patterns: [[UInt8]]
    private let ignoresCase: Bool

    public init(_ entries: [String], ignoringCase: Bool) {
        ignoresCase = ignoringCase
        patterns = entries.map { Array((ignoringCase ? $0.lowercased() : $0).utf8) }
    }

    public func matches(_ name: ByteView) -> Bool { patterns.contains { Self.matches($0, name, ignoresCase) } }

    /// Time is bounded by the product of both lengths: after a star, only the last one is tried again.
    private static func matches(_ pattern: [UInt8], _ name: ByteView, _ ignoresCase: Bool) -> Bool {
        var (at, index) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while index < name.count {
            let byte = ignoresCase ? asciiLowercase(name[index]) : name[index]
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, index)
                at += 1
            } else if at < pattern.count, pattern[at] == byte {
                at += 1
                index += 1
            } else if let last = star {
                at = last.pattern + 1
                index = last.name + 1
                star = (last.pattern, index)
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        return at == pattern.count
    }
}
