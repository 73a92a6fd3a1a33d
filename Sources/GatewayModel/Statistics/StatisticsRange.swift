/// How much time one element of statistics stands for.
public enum StatisticsCycle: String, Sendable, CaseIterable {
    case minute, hour, day

    public var seconds: Int64 {
        switch self {
        case .minute: 60
        case .hour: 3600
        case .day: 86_400
        }
    }
}

/// A stretch of time in seconds since 1970, its end not included.
public struct StatisticsRange: Sendable, Equatable {
    public let start: Int64
    public let end: Int64

    /// Longest stretch that can be asked for, in seconds.
    public static let longest: Int64 = 72 * 3600

    public enum Fault: Error, Sendable, Equatable {
        /// Neither a duration nor both ends.
        case missing
        /// The parameter with this name is not of its form, or gives an empty or too long stretch.
        case invalid(String)
    }

    /// Both ends win; otherwise the duration counts from the end that is given, or back from now (management-api.md, 3.23).
    ///
    /// - Parameters:
    ///   - start: `2020-06-18 10:00:01` in the zone that lies `zoneOffset` seconds east of UTC; so is `end`.
    ///   - duration: `30m`, `1h`, `2h45m`.
    ///   - now: seconds since 1970.
    public init(start: String?, end: String?, duration: String?, zoneOffset: Int64, now: Int64) throws(Fault) {
        let from = try Self.moment(start, "start_time", zoneOffset)
        let to = try Self.moment(end, "end_time", zoneOffset)
        if let from, let to {
            guard from < to else { throw .invalid("end_time") }
            guard to - from <= Self.longest else { throw .invalid("start_time") }
            self.start = from
            self.end = to
            return
        }
        guard let duration else { throw .missing }
        guard let seconds = Self.seconds(ofDuration: duration) else { throw .invalid("duration") }
        // Within the present second a request may just have been counted: it belongs to what ends now.
        self.start = from ?? ((to ?? now + 1) - seconds)
        self.end = from.map { $0 + seconds } ?? to ?? now + 1
    }

    private static func moment(_ text: String?, _ name: String, _ zoneOffset: Int64) throws(Fault) -> Int64? {
        guard let text else { return nil }
        guard let local = Timestamp.civilSeconds(text) else { throw .invalid(name) }
        return local - zoneOffset
    }

    /// Hours (at most 72), minutes (at most 90), or hours and minutes; more than nothing and 72 hours at most.
    static func seconds(ofDuration text: String) -> Int64? {
        var rest = Substring(text)
        func number(before unit: Character, atMost limit: Int64) -> Int64?? {
            guard let place = rest.firstIndex(of: unit) else { return .some(nil) }
            let digits = rest[..<place]
            guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = Int64(digits), value <= limit
            else { return nil }
            rest = rest[rest.index(after: place)...]
            return .some(value)
        }
        guard let hours = number(before: "h", atMost: 72), let minutes = number(before: "m", atMost: 90), rest.isEmpty else {
            return nil
        }
        let seconds = (hours ?? 0) * 3600 + (minutes ?? 0) * 60
        return (1...longest).contains(seconds) ? seconds : nil
    }

    /// The same, widened to whole cycles, because what is counted is counted a cycle at a time.
    ///
    /// - Parameter zoneOffset: where days begin, in seconds east of UTC.
    public func widened(to cycle: StatisticsCycle, zoneOffset: Int64) -> StatisticsRange {
        let offset = cycle == .day ? zoneOffset : 0
        func down(_ moment: Int64) -> Int64 {
            let local = moment + offset
            return local - ((local % cycle.seconds) + cycle.seconds) % cycle.seconds - offset
        }
        return StatisticsRange(from: down(start), to: down(end + cycle.seconds - 1))
    }

    private init(from: Int64, to: Int64) {
        start = from
        end = to
    }
}

extension Timestamp {
    /// Seconds from 1970-01-01 00:00:00 of the same zone to `2020-06-18 10:00:01`; nil for what is no such date.
    static func civilSeconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 19, bytes[4] == 45, bytes[7] == 45, bytes[10] == 32, bytes[13] == 58, bytes[16] == 58 else {
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
            year >= 1970, (1...12).contains(month), hour < 24, minute < 60, second < 60
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day >= 1, day <= lengths[Int(month - 1)] else { return nil }
        let before = year - 1
        let days = 365 * (year - 1970) + (before / 4 - 1969 / 4) - (before / 100 - 1969 / 100) + (before / 400 - 1969 / 400)
            + lengths.prefix(Int(month - 1)).reduce(0, +) + day - 1
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// `2020-06-18 10:00:01` in the zone that lies `offsetSeconds` east of UTC.
    public func civil(offsetSeconds: Int64) -> String {
        let digits = Array(compact(offsetSeconds: offsetSeconds))
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8)) \(part(8..<10)):\(part(10..<12)):\(part(12..<14))"
    }
}
