/// `yyyyMMddTHHmmssZ` (ISO 8601 basic format, UTC), the form of `X-Sdk-Date`, without Foundation.
public struct BasicDate: Sendable, Hashable {
    /// Length of the text in bytes.
    public static let length = 16
    /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z; what lies outside is moved to the nearer end.
    public static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let seconds: Int64

    public init(seconds: Int64) { self.seconds = min(max(seconds, Self.range.lowerBound), Self.range.upperBound) }

    /// nil unless `text` is exactly the form and names a day and time that exist.
    public init?(parsing text: UnsafeRawBufferPointer) {
        guard text.count == Self.length, text[8] == 0x54, text[15] == 0x5A else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for index in range {
                guard (0x30...0x39).contains(text[index]) else { return nil }
                value = value * 10 + Int64(text[index] - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
            let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
            year >= 1, (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        seconds = Self.daysSinceEpoch(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    public init?(_ text: String) {
        var text = text
        guard let date = text.withUTF8({ BasicDate(parsing: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = date
    }

    /// Writes the 16 bytes.
    /// - Precondition: `output` holds at least ``length`` bytes.
    public func write(to output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= Self.length)
        let days = seconds >= 0 ? seconds / 86_400 : -((-seconds + 86_399) / 86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = Self.civil(fromDays: days)
        func put(_ value: Int64, _ digits: Int, at start: Int) {
            var value = value
            for index in stride(from: start + digits - 1, through: start, by: -1) {
                output[index] = 0x30 + UInt8(value % 10)
                value /= 10
            }
        }
        put(year, 4, at: 0)
        put(month, 2, at: 4)
        put(day, 2, at: 6)
        output[8] = 0x54
        put(time / 3600, 2, at: 9)
        put(time / 60 % 60, 2, at: 11)
        put(time % 60, 2, at: 13)
        output[15] = 0x5A
    }

    /// Writes `21/Nov/2026:18:30:23 +0000`, as access logs have it, in place of what `output` held.
    public func writeLogTime(to output: ByteScratch) {
        let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        var memory: (UInt64, UInt64) = (0, 0)
        output.removeAll()
        withUnsafeMutableBytes(of: &memory) { text in
            write(to: text)
            func part(_ range: Range<Int>) { output.append(UnsafeRawBufferPointer(rebasing: text[range])) }
            let month = Int(text[4] - 0x30) * 10 + Int(text[5] - 0x30)
            part(6..<8)
            output.append(UInt8(ascii: "/"))
            output.append(UnsafeRawBufferPointer(start: months.utf8Start + 3 * (month - 1), count: 3))
            output.append(UInt8(ascii: "/"))
            part(0..<4)
            for place in [9, 11, 13] {
                output.append(UInt8(ascii: ":"))
                part(place..<(place + 2))
            }
        }
        output.append(" +0000")
    }

    public var text: String {
        var bytes = [UInt8](repeating: 0, count: Self.length)
        bytes.withUnsafeMutableBytes { write(to: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    // Days to civil date and back in the proleptic Gregorian calendar, counted in eras of 400 years that begin on the
    // first of March, so that the leap day is the last of its year.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

/// The text of the current ``BasicDate``, written anew only when the second changes.
///
/// Confined to one event loop; not `Sendable`.
public final class BasicDateCache {
    private var second = Int64.min
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: BasicDate.length, alignment: 16)

    public init() {}
    deinit { memory.deallocate() }

    /// The 16 bytes for `seconds` since the epoch; valid until the next call.
    public func bytes(for seconds: Int64) -> UnsafeRawBufferPointer {
        if seconds != second {
            BasicDate(seconds: seconds).write(to: memory)
            second = seconds
        }
        return UnsafeRawBufferPointer(memory)
    }
}
