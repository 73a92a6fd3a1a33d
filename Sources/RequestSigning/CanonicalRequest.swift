import GatewayPrimitives

/// A header that takes part in a signature: name in lower case, value as sent.
public struct SignedHeader {
    public let name: ByteView
    public let value: ByteView

    public init(name: ByteView, value: ByteView) {
        self.name = name
        self.value = value
    }
}

/// Memory for making canonical requests, kept between them; one for each event loop or thread.
///
/// Not `Sendable`. Grows to the largest request seen (a 32 KB target is at most 96 KB in canonical form).
public final class SigningScratch {
    let canonical = ByteScratch(capacity: 2048)
    let decoded = ByteScratch(capacity: 512)
    let message = ByteScratch(capacity: 128)
    let names = ByteScratch(capacity: 256)
    let output = ByteScratch(capacity: 512)
    let dates = BasicDateCache()
    var pairs: [QueryPair] = []
    var headers: [SignedHeader] = []

    public init() {}
}

/// Positions of a decoded name and value.
struct QueryPair {
    var name: Range<Int>
    var value: Range<Int>
}

/// The canonical request of SDK-HMAC-SHA256 (gateway-runtime.md, 2.1).
///
/// Query strings are read as forms: pieces between `&`, a `+` is a blank, empty pieces do not count. That is how the vendor's
/// verifiers (whose frameworks decode forms) see them.
struct CanonicalRequest {
    private let scratch: SigningScratch

    /// Empties `scratch` and writes parts one to five there; part six follows with ``finish(payload:)``.
    /// - Parameters:
    ///   - path: as on the wire, percent-encoded, without query.
    ///   - query: as on the wire, without question mark.
    ///   - headers: in the order of the list of signed headers.
    init(method: ByteView, path: ByteView, query: ByteView, headers: [SignedHeader], scratch: SigningScratch) {
        self.scratch = scratch
        let output = scratch.canonical
        output.removeAll()
        output.append(method.buffer)
        output.append(UInt8(ascii: "\n"))
        Self.writePath(path, to: output)
        output.append(UInt8(ascii: "\n"))
        Self.writeQuery(query, scratch: scratch)
        output.append(UInt8(ascii: "\n"))
        for header in headers {
            output.append(header.name.buffer)
            output.append(UInt8(ascii: ":"))
            output.append(header.value.trimmed().buffer)
            output.append(UInt8(ascii: "\n"))
        }
        output.append(UInt8(ascii: "\n"))
        Self.writeNames(headers, to: output)
        output.append(UInt8(ascii: "\n"))
    }

    /// Writes part six and returns the string to sign; valid until the scratch is used again. May be called repeatedly.
    func finish(date: UnsafeRawBufferPointer, writePayload: (ByteScratch) -> Void) -> UnsafeRawBufferPointer {
        let head = scratch.canonical.count
        writePayload(scratch.canonical)
        let digest = HashState.digest(of: scratch.canonical.bytes)
        scratch.canonical.truncate(to: head)
        let message = scratch.message
        message.removeAll()
        message.append("SDK-HMAC-SHA256\n")
        message.append(date)
        message.append(UInt8(ascii: "\n"))
        withUnsafeBytes(of: digest) { bytes in message.append(count: 64) { Hexadecimal.write(bytes, to: $0) } }
        return message.bytes
    }

    static func writeNames(_ headers: [SignedHeader], to output: ByteScratch) {
        for index in headers.indices {
            if index > 0 { output.append(UInt8(ascii: ";")) }
            output.append(headers[index].name.buffer)
        }
    }

    /// Decodes, splits at slashes, encodes each piece and ends with a slash. An encoded slash becomes a separator.
    static func writePath(_ path: ByteView, to output: ByteScratch) {
        let unreserved = PercentEncoding.unreserved
        var index = 0
        while index < path.count, path[index] == UInt8(ascii: "/") || unreserved.contains(path[index]) { index += 1 }
        // What needs no encoding is copied as it is: with most paths, all of it.
        output.append(path.slice(0, index).buffer)
        var last = index > 0 ? path[index - 1] : 0
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < path.count, let high = Hexadecimal.value(path[index]),
                let low = Hexadecimal.value(path[index + 1])
            {
                byte = high << 4 | low
                index += 2
            }
            if byte == UInt8(ascii: "/") || unreserved.contains(byte) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(Hexadecimal.upperDigit(byte >> 4))
                output.append(Hexadecimal.upperDigit(byte & 15))
            }
            last = byte
        }
        if last != UInt8(ascii: "/") { output.append(UInt8(ascii: "/")) }
    }

    static func writeQuery(_ query: ByteView, scratch: SigningScratch) {
        guard !query.isEmpty else { return }
        let decoded = scratch.decoded
        decoded.removeAll()
        scratch.pairs.removeAll(keepingCapacity: true)
        var start = 0
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            if end > start {
                let equals = query.slice(start, end).firstIndex(of: UInt8(ascii: "=")).map { start + $0 } ?? end
                let nameStart = decoded.count
                PercentEncoding.decode(query.slice(start, equals).buffer, plusIsBlank: true, to: decoded)
                let valueStart = decoded.count
                if equals < end {
                    PercentEncoding.decode(query.slice(equals + 1, end).buffer, plusIsBlank: true, to: decoded)
                }
                scratch.pairs.append(QueryPair(name: nameStart..<valueStart, value: valueStart..<decoded.count))
            }
            start = end + 1
        }
        let bytes = decoded.bytes
        if scratch.pairs.count > 1 {
            scratch.pairs.sort { a, b in
                let order = compare(bytes[a.name], bytes[b.name])
                return order != 0 ? order < 0 : compare(bytes[a.value], bytes[b.value]) < 0
            }
        }
        let output = scratch.canonical
        for index in scratch.pairs.indices {
            let pair = scratch.pairs[index]
            if index > 0 { output.append(UInt8(ascii: "&")) }
            PercentEncoding.encode(.init(rebasing: bytes[pair.name]), keeping: PercentEncoding.unreserved, to: output)
            output.append(UInt8(ascii: "="))
            PercentEncoding.encode(.init(rebasing: bytes[pair.value]), keeping: PercentEncoding.unreserved, to: output)
        }
    }

    /// Byte order, which for UTF-8 is the order of code points.
    private static func compare(_ a: Slice<UnsafeRawBufferPointer>, _ b: Slice<UnsafeRawBufferPointer>) -> Int {
        var left = a.startIndex
        var right = b.startIndex
        while left < a.endIndex, right < b.endIndex {
            let difference = Int(a[left]) - Int(b[right])
            if difference != 0 { return difference }
            left += 1
            right += 1
        }
        return a.count - b.count
    }
}
