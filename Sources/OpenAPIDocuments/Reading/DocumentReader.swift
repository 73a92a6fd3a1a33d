import GatewayModel
import GatewayPrimitives

/// OpenAPI 2.0 and 3.0 documents -> API definitions (management-api.md, 3.22).
public enum DocumentReader {
    /// - Parameter bytes: the file, JSON or YAML.
    /// - Throws: ``DocumentFault`` when nothing can be imported.
    public static func read(_ bytes: [UInt8], _ options: ReadingOptions = ReadingOptions()) throws(DocumentFault) -> ReadDocument {
        try read(tree: try DocumentText.read(bytes), options)
    }

    static func read(tree: JSONValue, _ options: ReadingOptions) throws(DocumentFault) -> ReadDocument {
        guard case .object = tree else { throw .unreadable(reason: "the document is no object") }
        let version = try version(tree)
        do {
            return try read(tree, version, options)
        } catch let fault as DocumentFault {
            throw fault
        } catch let field as InvalidField {
            throw .syntax(reason: "\(field.field): \(field.reason)")
        } catch {
            throw .syntax(reason: "not a document of its version")
        }
    }

    private static func version(_ tree: JSONValue) throws(DocumentFault) -> DocumentVersion {
        let swagger = try? tree.word("swagger")
        let openapi = try? tree.word("openapi")
        if swagger == "2.0" { return .two }
        if let openapi, openapi == "3.0" || openapi.hasPrefix("3.0.") { return .three }
        throw .wrongVersion
    }

    private static func read(_ tree: JSONValue, _ version: DocumentVersion, _ options: ReadingOptions) throws -> ReadDocument {
        guard let info = try tree.object("info") else { throw DocumentFault.syntax(reason: "info is absent") }
        guard let paths = try tree.object("paths") else { throw DocumentFault.syntax(reason: "paths is absent") }
        let context = try DocumentContext(tree, version: version, options: options)
        var operations: [ReadOperation] = []
        var ignored: [IgnoredOperation] = []
        for item in paths.members {
            if item.name.hasPrefix("x-") { continue }
            guard item.name.hasPrefix("/") else { throw DocumentFault.syntax(reason: "a path that does not begin with a slash") }
            guard case .object(let members) = item.value else { throw DocumentFault.syntax(reason: "a path item that is no object") }
            if item.value["$ref"] != nil { throw DocumentFault.syntax(reason: "$ref in place of a path item") }
            let path = context.basePath + item.name
            for member in members {
                guard let key = OperationKey(member.name) else {
                    if member.name == "trace" { ignored.append(IgnoredOperation(method: "TRACE", path: path)) }
                    continue
                }
                guard case .object = member.value else { throw DocumentFault.syntax(reason: "an operation that is no object") }
                operations.append(
                    ReadOperation(
                        method: key.method.rawValue, path: path,
                        outcome: Result { () throws(InvalidField) in
                            try OperationReader(context: context, item: item.value, operation: member.value)
                                .read(key, path: path)
                        }))
            }
        }
        return ReadDocument(
            title: try info.word("title") ?? "", description: try info.remark("description", limit: 1000, plain: true) ?? "", operations: operations,
            ignored: ignored, accessControls: try PolicyReader.accessControls(tree), rateLimits: try PolicyReader.rateLimits(tree),
            responses: try PolicyReader.responses(tree))
    }
}

public enum DocumentVersion: String, Sendable, CaseIterable { case two = "2.0", three = "3.0" }

/// What the operations of a document share.
struct DocumentContext {
    let tree: JSONValue
    let version: DocumentVersion
    let options: ReadingOptions
    /// Without a slash at its end; empty for none.
    let basePath: String
    /// Security schemes by name.
    let schemes: JSONValue?
    let security: JSONValue?
    /// Protocols that operations without their own have.
    let protocols: RequestProtocol?

    init(_ tree: JSONValue, version: DocumentVersion, options: ReadingOptions) throws(InvalidField) {
        self.tree = tree
        self.version = version
        self.options = options
        security = tree["security"]
        switch version {
        case .two:
            basePath = Self.trimmed(try tree.text("basePath") ?? "")
            schemes = try tree.object("securityDefinitions")
            protocols = try Self.protocols(schemes: try tree.words("schemes"))
        case .three:
            let urls = try Self.urls(tree)
            basePath = Self.trimmed(urls.first.map(Self.path) ?? "")
            schemes = try tree.object("components")?.object("securitySchemes")
            protocols = Self.protocols(urls: urls)
        }
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.hasSuffix("/") { path.removeLast() }
        return path.isEmpty || path.hasPrefix("/") ? path : "/" + path
    }

    /// `https://host/v1` -> `/v1`; `/v1` -> `/v1`.
    private static func path(_ url: String) -> String {
        guard let range = url.firstRange(of: "://") else { return url.hasPrefix("/") ? url : "" }
        let rest = url[range.upperBound...]
        return rest.firstIndex(of: "/").map { String(rest[$0...].prefix { $0 != "?" && $0 != "#" }) } ?? ""
    }

    static func urls(_ tree: JSONValue) throws(InvalidField) -> [String] {
        var urls: [String] = []
        for server in try tree.list("servers") {
            if let url = try server.text("url") { urls.append(url) }
        }
        return urls
    }

    static func protocols(schemes: [String]) throws(InvalidField) -> RequestProtocol? {
        guard !schemes.isEmpty else { return nil }
        let known = Set(schemes.map { $0.lowercased() })
        switch (known.contains("http"), known.contains("https")) {
        case (true, true): return .both
        case (true, false): return .http
        case (false, true): return .https
        case (false, false): throw InvalidField(field: "schemes", reason: "neither http nor https")
        }
    }

    static func protocols(urls: [String]) -> RequestProtocol? {
        let http = urls.contains { $0.lowercased().hasPrefix("http://") }
        let https = urls.contains { $0.lowercased().hasPrefix("https://") }
        return http && https ? .both : http ? .http : https ? .https : nil
    }

    /// A value, or what its `$ref` within this document points to.
    func resolved(_ value: JSONValue, _ field: String) throws(InvalidField) -> JSONValue {
        var value = value
        // A reference to a reference is taken, a circle is not.
        for _ in 0..<8 {
            guard case .string(let reference)? = value["$ref"] else { return value }
            guard reference.hasPrefix("#/") else { throw InvalidField(field: field, reason: "a reference out of the document") }
            var target = tree
            for part in reference.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false) {
                let name = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
                guard let next = target[name] else { throw InvalidField(field: field, reason: "a reference to nothing") }
                target = next
            }
            value = target
        }
        throw InvalidField(field: field, reason: "references in a circle")
    }
}

/// Member of a path item that is an operation.
struct OperationKey {
    let method: HTTPMethod
    /// The key says that the operation is matched as a prefix.
    let isPrefix: Bool

    init?(_ name: String) {
        if name == Extension.anyMethod {
            self.init(.any, isPrefix: false)
        } else if name.hasPrefix(Extension.prefixOperation) {
            guard let method = HTTPMethod(rawValue: name.dropFirst(Extension.prefixOperation.count).uppercased()) else { return nil }
            self.init(method, isPrefix: true)
        } else {
            guard name.lowercased() == name, let method = HTTPMethod(rawValue: name.uppercased()), method != .any else { return nil }
            self.init(method, isPrefix: false)
        }
    }

    private init(_ method: HTTPMethod, isPrefix: Bool) {
        self.method = method
        self.isPrefix = isPrefix
    }
}
