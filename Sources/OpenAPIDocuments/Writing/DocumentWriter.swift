import GatewayModel
import GatewayPrimitives

/// How much of each API a document says (contract, ExportOpenApiReq.define).
public enum DocumentScope: String, Sendable, CaseIterable {
    /// What callers see.
    case spec
    /// And the backends.
    case proxy
    /// And what is bound to the API.
    case all
}

/// What becomes a document.
public struct DocumentContent: Sendable {
    public var title: String
    public var description: String
    /// `info.version`.
    public var version: String
    /// Where the APIs are reached, without scheme.
    public var host: String
    public var apis: [DocumentAPI]
    /// Policies that the APIs name, by name.
    public var accessControls: [String: AccessControlDescription]
    public var rateLimits: [String: RateLimitDescription]
    public var responses: [String: ResponseDescription]

    public init(
        title: String, description: String, version: String, host: String, apis: [DocumentAPI],
        accessControls: [String: AccessControlDescription] = [:], rateLimits: [String: RateLimitDescription] = [:],
        responses: [String: ResponseDescription] = [:]
    ) {
        self.title = title
        self.description = description
        self.version = version
        self.host = host
        self.apis = apis
        self.accessControls = accessControls
        self.rateLimits = rateLimits
        self.responses = responses
    }
}

/// API definitions -> OpenAPI 2.0 and 3.0 documents. One content has one document: paths, operations and names are sorted.
public enum DocumentWriter {
    public static func write(_ content: DocumentContent, version: DocumentVersion, scope: DocumentScope) -> JSONValue {
        var document = Members()
        var info = Members()
        info.put("title", .string(content.title))
        info.put("description", text: content.description)
        info.put("version", .string(content.version))
        switch version {
        case .two:
            document.put("swagger", .string("2.0"))
            document.put("info", info.object)
            document.put("host", text: content.host)
        case .three:
            document.put("openapi", .string("3.0.0"))
            document.put("info", info.object)
            if !content.host.isEmpty { document.put("servers", .array([server("https", content.host)])) }
        }
        document.put("paths", paths(content, version, scope))
        let schemes = SecurityWriter.schemes(content.apis)
        switch version {
        case .two: document.put("securityDefinitions", schemes)
        case .three: document.put("components", .object([JSONMember(name: "securitySchemes", value: schemes)]))
        }
        if scope == .all { policies(content, into: &document) }
        if scope == .all, !content.responses.isEmpty {
            document.put(
                Extension.responses,
                .object(content.responses.sorted { $0.key < $1.key }.map { JSONMember(name: $0.key, value: response($0.value)) }))
        }
        return document.object
    }

    static func server(_ scheme: String, _ host: String) -> JSONValue {
        .object([JSONMember(name: "url", value: .string("\(scheme)://\(host)"))])
    }

    private static func paths(_ content: DocumentContent, _ version: DocumentVersion, _ scope: DocumentScope) -> JSONValue {
        var byPath: [String: [DocumentAPI]] = [:]
        for api in content.apis { byPath[api.definition.reqURI, default: []].append(api) }
        let items = byPath.sorted { $0.key < $1.key }.map { path, apis in
            var item: [JSONMember] = []
            for method in HTTPMethod.allCases {
                let same = apis.filter { $0.definition.reqMethod == method }
                // One path and method may belong to two APIs, of which one matches prefixes; members are unique.
                for api in same.sorted(by: { $0.definition.matchMode == .normal && $1.definition.matchMode == .prefix }) {
                    let isSecond = same.count > 1 && api.definition.matchMode == .prefix
                    item.append(
                        JSONMember(
                            name: isSecond ? Extension.prefixOperation + method.rawValue.lowercased() : Self.key(method),
                            value: OperationWriter(version: version, scope: scope, host: content.host).write(api)))
                }
            }
            return JSONMember(name: path, value: .object(item))
        }
        return .object(items)
    }

    private static func key(_ method: HTTPMethod) -> String {
        method == .any ? Extension.anyMethod : method.rawValue.lowercased()
    }

    private static func policies(_ content: DocumentContent, into document: inout Members) {
        if !content.accessControls.isEmpty {
            document.put(
                Extension.accessControls,
                .object(
                    content.accessControls.sorted { $0.key < $1.key }.map { name, policy in
                        var members = Members()
                        members.put("acl-type", .string(policy.action))
                        members.put("entity-type", .string(policy.entity))
                        members.put("value", .string(policy.value))
                        return JSONMember(name: name, value: members.object)
                    }))
        }
        if !content.rateLimits.isEmpty {
            document.put(
                Extension.rateLimits,
                .object(content.rateLimits.sorted { $0.key < $1.key }.map { JSONMember(name: $0.key, value: rateLimit($0.value)) }))
        }
    }

    private static func response(_ response: ResponseDescription) -> JSONValue {
        .object(
            response.entries.sorted { $0.key < $1.key }.map { type, entry in
                var members = Members()
                members.put("status", number: entry.status)
                members.put("body", text: entry.body)
                members.put(
                    "headers",
                    list: entry.headers.map { header in
                        var members = Members()
                        members.put("key", .string(header.key))
                        members.put("value", .string(header.value))
                        return members.object
                    })
                return JSONMember(name: type, value: members.object)
            })
    }

    private static func rateLimit(_ policy: RateLimitDescription) -> JSONValue {
        var members = Members()
        members.put("api-limit", number: policy.apiLimit)
        members.put("user-limit", number: policy.userLimit)
        members.put("app-limit", number: policy.appLimit)
        members.put("ip-limit", number: policy.ipLimit)
        members.put("interval", number: policy.interval)
        members.put("unit", .string(policy.unit))
        members.put("shared", flag: policy.shared)
        members.put("description", text: policy.remark)
        let specials = policy.specials.sorted { ($0.type, $0.instance) < ($1.type, $1.instance) }
        members.put(
            "special",
            list: specials.map { special in
                var members = Members()
                members.put("type", .string(special.type))
                members.put("limit", number: special.limit)
                members.put("instance", .string(special.instance))
                return members.object
            })
        return members.object
    }
}

/// Security schemes: the three of the vendor, and one for each authorizer.
enum SecurityWriter {
    private static func scheme(name: String, type: String, appCode: Bool? = nil, authorizer: String? = nil) -> JSONValue {
        var members = Members()
        members.put("type", .string("apiKey"))
        members.put("name", .string(name))
        members.put("in", .string("header"))
        members.put(Extension.authType, .string(type))
        if appCode == true {
            members.put(Extension.authOption, .object([JSONMember(name: "appcode-auth-type", value: .string("header"))]))
        }
        members.put(Extension.authorizer, text: authorizer)
        return members.object
    }

    static func schemes(_ apis: [DocumentAPI]) -> JSONValue {
        var members = Members()
        members.put("apig-auth-app", scheme(name: "Authorization", type: "AppSigv1"))
        members.put("apig-auth-app-header", scheme(name: "Authorization", type: "AppSigv1", appCode: true))
        members.put("apig-auth-iam", scheme(name: "unused", type: "IAM"))
        for name in Set(apis.compactMap(\.definition.authorizerID)).sorted() {
            members.put(authorizer(name), scheme(name: "unused", type: "AUTHORIZER", authorizer: name))
        }
        return members.object
    }

    static func authorizer(_ name: String) -> String { "apig-auth-authorizer-\(name)" }

    /// Name of an API's scheme; nil without authentication.
    static func name(_ definition: APIDefinition) -> String? {
        switch definition.authType {
        case .none: nil
        case .app: definition.appCodeAllowed ? "apig-auth-app-header" : "apig-auth-app"
        case .iam: "apig-auth-iam"
        case .authorizer: definition.authorizerID.map(authorizer)
        }
    }
}
