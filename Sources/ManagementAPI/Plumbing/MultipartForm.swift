import NIOCore

/// A `multipart/form-data` body (RFC 7578), read strictly and within limits; values are slices of the body, nothing is copied.
struct MultipartForm: Sendable {
    struct Part: Sendable {
        let name: String
        /// Set for files.
        let fileName: String?
        let value: ByteBuffer
    }

    /// Parts of one body; bytes of one part's head; characters of a boundary (RFC 2046, 5.1.1).
    static let partLimit = 64
    static let headLimit = 8 * 1024
    static let boundaryLimit = 70

    /// In the order of the body. Of a name that stands twice the first part counts.
    let parts: [Part]

    /// - Throws: `ManagementFailure.unreadableBody`.
    init(_ body: RawBody) throws(ManagementFailure) {
        guard let boundary = Self.boundary(of: body.contentType) else {
            throw .unreadableBody(reason: "the body is not multipart/form-data")
        }
        parts = try Self.read(body.bytes, boundary: boundary)
    }

    subscript(name: String) -> Part? { parts.first { $0.name == name } }

    /// A part that is no file, as text.
    /// - Throws: `ManagementFailure.unreadableBody` when it is not UTF-8.
    func text(_ name: String) throws(ManagementFailure) -> String? {
        guard let value = self[name]?.value else { return nil }
        guard let text = String(validating: value.readableBytesView, as: UTF8.self) else {
            throw .unreadableBody(reason: "\(name) is not UTF-8")
        }
        return text
    }

    private static func boundary(of contentType: String) -> String? {
        let pieces = contentType.split(separator: ";", omittingEmptySubsequences: false)
        guard pieces.first?.trimmed.lowercased() == "multipart/form-data" else { return nil }
        for piece in pieces.dropFirst() {
            let halves = piece.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, halves[0].trimmed.lowercased() == "boundary" else { continue }
            var text = halves[1].trimmed
            if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") { text = String(text.dropFirst().dropLast()) }
            let fits = (1...boundaryLimit).contains(text.utf8.count)
                && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
            return fits ? text : nil
        }
        return nil
    }

    private static func read(_ body: ByteBuffer, boundary: String) throws(ManagementFailure) -> [Part] {
        let view = body.readableBytesView
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var parts: [Part] = []
        // The first delimiter may stand at the very beginning, without its line break.
        var index = view.startIndex
        if view.starts(with: delimiter[2...]) {
            index += delimiter.count - 2
        } else if let found = find(delimiter, in: view, from: index) {
            index = found + delimiter.count
        } else {
            throw malformed
        }
        while true {
            if view[index...].starts(with: "--".utf8) { return parts }
            // Blanks may follow a boundary.
            while index < view.endIndex, view[index] == 0x20 || view[index] == 0x09 { index += 1 }
            guard view[index...].starts(with: "\r\n".utf8), parts.count < partLimit else { throw malformed }
            guard let headEnd = find(Array("\r\n\r\n".utf8), in: view, from: index), headEnd - index <= headLimit,
                let valueEnd = find(delimiter, in: view, from: headEnd + 2), valueEnd >= headEnd + 2,
                let head = String(validating: view[min(index + 2, headEnd)..<headEnd], as: UTF8.self)
            else { throw malformed }
            let valueStart = headEnd + 4
            guard let disposition = disposition(head), let name = disposition["name"] else { throw malformed }
            // A part without content: its delimiter begins with the line break that ends its head.
            let value = valueStart <= valueEnd ? body.getSlice(at: valueStart, length: valueEnd - valueStart) : ByteBuffer()
            guard let value else { throw malformed }
            parts.append(Part(name: name, fileName: disposition["filename"], value: value))
            index = valueEnd + delimiter.count
        }
    }

    private static var malformed: ManagementFailure { .unreadableBody(reason: "malformed multipart body") }

    /// Parameters of `Content-Disposition: form-data`; nil when there is none.
    private static func disposition(_ head: String) -> [String: String]? {
        for line in head.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].trimmed.lowercased() == "content-disposition" else {
                continue
            }
            var scanner = DispositionScanner(Array(line[line.index(after: colon)...].utf8))
            return scanner.parameters()
        }
        return nil
    }

    /// Where `pattern` begins, from `start` on. Its first byte, a carriage return, is rare enough that nothing better is needed.
    private static func find(_ pattern: [UInt8], in view: ByteBufferView, from start: Int) -> Int? {
        guard start <= view.endIndex else { return nil }
        let offset = start - view.startIndex
        return view.withUnsafeBytes { bytes -> Int? in
            guard bytes.count >= pattern.count, offset <= bytes.count - pattern.count else { return nil }
            var index = offset
            while index <= bytes.count - pattern.count {
                if bytes[index] == pattern[0], bytes[index..<index + pattern.count].elementsEqual(pattern) {
                    return view.startIndex + index
                }
                index += 1
            }
            return nil
        }
    }
}

/// `form-data; name="a"; filename="b.zip"`: quoted strings with backslashes before quotes, or bare words.
private struct DispositionScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func parameters() -> [String: String]? {
        guard word().lowercased() == "form-data" else { return nil }
        var found: [String: String] = [:]
        while skip(0x3B) {
            let name = word().lowercased()
            guard !name.isEmpty, skip(0x3D), let value = value() else { return nil }
            if found[name] == nil { found[name] = value }
        }
        blanks()
        return index == bytes.count ? found : nil
    }

    private mutating func blanks() {
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        blanks()
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func word() -> String {
        blanks()
        let start = index
        while index < bytes.count, !" \t;=\"".utf8.contains(bytes[index]) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func value() -> String? {
        blanks()
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return word() }
        index += 1
        var out: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            // Browsers send a backslash of a path bare: only before a quote and another one it escapes.
            case UInt8(ascii: "\\") where index < bytes.count && (bytes[index] == 0x22 || bytes[index] == 0x5C):
                out.append(bytes[index])
                index += 1
            default: out.append(byte)
            }
        }
        return nil
    }
}

extension StringProtocol {
    /// Without blanks and tabs at the ends.
    fileprivate var trimmed: String {
        var rest = Substring(self)
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
