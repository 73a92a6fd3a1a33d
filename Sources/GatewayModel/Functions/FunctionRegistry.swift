/// Which function a definition or an authorizer means: a URN with a version, or an alias, which then wins
/// (gateway-runtime.md, 4.3).
public struct FunctionReference: Sendable, Equatable, Hashable {
    public let urn: String
    public let version: String?
    public let aliasURN: String?

    public init(urn: String, version: String?, aliasURN: String?) {
        self.urn = urn
        self.version = version.flatMap { $0.isEmpty ? nil : $0 }
        self.aliasURN = aliasURN.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Where functions are: this gateway has no function service of its own, so the settings map URNs to HTTP endpoints
/// (docs/settings.md). Fixed while the program runs.
public struct FunctionRegistry: Sendable, Equatable {
    private let endpoints: [String: FunctionEndpoint]

    public init(_ endpoints: [String: FunctionEndpoint] = [:]) { self.endpoints = endpoints }

    /// The alias if there is one, else the URN with the version behind it, else the URN alone.
    ///
    /// - Returns: nil for a function that nobody has registered.
    public func endpoint(of function: FunctionReference) -> FunctionEndpoint? {
        if let alias = function.aliasURN { return endpoints[alias] }
        if let version = function.version, let exact = endpoints["\(function.urn):\(version)"] { return exact }
        return endpoints[function.urn]
    }
}

/// An HTTP endpoint that runs a function: it gets the event as the body of a POST and gives the function's answer.
public struct FunctionEndpoint: Sendable, Equatable {
    public let usesTLS: Bool
    /// `host[:port]` as written.
    public let address: String
    /// With the leading slash, with the query if there is one.
    public let path: String

    /// - Parameter url: `http://host[:port][/path]` or `https://...`, without user and fragment.
    /// - Returns: nil for anything else.
    public init?(_ url: String) {
        let scheme: String
        if url.hasPrefix("https://") {
            scheme = "https://"
        } else if url.hasPrefix("http://") {
            scheme = "http://"
        } else {
            return nil
        }
        let rest = url.dropFirst(scheme.count)
        let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let path = String(rest[slash...])
        usesTLS = scheme == "https://"
        address = String(rest[..<slash])
        self.path = path.hasPrefix("/") ? path : "/" + path
        let fits = !address.isEmpty && !address.contains("@") && url.utf8.count <= 2048
            && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
        guard fits else { return nil }
    }
}

extension FunctionBackendDefinition {
    public var function: FunctionReference { FunctionReference(urn: functionURN, version: version, aliasURN: aliasURN) }
}
