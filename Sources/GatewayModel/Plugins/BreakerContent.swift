/// Content of a breaker plug-in (gateway-runtime.md, 8.4).
public struct BreakerContent: Sendable, Equatable {
    public enum Scope: String, Sendable, CaseIterable { case basic, share }

    /// What counts as a failed call.
    public enum Failure: Sendable, Equatable {
        case timeout
        /// An expression over ``statusCodeName`` (slot 0) and ``responseTimeName`` (slot 1).
        case condition(RuleExpression)
    }

    /// When the failed calls of a window open the breaker.
    public enum Mode: Sendable, Equatable {
        /// At once, when this many have failed.
        case counter(failures: Int)
        /// At the window's end, when of at least this many calls so much of a hundred has failed.
        case percentage(calls: Int, percent: Int)
    }

    public struct Condition: Sendable, Equatable {
        public let failure: Failure
        public let mode: Mode
        /// 1...600.
        public let windowSeconds: Int
        /// 1...600.
        public let openSeconds: Int
    }

    public struct HTTPTarget: Sendable, Equatable {
        public let usesTLS: Bool
        /// `host[:port]`.
        public let address: String
        /// nil: the method of the request.
        public let method: HTTPMethod?
        public let path: String
        public let timeoutMilliseconds: Int
    }

    /// A load-balance channel and what is asked of it.
    public struct ChannelTarget: Sendable, Equatable {
        public let channelID: String
        /// `Host` of the request; empty: the one that the client sent.
        public let proxyHost: String
        public let usesTLS: Bool
        /// nil: the method of the request.
        public let method: HTTPMethod?
        public let path: String
        public let timeoutMilliseconds: Int
    }

    /// A function and how it is called.
    public struct FunctionTarget: Sendable, Equatable {
        public let function: FunctionReference
        /// Its answer is not waited for.
        public let isAsync: Bool
        public let timeoutMilliseconds: Int
    }

    public struct Header: Sendable, Equatable {
        public let name: String
        public let value: String
    }

    /// What answers instead of the backend while the breaker is open.
    public enum Downgrade: Sendable, Equatable {
        case http(HTTPTarget)
        case mock(status: Int, headers: [Header], body: String)
        /// The API's own backend, with these headers added.
        case passthrough([Header])
        case channel(ChannelTarget)
        case function(FunctionTarget)
    }

    public struct Rule: Sendable, Equatable {
        public let name: String
        public let expression: RuleExpression
        /// nil: the default one.
        public let condition: Condition?
        public let downgrade: Downgrade?
    }

    public static let statusCodeName = "$context.statusCode"
    public static let responseTimeName = "$context.backendResponseTime"

    public let scope: Scope
    public let condition: Condition
    /// nil: answer 503.
    public let downgrade: Downgrade?
    public let parameters: [RuleParameter]
    public let rules: [Rule]

    init(_ object: ContentObject) throws(PluginContentError) {
        scope = try object.choice("scope", default: .basic)
        condition = try Self.condition(try object.requiredObject("breaker_condition"))
        downgrade = try object.optionalObject("downgrade_default").map(Self.downgrade)
        let parameters = try RuleParameter.read(object, "downgrade_parameters")
        var rules: [Rule] = []
        for entry in try object.objects("downgrade_rules", maxCount: 100) {
            let name = try entry.requiredString("rule_name", maxLength: 255)
            guard !rules.contains(where: { $0.name == name }) else { throw entry.error("rule_name", "must be unique") }
            for (index, used) in try entry.strings("parameters", maxCount: 50, maxLength: 32).enumerated()
            where !parameters.contains(where: { $0.name == used }) {
                throw entry.error("parameters[\(index)]", "is not declared")
            }
            rules.append(
                Rule(
                    name: name, expression: try RuleParameter.expression(entry, "match_regex", over: parameters),
                    condition: try entry.optionalObject("breaker_condition").map(Self.condition),
                    downgrade: try entry.optionalObject("downgrade_backend").map(Self.downgrade)))
        }
        self.parameters = parameters
        self.rules = rules
    }

    private enum ConditionType: String, CaseIterable { case timeout, condition }
    private enum ModeName: String, CaseIterable { case counter, percentage }

    private static func condition(_ object: ContentObject) throws(PluginContentError) -> Condition {
        let type: ConditionType = try object.choice("breaker_type", default: nil)
        let failure: Failure
        switch type {
        case .timeout: failure = .timeout
        case .condition:
            let text = try object.requiredString("unhealthy_condition", maxLength: 16 * 1024)
            failure = .condition(
                try RuleExpression(text, names: [statusCodeName, responseTimeName], in: object, "unhealthy_condition"))
        }
        let modeName: ModeName = try object.choice("breaker_mode", default: nil)
        // All numbers are checked, those of the other mode too: consoles send the whole form.
        let failures = try object.integer("unhealthy_threshold", in: 1...10_000, default: 30)
        let calls = try object.integer("min_call_threshold", in: 1...10_000, default: 20)
        let percent = try object.integer("unhealthy_percentage", in: 1...100, default: 51)
        return Condition(
            failure: failure, mode: modeName == .counter ? .counter(failures: failures) : .percentage(calls: calls, percent: percent),
            windowSeconds: try object.integer("time_window", in: 1...600, default: 15),
            openSeconds: try object.integer("open_breaker_time", in: 1...600, default: 15))
    }

    private static func downgrade(_ object: ContentObject) throws(PluginContentError) -> Downgrade {
        let type = try object.requiredString("type", maxLength: 32)
        switch type {
        case "http":
            let info = try object.requiredObject("http_info")
            if try info.bool("isVpc", default: false) {
                return .channel(try channelTarget(info))
            }
            return .http(try httpTarget(info))
        case "http-vpc", "http_vpc":
            return .channel(try channelTarget(try object.requiredObject("http_vpc_info")))
        case "mock":
            let info = try object.requiredObject("mock_info")
            let status = try info.integer("status_code", in: 200...505, default: 200)
            guard isMockStatus(status) else { throw info.error("status_code", "is no status of a mock backend") }
            return .mock(
                status: status, headers: try headers(info, "headers"),
                body: try info.string("result_content", maxLength: 65_535, default: ""))
        case "passthrough": return .passthrough(try headers(object, "passthrough_infos"))
        case "function", "func":
            return .function(try functionTarget(try object.requiredObject("func_info")))
        default: throw object.error("type", "must be one of http, http-vpc, function, mock, passthrough")
        }
    }

    private enum Invocation: String, CaseIterable { case sync, async }

    private static func functionTarget(_ info: ContentObject) throws(PluginContentError) -> FunctionTarget {
        let urn = try info.requiredString("function_urn", maxLength: 255)
        guard !urn.isEmpty else { throw info.error("function_urn", "must not be empty") }
        let invocation: Invocation = try info.choice("invocation_type", default: .sync)
        return FunctionTarget(
            function: FunctionReference(
                urn: urn, version: try info.string("version", maxLength: 64, default: ""),
                aliasURN: try info.string("alias_urn", maxLength: 255, default: "")),
            isAsync: invocation == .async, timeoutMilliseconds: try info.integer("timeout", in: 1...600_000, default: 5000))
    }

    private enum Scheme: String, CaseIterable { case http = "HTTP", https = "HTTPS" }

    private static func httpTarget(_ info: ContentObject) throws(PluginContentError) -> HTTPTarget {
        let address = try info.requiredString("address", maxLength: 262)
        guard ContentForm.isHostAndPort(address) else { throw info.error("address", "must be host or host:port") }
        let request = try request(info)
        return HTTPTarget(
            usesTLS: request.scheme == .https, address: address, method: request.method, path: request.path,
            timeoutMilliseconds: request.timeout)
    }

    private static func channelTarget(_ info: ContentObject) throws(PluginContentError) -> ChannelTarget {
        let id = try info.requiredString("vpc_channel_id", maxLength: 65)
        let proxyHost = try info.string("vpc_channel_proxy_host", maxLength: 262, default: "")
        guard proxyHost.isEmpty || ContentForm.isHostAndPort(proxyHost) else {
            throw info.error("vpc_channel_proxy_host", "must be host or host:port")
        }
        let request = try request(info)
        return ChannelTarget(
            channelID: id, proxyHost: proxyHost, usesTLS: request.scheme == .https, method: request.method, path: request.path,
            timeoutMilliseconds: request.timeout)
    }

    /// What is asked of an HTTP backend, wherever it is.
    private static func request(
        _ info: ContentObject
    ) throws(PluginContentError) -> (scheme: Scheme, method: HTTPMethod?, path: String, timeout: Int) {
        let scheme: Scheme = try info.choice("scheme", default: nil, ignoringCase: true)
        let method: HTTPMethod = try info.choice("method", default: nil, ignoringCase: true)
        let path = try info.requiredString("path", maxLength: 512)
        guard ContentForm.isRequestPath(path), !path.contains("?") else {
            throw info.error("path", "must be an absolute path without query")
        }
        return (scheme, method == .any ? nil : method, path, try info.integer("timeout", in: 1...600_000, default: 5000))
    }

    /// `status_code` of a mock backend (gateway-runtime.md, 4.4).
    private static func isMockStatus(_ status: Int) -> Bool {
        switch status {
        case 200...206, 300...307, 400...417, 450, 451, 500...505: true
        default: false
        }
    }

    /// Pages write a header's name as `name` and as `key`.
    private static func headers(_ object: ContentObject, _ field: String) throws(PluginContentError) -> [Header] {
        var headers: [Header] = []
        for entry in try object.objects(field, maxCount: 10) {
            let nameField = entry.has("key") && !entry.has("name") ? "key" : "name"
            let name = try entry.requiredString(nameField, maxLength: 128)
            guard ContentForm.isHeaderName(name), !ContentForm.framingHeaders.contains(name.lowercased()) else {
                throw entry.error(nameField, "must be a header name that a plug-in may set")
            }
            let value = try entry.string("value", maxLength: 10_240, default: "")
            guard ContentForm.isHeaderValue(value) else { throw entry.error("value", "must be a header value") }
            headers.append(Header(name: name, value: value))
        }
        return headers
    }
}
