/// One entry of an address list: an address, a range `a-b`, or a CIDR block.
public struct IPRange: Sendable, Hashable {
    public let family: IPAddress.Family
    /// First and last address as numbers (``IPAddress/value``).
    public let lower, upper: UInt128

    /// The range from `lower` to `upper`, both included; nil when they differ in family or are the wrong way round.
    public init?(lower: IPAddress, upper: IPAddress) {
        guard lower.family == upper.family, lower.value <= upper.value else { return nil }
        family = lower.family
        self.lower = lower.value
        self.upper = upper.value
    }

    /// Reads an entry. Host bits behind a prefix are ignored (`10.1.2.3/8` is `10.0.0.0/8`); no blanks.
    public init?(_ text: some StringProtocol) {
        if let slash = text.firstIndex(of: "/") {
            let prefixText = text[text.index(after: slash)...]
            guard let address = IPAddress(text[..<slash]), (1...3).contains(prefixText.utf8.count),
                prefixText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                prefixText == "0" || !prefixText.hasPrefix("0"), let prefix = Int(prefixText)
            else { return nil }
            // The mapped form of an IPv4 address is written with the prefix length of an IPv6 address.
            let isMapped = address.family == .v4 && text[..<slash].contains(":")
            guard prefix <= (address.family == .v4 && !isMapped ? 32 : 128), !isMapped || prefix >= 96 else { return nil }
            self.init(block: address, prefix: isMapped ? prefix - 96 : prefix)
        } else if let dash = text.firstIndex(of: "-") {
            guard let lower = IPAddress(text[..<dash]), let upper = IPAddress(text[text.index(after: dash)...]) else {
                return nil
            }
            self.init(lower: lower, upper: upper)
        } else {
            guard let address = IPAddress(text) else { return nil }
            self.init(lower: address, upper: address)
        }
    }

    private init(block address: IPAddress, prefix: Int) {
        family = address.family
        let hostBits = (family == .v4 ? 32 : 128) - prefix
        let hosts: UInt128 = hostBits == 128 ? .max : (1 << UInt128(hostBits)) - 1
        lower = address.value & ~hosts
        upper = address.value | hosts
    }
}

/// A set of addresses as sorted, disjoint ranges; membership is a binary search.
public struct IPSet: Sendable, Equatable {
    private let v4: [(lower: UInt32, upper: UInt32)]
    private let v6: [(lower: UInt128, upper: UInt128)]

    public init(_ ranges: some Sequence<IPRange>) {
        var low: [(UInt128, UInt128)] = []
        var high: [(UInt128, UInt128)] = []
        for range in ranges {
            if range.family == .v4 {
                low.append((range.lower, range.upper))
            } else {
                high.append((range.lower, range.upper))
            }
        }
        v4 = Self.merged(low).map { (UInt32($0.0), UInt32($0.1)) }
        v6 = Self.merged(high).map { (lower: $0.0, upper: $0.1) }
    }

    public var isEmpty: Bool { v4.isEmpty && v6.isEmpty }
    /// Number of disjoint ranges.
    public var rangeCount: Int { v4.count + v6.count }

    public func contains(_ address: IPAddress) -> Bool {
        address.family == .v4
            ? Self.search(v4, UInt32(truncatingIfNeeded: address.value)) : Self.search(v6, address.value)
    }

    private static func search<Value: FixedWidthInteger>(_ ranges: [(lower: Value, upper: Value)], _ value: Value) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if value < ranges[middle].lower {
                high = middle
            } else if value > ranges[middle].upper {
                low = middle + 1
            } else {
                return true
            }
        }
        return false
    }

    private static func merged(_ ranges: [(UInt128, UInt128)]) -> [(UInt128, UInt128)] {
        var result: [(UInt128, UInt128)] = []
        for range in ranges.sorted(by: { $0 < $1 }) {
            if let last = result.last, last.1 == .max || range.0 <= last.1 + 1 {
                result[result.count - 1].1 = max(last.1, range.1)
            } else {
                result.append(range)
            }
        }
        return result
    }

    public static func == (a: IPSet, b: IPSet) -> Bool {
        a.v4.elementsEqual(b.v4, by: ==) && a.v6.elementsEqual(b.v6, by: ==)
    }
}
