/// A front-end path such as `/v1/items/{id}/{rest+}` (gateway-runtime.md, 1.4).
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
