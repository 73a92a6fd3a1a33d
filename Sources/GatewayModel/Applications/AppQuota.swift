/// How often an application may call, over all APIs (management-api.md, 3.18; gateway-runtime.md, 2.9).
public struct AppQuota: Encodable, Sendable, Equatable {
    public enum Unit: String, Codable, Sendable, CaseIterable {
        case second = "SECOND"
        case minute = "MINUTE"
        case hour = "HOUR"
        case day = "DAY"

        public var seconds: Int64 {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            }
        }
    }

    public let id: String
    public let instanceID: String
    /// Unique in the instance.
    public var name: String
    /// Calls in a window, 1...2147483647.
    public var callLimits: Int
    public var unit: Unit
    /// Length of a window in units, 1...2147483647.
    public var interval: Int
    /// Where windows begin, UTC; nil: with the first call.
    public var resetTime: ResetTime?
    public var remark: String
    public let createdAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, callLimits: Int, unit: Unit, interval: Int, resetTime: ResetTime?,
        remark: String, createdAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.callLimits = callLimits
        self.unit = unit
        self.interval = interval
        self.resetTime = resetTime
        self.remark = remark
        self.createdAt = createdAt
    }

    /// Length of a window in seconds.
    public var windowSeconds: Int64 { Int64(interval) * unit.seconds }
}

/// A moment written `YYYY-MM-DD HH:MM:SS`, UTC, years 1970 to 9999.
public struct ResetTime: Codable, Sendable, Equatable {
    /// As given.
    public let text: String
    /// Seconds since 1970.
    public let seconds: Int64

    /// - Parameter text: also with the tail ` +0000 +0000` that answers of the vendor have.
    /// - Returns: nil for anything else, also for days that no calendar has.
    public init?(_ text: String) {
        let bare = text.hasSuffix(Self.tail) ? String(text.dropLast(Self.tail.count)) : text
        let bytes = Array(bare.utf8)
        guard bytes.count == 19 else { return nil }
        for (place, mark) in [(4, "-"), (7, "-"), (10, " "), (13, ":"), (16, ":")] where bytes[place] != mark.utf8.first {
            return nil
        }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19),
            year >= 1970, (1...12).contains(month), (1...Self.days(of: month, in: year)).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        self.text = bare
        seconds = Self.dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static let tail = " +0000 +0000"

    private static func days(of month: Int64, in year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01, by counting eras of 400 years from 0000-03-01.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return shifted / 400 * 146_097 + dayOfEra - 719_468
    }
}

/// That a quota counts for an application; one for each application.
public struct AppQuotaBinding: Encodable, Sendable, Equatable {
    public let applicationID: String
    public let quotaID: String
    public let boundAt: Timestamp

    public init(applicationID: String, quotaID: String, boundAt: Timestamp) {
        self.applicationID = applicationID
        self.quotaID = quotaID
        self.boundAt = boundAt
    }
}
