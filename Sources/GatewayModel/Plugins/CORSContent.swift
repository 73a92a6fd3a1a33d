import GatewayPrimitives

/// Content of a cors plug-in (gateway-runtime.md, 8.1).
public struct CORSContent: Sendable, Equatable {
    /// `*`, or the origins by name.
    public enum Origins: Sendable, Equatable {
        case any
        case listed([String])
    }

    public let origins: Origins
    /// In the order given; never empty.
    public let methods: [HTTPMethod]
    /// Header names as given, or `*` alone; may be empty.
    public let allowedHeaders: [String]
    public let exposedHeaders: [String]
    /// Seconds that a browser may keep the preflight's answer, 0...172 800.
    public let maxAge: Int
    public let allowsCredentials: Bool

    /// Whether the plug-in may be attached to an API with this method: its own method has to be allowed.
    public func permits(_ method: HTTPMethod) -> Bool { method == .any || methods.contains(method) }

    init(_ object: ContentObject) throws(PluginContentError) {
        let origins = try object.requiredString("allow_origin", maxLength: 8192)
        if origins == "*" {
            self.origins = .any
        } else {
            guard let list = ContentForm.commaList(origins), list.count <= 100, list.allSatisfy(Self.isOrigin) else {
                throw object.error("allow_origin", "must be * or a comma list of origins")
            }
            self.origins = .listed(list)
        }
        var methods: [HTTPMethod] = []
        for name in ContentForm.commaList(try object.requiredString("allow_methods", maxLength: 256)) ?? [""] {
            guard let method = HTTPMethod(rawValue: name.uppercased()), method != .any else {
                throw object.error("allow_methods", "must be a comma list of methods")
            }
            if !methods.contains(method) { methods.append(method) }
        }
        self.methods = methods
        allowedHeaders = try Self.headers(object, "allow_headers")
        exposedHeaders = try Self.headers(object, "expose_headers")
        maxAge = try object.integer("max_age", in: 0...172_800, default: 172_800)
        allowsCredentials = try object.bool("allow_credentials", default: false)
    }

    private static func headers(_ object: ContentObject, _ name: String) throws(PluginContentError) -> [String] {
        let text = try object.string(name, maxLength: 8192, default: "")
        if text.isEmpty { return [] }
        guard let list = ContentForm.commaList(text), list.count <= 100, list.allSatisfy({ ContentForm.isHeaderName($0) }),
            list == ["*"] || !list.contains("*")
        else { throw object.error(name, "must be * or a comma list of header names") }
        return list
    }

    /// `scheme://host[:port]`, or `null`; browsers send nothing else.
    private static func isOrigin(_ text: String) -> Bool {
        if text == "null" { return true }
        guard let marker = text.firstRange(of: "://") else { return false }
        let scheme = text[..<marker.lowerBound]
        return !scheme.isEmpty && scheme.utf8.allSatisfy { ByteSet.lettersAndDigits.union(ByteSet("+-.")).contains($0) }
            && ContentForm.isHostAndPort(String(text[marker.upperBound...]))
    }
}
