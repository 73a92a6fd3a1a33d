/// Which of the two custom authorizers of a call (gateway-runtime.md, 2.7).
public enum AuthorizerSide: Sendable, Equatable {
    /// Asked before the request is let in.
    case frontend
    /// Asked before the backend is called.
    case backend
}

/// What a custom authorizer said about a call: a flat map, names case-sensitive (gateway-runtime.md, 2.7).
public struct AuthorizerContext: Sendable, Equatable {
    private let entries: [[UInt8]: [UInt8]]

    public init(_ entries: [[UInt8]: [UInt8]] = [:]) { self.entries = entries }

    /// Names and values together.
    public var byteCount: Int { entries.reduce(0) { $0 + $1.key.count + $1.value.count } }

    public static let empty = AuthorizerContext()

    /// nil: the authorizer did not say.
    public subscript(name: [UInt8]) -> [UInt8]? { entries[name] }
}
