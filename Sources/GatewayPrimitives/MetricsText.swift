/// Writes the text format of Prometheus (version 0.0.4).
public struct MetricsText: Sendable {
    public private(set) var text = ""

    public init() {}

    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// Help and type; the samples of the family follow.
    public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    public mutating func sample(_ name: String, _ labels: [(String, String)], _ value: some BinaryInteger) {
        sample(name, labels, text: "\(value)")
    }

    public mutating func sample(_ name: String, _ value: some BinaryInteger) { sample(name, [], text: "\(value)") }

    public mutating func sample(_ name: String, seconds: Double) {
        sample(name, [], text: "\(seconds)")
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], text value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// A family with one sample without labels.
    public mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        family(name, kind, help)
        sample(name, value)
    }

    /// - Parameters:
    ///   - bounds: upper ends of the buckets, in microseconds.
    ///   - buckets: counts, not summed up; one more than `bounds`.
    ///   - sum: microseconds.
    public mutating func histogram(_ name: String, _ help: String, bounds: [UInt64], buckets: [UInt64], sum: UInt64) {
        family(name, .histogram, help)
        var total: UInt64 = 0
        for (index, bound) in bounds.enumerated() {
            total += buckets[index]
            sample(name + "_bucket", [("le", "\(Double(bound) / 1_000_000)")], total)
        }
        total += buckets.last ?? 0
        sample(name + "_bucket", [("le", "+Inf")], total)
        sample(name + "_sum", seconds: Double(sum) / 1_000_000)
        sample(name + "_count", total)
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
