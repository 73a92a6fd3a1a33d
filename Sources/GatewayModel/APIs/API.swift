/// An API as its owner last wrote it: the draft. What is published is a frozen copy (``APIVersion``).
public struct API: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public var definition: APIDefinition
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(id: String, instanceID: String, definition: APIDefinition, createdAt: Timestamp, updatedAt: Timestamp) {
        self.id = id
        self.instanceID = instanceID
        self.definition = definition
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// The requests that an API claims inside its group: two APIs of a group never claim the same
/// (management-api.md, 3.8). ANY is a method of its own here; at run time a concrete method is preferred (8, O17).
public struct RequestClaim: Hashable, Codable, Sendable {
    public let method: HTTPMethod
    /// The path without the names of its parameters: two paths with one key match the same requests.
    public let pathKey: String
    public let matchMode: PathMatchMode

    public init(method: HTTPMethod, path: String, matchMode: PathMatchMode) {
        self.init(method: method, pathKey: Self.pathKey(path, matchMode), matchMode: matchMode)
    }

    /// - Parameter pathKey: a key as ``pathKey(_:_:)`` makes it.
    public init(method: HTTPMethod, pathKey: String, matchMode: PathMatchMode) {
        self.method = method
        self.pathKey = pathKey
        self.matchMode = matchMode
    }

    /// `/v1/{id}/{rest+}` -> `/v1/{}/{+}`. Braces occur in a path around parameters only. As a prefix, `/test/` is `/test`:
    /// a prefix matches at the boundaries of segments anyway (gateway-runtime.md, O2).
    public static func pathKey(_ path: String, _ matchMode: PathMatchMode) -> String {
        let path = matchMode == .prefix && path.hasSuffix("/") ? path.dropLast() : path[...]
        return path.split(separator: "/", omittingEmptySubsequences: false).map { segment -> Substring in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else { return segment }
            return segment.hasSuffix("+}") ? "{+}" : "{}"
        }.joined(separator: "/")
    }
}

extension APIDefinition {
    public var claim: RequestClaim { RequestClaim(method: reqMethod, path: reqURI, matchMode: matchMode) }
}
