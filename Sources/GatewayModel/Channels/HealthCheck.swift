/// How the members of a channel are checked (gateway-runtime.md, 4.2). Times in seconds.
public struct HealthCheck: Codable, Sendable, Equatable {
    public let id: String
    /// TCP, HTTP or HTTPS, in the letters in which it was written.
    public var protocolName: String
    /// Empty with TCP.
    public var path: String
    /// GET or HEAD.
    public var method: String
    /// 0: the port of the member.
    public var port: Int
    /// Checks in a row that must succeed, or fail, before a member counts as up, or down; 1...10.
    public var thresholdNormal, thresholdAbnormal: Int
    /// 5...300.
    public var timeInterval: Int
    /// 2...30, less than the interval.
    public var timeout: Int
    /// Statuses that count as success, such as `200,210-299`; empty with TCP.
    public var httpCode: String
    public var enableClientTLS: Bool
    /// `status` 1; with 2 nothing is checked and every member counts as up.
    public var isEnabled: Bool
    public let createdAt: Timestamp

    public init(
        id: String, protocolName: String, path: String, method: String, port: Int, thresholdNormal: Int, thresholdAbnormal: Int,
        timeInterval: Int, timeout: Int, httpCode: String, enableClientTLS: Bool, isEnabled: Bool, createdAt: Timestamp
    ) {
        self.id = id
        self.protocolName = protocolName
        self.path = path
        self.method = method
        self.port = port
        self.thresholdNormal = thresholdNormal
        self.thresholdAbnormal = thresholdAbnormal
        self.timeInterval = timeInterval
        self.timeout = timeout
        self.httpCode = httpCode
        self.enableClientTLS = enableClientTLS
        self.isEnabled = isEnabled
        self.createdAt = createdAt
    }

    public var checksHTTP: Bool { protocolName.uppercased() != "TCP" }
    public var usesTLS: Bool { protocolName.uppercased() == "HTTPS" }

    /// The ranges of `http_code`: `200,201,210-299`, each within 100...599.
    /// - Returns: nil when the text has another form or more than 64 parts.
    public static func statuses(_ text: String) -> [ClosedRange<Int>]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard (1...64).contains(parts.count) else { return nil }
        var ranges: [ClosedRange<Int>] = []
        for part in parts {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let low = status(ends[0]), let high = status(ends[ends.count - 1]), low <= high else { return nil }
            ranges.append(low...high)
        }
        return ranges
    }

    private static func status(_ text: Substring) -> Int? {
        guard text.utf8.count == 3, text.utf8.allSatisfy({ (48...57).contains($0) }), let status = Int(text),
            (100...599).contains(status)
        else { return nil }
        return status
    }
}
