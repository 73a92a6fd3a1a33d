/// A front-end path such as `/v1/items/{id}/{rest+}` (gateway-runtime.md, 1.4).
///
/// A path is split at its slashes behind the first one, and a trailing slash is significant: `/test` has the segments
/// `test`, `/test/` has `test` and an empty one, `/` has one empty segment.
public struct PathTemplate: Hashable, Sendable {
    public enum Segment: Hashable, Sendable {
        case literal([UInt8])
        /// One whole, non-empty segment.
        case parameter
        /// One or more segments, slashes included; only as the last one.
        case rest
    }
    public let segments: [Segment]
    /// Parameter names by capture index.
    public let parameterNames: [String]

    public init(segments: [Segment], parameterNames: [String]) {
        self.segments = segments
        self.parameterNames = parameterNames
    }

    /// Two templates are the same path when they match the same requests: names do not count.
    public static func == (a: PathTemplate, b: PathTemplate) -> Bool { a.segments == b.segments }
    public func hash(into hasher: inout Hasher) { hasher.combine(segments) }
}

/// Why a text is not a front-end path.
public enum PathTemplateError: Error, Equatable, Sendable {
    case empty
    /// More than 512 characters.
    case tooLong
    /// The first character is not a slash.
    case notAbsolute
    /// A blank, a control character, or one of `? # \`; the byte's position.
    case illegalCharacter(offset: Int)
    /// A brace that does not enclose a whole segment, such as `/a{x}`.
    case parameterIsNotWholeSegment(segment: String)
    /// Not 1 to 32 characters of `[A-Za-z][A-Za-z0-9._-]*`.
    case invalidParameterName(String)
    /// Names are compared without regard to case (gateway-runtime.md, 3.1).
    case repeatedParameterName(String)
    /// `{x+}` anywhere but at the end.
    case restIsNotLast
    /// `{x+}` in a path that is matched as a prefix (SWA).
    case restInPrefixMode
    /// A segment `.` or `..`, which the listener removes from requests, so that nothing could ever match.
    case dotSegment
}

extension PathTemplate {
    /// Most characters of a path (gateway-runtime.md, 1.4).
    public static let maxLength = 512

    /// Reads the text form of `req_uri`.
    /// - Parameter allowsRest: whether `{x+}` may be used: `match_mode` NORMAL only.
    public init(parsing text: String, allowsRest: Bool) throws(PathTemplateError) {
        guard !text.isEmpty else { throw .empty }
        guard text.unicodeScalars.count <= Self.maxLength else { throw .tooLong }
        let bytes = Array(text.utf8)
        guard bytes[0] == 0x2F else { throw .notAbsolute }
        if let offset = bytes.firstIndex(where: { $0 <= 0x20 || $0 == 0x7F || $0 == 0x3F || $0 == 0x23 || $0 == 0x5C }) {
            throw .illegalCharacter(offset: offset)
        }
        let parts = bytes[1...].split(separator: 0x2F, omittingEmptySubsequences: false)
        var segments: [Segment] = []
        var names: [String] = []
        for (index, part) in parts.enumerated() {
            guard part.contains(0x7B) || part.contains(0x7D) else {
                if part.elementsEqual([0x2E]) || part.elementsEqual([0x2E, 0x2E]) { throw .dotSegment }
                segments.append(.literal(Array(part)))
                continue
            }
            let inner = part.dropFirst().dropLast()
            guard part.count >= 2, part.first == 0x7B, part.last == 0x7D, !inner.contains(0x7B), !inner.contains(0x7D) else {
                throw .parameterIsNotWholeSegment(segment: String(decoding: part, as: UTF8.self))
            }
            let isRest = inner.last == 0x2B
            let name = String(decoding: isRest ? inner.dropLast() : inner, as: UTF8.self)
            guard Self.isParameterName(name) else { throw .invalidParameterName(name) }
            guard !names.contains(where: { $0.lowercased() == name.lowercased() }) else { throw .repeatedParameterName(name) }
            if isRest {
                guard index == parts.count - 1 else { throw .restIsNotLast }
                guard allowsRest else { throw .restInPrefixMode }
            }
            names.append(name)
            segments.append(isRest ? .rest : .parameter)
        }
        self.init(segments: segments, parameterNames: names)
    }

    /// Whether `name` may name a request parameter: 1 to 32 characters of `[A-Za-z][A-Za-z0-9._-]*`.
    public static func isParameterName(_ name: String) -> Bool {
        let allowed = ByteSet.lettersAndDigits.union(ByteSet("._-"))
        guard (1...32).contains(name.utf8.count), let first = name.utf8.first else { return false }
        return ByteSet.letters.contains(first) && name.utf8.allSatisfy { allowed.contains($0) }
    }

    /// The text form, with parameter names.
    public var text: String {
        var text = ""
        var index = 0
        for segment in segments {
            text += "/"
            switch segment {
            case .literal(let bytes): text += String(decoding: bytes, as: UTF8.self)
            case .parameter, .rest:
                text += "{\(parameterNames[index])\(segment == .rest ? "+" : "")}"
                index += 1
            }
        }
        return text
    }
}
