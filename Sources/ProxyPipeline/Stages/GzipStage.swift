import GatewayPrimitives
import Snapshot

/// Feature `gzip` (gateway-runtime.md, 12.3): which answers are compressed, and what their heads say then.
public enum GzipStage {
    public enum Verdict: Equatable, Sendable {
        /// Not of a kind that is ever compressed.
        case untouched
        /// Compressed for other clients, but not for this one.
        case plain
        case compressed
    }

    /// Bodies up to this many bytes stay as they are. A length that nobody knows counts as longer: to find out would mean to hold
    /// the answer back.
    public static let smallest = 1024

    private static let types: [StaticString] = [
        "application/json", "text/plain", "application/javascript", "text/css", "application/xml", "text/xml",
        "application/x-javascript", "text/javascript", "application/rss+xml", "image/svg+xml", "image/tiff",
    ]

    /// - Parameter length: of the body, nil when it is not known beforehand.
    public static func verdict(_ request: RequestHead, _ answer: ResponseHead, length: Int?) -> Verdict {
        guard request.method != .head, (200...599).contains(answer.status), ![204, 205, 206, 304, 416].contains(answer.status),
            length ?? .max > smallest, let type = value(of: "content-type", in: answer), isListed(type),
            value(of: "content-encoding", in: answer) == nil, value(of: "content-range", in: answer) == nil,
            !forbidsTransformation(answer)
        else { return .untouched }
        return accepts(request) ? .compressed : .plain
    }

    /// What an answer says whose form depends on who asks; for ``Verdict/compressed`` also that it is compressed.
    public static func mark(_ answer: ResponseHead, _ verdict: Verdict) {
        guard verdict != .untouched else { return }
        if !variesByEncoding(answer) {
            answer.add(HeaderLine(name: Array("Vary".utf8), value: Array("Accept-Encoding".utf8)))
        }
        guard verdict == .compressed else { return }
        // Parts of the compressed form are not offered, and what was computed over other bytes is no longer true.
        for name in ["accept-ranges", "content-md5", "digest", "content-digest", "repr-digest"] { remove(name, from: answer) }
        if let tag = value(of: "etag", in: answer), !tag.starts(with: "W/".utf8) {
            // Same meaning, other bytes (RFC 9110, 8.8.1).
            let weak = Array("W/".utf8) + tag
            remove("etag", from: answer)
            answer.add(HeaderLine(name: Array("ETag".utf8), value: weak))
        }
        answer.add(HeaderLine(name: Array("Content-Encoding".utf8), value: Array("gzip".utf8)))
    }

    // MARK: What the client takes

    /// `gzip` is named and not refused (RFC 9110, 12.5.3); a star alone is not taken for it.
    static func accepts(_ request: RequestHead) -> Bool {
        for index in 0..<request.fieldCount where !request.isRemoved(at: index) {
            guard request.name(at: index).equalsIgnoringCase("accept-encoding") else { continue }
            for element in elements(request.value(at: index), separator: UInt8(ascii: ",")) {
                var parts = elements(element, separator: UInt8(ascii: ";"))
                guard !parts.isEmpty else { continue }
                let coding = parts.removeFirst()
                guard coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") else { continue }
                return !parts.contains(where: isZeroQuality)
            }
        }
        return false
    }

    /// `q=0`, `q=0.000`
    private static func isZeroQuality(_ parameter: ByteView) -> Bool {
        guard parameter.hasPrefixIgnoringCase(ByteView("q=")) else { return false }
        let value = parameter.dropFirst(2)
        guard !value.isEmpty else { return false }
        for index in 0..<value.count where value[index] != UInt8(ascii: "0") && value[index] != UInt8(ascii: ".") { return false }
        return true
    }

    // MARK: What the answer says

    private static func isListed(_ value: [UInt8]) -> Bool {
        value.withUnsafeBytes { bytes in
            let value = ByteView(bytes)
            let type = value.slice(0, value.firstIndex(of: UInt8(ascii: ";")) ?? value.count).trimmed()
            return types.contains { type.equalsIgnoringCase($0) }
        }
    }

    private static func forbidsTransformation(_ answer: ResponseHead) -> Bool {
        guard let value = value(of: "cache-control", in: answer) else { return false }
        return value.withUnsafeBytes {
            elements(ByteView($0), separator: UInt8(ascii: ",")).contains { $0.equalsIgnoringCase("no-transform") }
        }
    }

    private static func variesByEncoding(_ answer: ResponseHead) -> Bool {
        for index in 0..<answer.fieldCount where !answer.isRemoved(at: index) {
            guard answer.name(at: index).equalsIgnoringCase("vary") else { continue }
            for element in elements(answer.value(at: index), separator: UInt8(ascii: ",")) {
                if element.equals("*") || element.equalsIgnoringCase("accept-encoding") { return true }
            }
        }
        return false
    }

    /// Of the lines that the gateway added, and then of those that were received.
    private static func value(of name: StaticString, in answer: ResponseHead) -> [UInt8]? {
        for line in answer.added where line.name.withUnsafeBytes({ ByteView($0).equalsIgnoringCase(name) }) { return line.value }
        return answer.value(named: ByteView(name))?.array
    }

    private static func remove(_ name: String, from answer: ResponseHead) {
        let bytes = Array(name.utf8)
        bytes.withUnsafeBytes { answer.remove(named: ByteView($0)) }
        answer.removeAdded(named: bytes)
    }

    private static func elements(_ list: ByteView, separator: UInt8) -> [ByteView] {
        var result: [ByteView] = []
        var from = 0
        while from <= list.count {
            let to = list.firstIndex(of: separator, from: from) ?? list.count
            let element = list.slice(from, to).trimmed()
            if !element.isEmpty { result.append(element) }
            from = to + 1
        }
        return result
    }
}
