/// A moment in UTC, in nanoseconds since 1970-01-01T00:00:00Z, and the spellings that the contract has for it
/// (management-api.md, 1.7).
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Whole seconds since the epoch, rounded down.
    public var seconds: Int64 {
        nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : -((-nanoseconds + 999_999_999) / 1_000_000_000)
    }

    /// `2020-08-03T03:39:38Z`: creation and binding times that are read later.
    public var inSeconds: String { text(fraction: "") }

    /// `2020-08-03T03:50:14.989785802Z`, trailing zeros left out: the answer of the write itself.
    public var inNanoseconds: String {
        fractionText(nanoseconds - seconds * 1_000_000_000, digits: 9, trimmed: true)
    }

    /// `2020-08-03T03:50:14.989786Z`, rounded, trailing zeros left out: update times that are read later.
    public var inMicroseconds: String {
        let rounded = Timestamp(nanoseconds: (nanoseconds + 500) / 1000 * 1000)
        let fraction = (rounded.nanoseconds - rounded.seconds * 1_000_000_000) / 1000
        return rounded.fractionText(fraction, digits: 6, trimmed: true)
    }

    /// `2020-08-03T03:50:14.989Z`: plug-ins.
    public var inMilliseconds: String {
        fractionText((nanoseconds - seconds * 1_000_000_000) / 1_000_000, digits: 3, trimmed: false)
    }

    /// `yyyyMMddHHmmss` in the zone that lies `offsetSeconds` east of UTC: numbers of published versions.
    public func compact(offsetSeconds: Int64) -> String {
        let c = civil(seconds + offsetSeconds)
        return pad(c.year, 4) + pad(c.month, 2) + pad(c.day, 2) + pad(c.hour, 2) + pad(c.minute, 2) + pad(c.second, 2)
    }

    /// `yyyy-MM-dd HH:mm:ss` in the zone that lies `offsetSeconds` east of UTC: versions of exported documents.
    public func civilText(offsetSeconds: Int64) -> String {
        let c = civil(seconds + offsetSeconds)
        return "\(pad(c.year, 4))-\(pad(c.month, 2))-\(pad(c.day, 2)) \(pad(c.hour, 2)):\(pad(c.minute, 2)):\(pad(c.second, 2))"
    }

    private func fractionText(_ value: Int64, digits: Int, trimmed: Bool) -> String {
        var text = pad(value, digits)
        if trimmed { while text.hasSuffix("0") { text.removeLast() } }
        return self.text(fraction: text.isEmpty ? "" : "." + text)
    }

    private func text(fraction: String) -> String {
        let c = civil(seconds)
        return "\(pad(c.year, 4))-\(pad(c.month, 2))-\(pad(c.day, 2))T\(pad(c.hour, 2)):\(pad(c.minute, 2)):\(pad(c.second, 2))\(fraction)Z"
    }

    private func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
    }

    /// Proleptic Gregorian date of a second count, by counting eras of 400 years from 0000-03-01.
    private func civil(_ seconds: Int64) -> (year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day, rest / 3600, rest % 3600 / 60, rest % 60)
    }
}
