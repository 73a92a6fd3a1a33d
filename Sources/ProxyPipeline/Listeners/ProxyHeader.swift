import GatewayPrimitives

/// Reads what a load balancer says about its client before the client's first byte: PROXY protocol, versions 1 and 2.
///
/// Strict, and bounded by ``limit``: whatever else stands there is no header, and the connection is not used.
public enum ProxyHeader {
    public enum Outcome: Equatable, Sendable {
        case needsMore
        /// So many bytes belong to the header. `source` is nil where the sender speaks for itself (LOCAL, UNKNOWN, UNSPEC): the
        /// address of the connection counts then.
        case complete(consumed: Int, source: IPAddress?)
        case refused
    }

    /// Longest header; version 2 may carry further information, which is skipped.
    public static let limit = 2048
    /// Longest line of version 1, with its end.
    private static let lineLimit = 107
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    /// - Parameter input: everything that has come since the connection was opened.
    public static func read(_ input: UnsafeRawBufferPointer) -> Outcome {
        guard let first = input.first else { return .needsMore }
        return first == signature[0] ? readBinary(input) : readLine(ByteView(input))
    }

    // MARK: Version 1

    private static func readLine(_ input: ByteView) -> Outcome {
        let word = ByteView("PROXY ")
        let known = min(input.count, word.count)
        guard input.slice(0, known).equals(word.slice(0, known)) else { return .refused }
        var end = known
        while end < min(input.count, lineLimit), input[end] != 0x0A { end += 1 }
        guard end < input.count, end < lineLimit else { return input.count < lineLimit ? .needsMore : .refused }
        guard input[end - 1] == 0x0D else { return .refused }
        let line = input.slice(word.count, end - 1)
        let consumed = end + 1
        if line.equals("UNKNOWN") || line.hasPrefix(ByteView("UNKNOWN ")) { return .complete(consumed: consumed, source: nil) }
        var parts: [ByteView] = []
        var from = 0
        while from <= line.count, parts.count < 6 {
            let to = line.firstIndex(of: 0x20, from: from) ?? line.count
            parts.append(line.slice(from, to))
            from = to + 1
        }
        guard parts.count == 5, let source = IPAddress(parsing: parts[1].buffer),
            let destination = IPAddress(parsing: parts[2].buffer), isPort(parts[3]), isPort(parts[4])
        else { return .refused }
        let family: IPAddress.Family
        if parts[0].equals("TCP4") {
            family = .v4
        } else if parts[0].equals("TCP6") {
            family = .v6
        } else {
            return .refused
        }
        // An IPv4 address in IPv6 form is read as IPv4.
        guard family == .v6 || source.family == .v4 && destination.family == .v4 else { return .refused }
        return .complete(consumed: consumed, source: source)
    }

    private static func isPort(_ text: ByteView) -> Bool {
        guard (1...5).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0"), let number = text.decimal else { return false }
        return number <= 65_535
    }

    // MARK: Version 2

    private static func readBinary(_ input: UnsafeRawBufferPointer) -> Outcome {
        for index in 0..<min(input.count, signature.count) where input[index] != signature[index] { return .refused }
        guard input.count >= 16 else { return .needsMore }
        let command = input[12]
        let family = input[13]
        let length = Int(input[14]) << 8 | Int(input[15])
        guard command == 0x20 || command == 0x21, length + 16 <= limit else { return .refused }
        let addresses: Int
        switch family {
        case 0x11: addresses = 12
        case 0x21: addresses = 36
        // Sockets of one machine have no address that a policy could know.
        case 0x00, 0x31: addresses = 0
        // Datagrams, and what nobody has defined.
        default:
            guard command == 0x20 else { return .refused }
            addresses = 0
        }
        guard length >= addresses || command == 0x20 else { return .refused }
        guard input.count >= 16 + length else { return .needsMore }
        guard command == 0x21, addresses > 0 else { return .complete(consumed: 16 + length, source: nil) }
        let width = family == 0x11 ? 4 : 16
        let source = IPAddress(networkBytes: UnsafeRawBufferPointer(rebasing: input[16..<16 + width]))
        return source.map { .complete(consumed: 16 + length, source: $0) } ?? .refused
    }
}
