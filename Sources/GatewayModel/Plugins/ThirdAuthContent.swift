/// Content of a third_auth plug-in (gateway-runtime.md, 8.5).
public struct ThirdAuthContent: Sendable, Equatable {
    public enum Method: String, Sendable, CaseIterable { case get = "GET", post = "POST", put = "PUT", head = "HEAD" }
    public enum Target: Sendable, Equatable {
        /// `host[:port]`.
        case address(String)
        case channel(id: String, proxyHost: String)
    }
    /// Which requests need authentication.
    public enum RuleKind: String, Sendable, CaseIterable {
        /// Matching requests skip it.
        case allow
        /// Only matching requests need it.
        case deny
    }
    /// A header of the answer that means success.
    public struct Match: Sendable, Equatable {
        public let name: String
        public let value: String
    }
    public struct Rule: Sendable, Equatable {
        public let name: String
        public let expression: RuleExpression
    }

    public let method: Method
    public let usesTLS: Bool
    public let target: Target
    public let path: String
    public let timeoutMilliseconds: Int
    /// Header names, lower case; with ``queries`` empty too: all are sent.
    public let headers: [String]
    public let queries: [String]
    /// Most bytes of the body to send along; nil: none.
    public let carriedBody: Int?
    public let carriesPath: Bool
    public let returnsAnswerOnFailure: Bool
    /// Headers of a successful answer that the backend gets, lower case.
    public let carriedAnswerHeaders: [String]
    /// nil: any 2xx is success.
    public let match: Match?
    /// Failures of one address within five minutes that are borne; nil: any number.
    public let forbidLimit: Int?
    /// Connection failures and 5xx count as success.
    public let isRelaxed: Bool
    /// nil: every request is authenticated.
    public let ruleKind: RuleKind?
    public let parameters: [RuleParameter]
    public let rules: [Rule]

    private enum Scheme: String, CaseIterable { case http = "HTTP", https = "HTTPS" }

    init(_ object: ContentObject) throws(PluginContentError) {
        let request = try object.requiredObject("auth_request")
        method = try request.choice("method", default: nil, ignoringCase: true)
        let scheme: Scheme = try request.choice("protocol", default: nil, ignoringCase: true)
        usesTLS = scheme == .https
        target = try Self.target(request)
        path = try request.string("path", maxLength: 512, default: "/")
        guard ContentForm.isRequestPath(path), !path.contains("?") else { throw request.error("path", "must be an absolute path without query") }
        timeoutMilliseconds = try request.integer("timeout", in: 1...60_000, default: 5000)

        let identities = try object.optionalObject("identities")
        headers = try identities.map { identities throws(PluginContentError) in
            try Self.names(identities, "headers", areHeaders: true)
        } ?? []
        queries = try identities.map { identities throws(PluginContentError) in
            try Self.names(identities, identities.has("query") && !identities.has("queries") ? "query" : "queries", areHeaders: false)
        } ?? []

        if let body = try object.optionalObject("carry_body"), try body.bool("enabled", default: false) {
            carriedBody = try body.requiredInteger("max_body_size", in: 1...12 * 1024 * 1024)
        } else {
            carriedBody = nil
        }
        carriesPath = try object.bool("carry_path_enabled", default: false)
        returnsAnswerOnFailure = try object.bool("return_resp_body_enabled", default: false)
        let carried = object.has("carry_resp_header") && !object.has("carry_resp_headers") ? "carry_resp_header" : "carry_resp_headers"
        carriedAnswerHeaders = try object.strings(carried, maxCount: 10, maxLength: 128).map { $0.lowercased() }
        for (index, name) in carriedAnswerHeaders.enumerated()
        where !ContentForm.isHeaderName(name) || ContentForm.framingHeaders.contains(name) {
            throw object.error("\(carried)[\(index)]", "must be the name of a header that may be copied")
        }
        match = try Self.match(object)
        forbidLimit = try object.optionalInteger("custom_forbid_limit", in: 1...RateLimitContent.largest)
        isRelaxed = try object.bool("auth_downgrade_enabled", default: false)

        let kind: RuleKind = try object.choice("rule_type", default: .allow)
        let isEnabled = try object.bool("rule_enabled", default: false)
        ruleKind = isEnabled ? kind : nil
        let parameters = try RuleParameter.read(object, "parameters")
        var rules: [Rule] = []
        for entry in try object.objects("rules", maxCount: 100) {
            let name = try entry.requiredString("rule_name", maxLength: 255)
            guard !rules.contains(where: { $0.name == name }) else { throw entry.error("rule_name", "must be unique") }
            rules.append(Rule(name: name, expression: try RuleParameter.expression(entry, "match_regex", over: parameters)))
        }
        guard !isEnabled || !rules.isEmpty else { throw object.error("rules", "is required while rule_enabled") }
        self.parameters = parameters
        self.rules = rules
    }

    private static func target(_ request: ContentObject) throws(PluginContentError) -> Target {
        // One page writes the switch as 1 and 2.
        let usesChannel: Bool
        if let number = try? request.optionalInteger("vpc_channel_enabled", in: 1...2) {
            usesChannel = number == 1
        } else {
            usesChannel = try request.bool("vpc_channel_enabled", default: false)
        }
        if usesChannel {
            let info = try request.requiredObject("vpc_channel_info")
            let proxyHost = try info.string("vpc_proxy_host", maxLength: 262, default: "")
            guard proxyHost.isEmpty || ContentForm.isHostAndPort(proxyHost) else {
                throw info.error("vpc_proxy_host", "must be host or host:port")
            }
            return .channel(id: try info.requiredString("vpc_id", maxLength: 65), proxyHost: proxyHost)
        }
        let address = try request.requiredString("url_domain", maxLength: 262)
        guard ContentForm.isHostAndPort(address) else { throw request.error("url_domain", "must be host or host:port") }
        return .address(address)
    }

    private static func names(_ object: ContentObject, _ field: String, areHeaders: Bool) throws(PluginContentError) -> [String] {
        var names: [String] = []
        for entry in try object.objects(field, maxCount: 10) {
            let name = try entry.requiredString("name", maxLength: 128)
            let stored = areHeaders ? name.lowercased() : name
            guard areHeaders ? ContentForm.isHeaderName(name) && !ContentForm.framingHeaders.contains(stored) : true else {
                throw entry.error("name", "must be the name of a header that may be copied")
            }
            guard !names.contains(stored) else { throw entry.error("name", "must be unique") }
            names.append(stored)
        }
        return names
    }

    private static func match(_ object: ContentObject) throws(PluginContentError) -> Match? {
        guard try !object.bool("simple_auth_mode_enabled", default: true) else { return nil }
        let match = try object.requiredObject("match_auth")
        let name = try match.requiredString("key", maxLength: 128)
        guard ContentForm.isHeaderName(name) else { throw match.error("key", "must be a header name") }
        let value = try match.requiredString("value", maxLength: 1024)
        guard ContentForm.isHeaderValue(value) else { throw match.error("value", "must be a header value") }
        return Match(name: name.lowercased(), value: value)
    }
}
