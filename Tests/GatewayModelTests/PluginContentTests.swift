@testable import GatewayModel
import GatewayPrimitives
import Testing

/// Contents as the reference prints them (gateway-runtime.md, 7.4 and section 8).
enum DocumentedContent {
    static let cors = #"{"allow_origin": "*", "allow_methods": "GET,POST,PUT", "allow_headers": "Content-Type,Accept", "expose_headers": "X-Request-Id", "max_age": 86400, "allow_credentials": true}"#
    static let headers = #"{"response_headers": [{"name": "X-A", "value": "1", "value_type": "custom_value", "action": "override"}]}"#
    static let rateLimit = #"""
        {"scope": "basic", "default_interval": 60, "default_time_unit": "second",
         "api_limit": 100, "user_limit": 50, "app_limit": 50, "ip_limit": 20, "algorithm": "counter",
         "specials": [{"type": "app", "policies": [{"key": "<app id>", "limit": 10}]}, {"type": "user", "policies": [{"key": "<tenant id>", "limit": 10}]}],
         "parameters": [{"type": "path", "name": "reqPath", "value": "reqPath"}, {"type": "method", "name": "method", "value": "method"},
                        {"type": "header", "name": "Host", "value": "Host"}],
         "rules": [{"rule_name": "r1", "match_regex": "[\"Host\",\"==\",\"www.abc.com\"]", "time_unit": "second", "interval": 60, "limit": 10}]}
        """#
    static let breaker = #"""
        {"scope": "share",
         "breaker_condition": {"breaker_type": "timeout", "breaker_mode": "counter", "unhealthy_condition": "", "unhealthy_threshold": 30, "min_call_threshold": 20,
                               "unhealthy_percentage": 51, "time_window": 15, "open_breaker_time": 15},
         "downgrade_default": {"type": "http", "passthrough_infos": null, "func_info": null, "mock_info": null, "http_vpc_info": null,
           "http_info": {"isVpc": false, "vpc_channel_id": "", "address": "10.10.10.10", "scheme": "HTTP", "method": "GET", "path": "/demo", "timeout": 5000}},
         "downgrade_parameters": [{"type": "path", "name": "reqPath", "value": "reqPath"}, {"type": "method", "name": "method", "value": "method"}],
         "downgrade_rules": [{"rule_name": "r1", "parameters": ["reqPath"], "match_regex": "[\"reqPath\",\"==\",\"/test\"]", "breaker_condition": null,
           "downgrade_backend": {"type": "mock", "mock_info": {"status_code": 200, "result_content": "{}", "headers": []}}}]}
        """#
    static let thirdAuth = #"""
        {"auth_request": {"method": "GET", "protocol": "HTTPS", "url_domain": "192.168.10.10", "path": "/", "timeout": 5000, "vpc_channel_enabled": false,
                          "vpc_channel_info": {"vpc_id": "", "vpc_proxy_host": ""}},
         "identities": {"headers": [{"name": "X-T"}], "queries": [{"name": "t"}]},
         "carry_body": {"enabled": true, "max_body_size": 1000}, "carry_path_enabled": true, "return_resp_body_enabled": false, "carry_resp_headers": [],
         "simple_auth_mode_enabled": true, "match_auth": null, "custom_forbid_limit": 100, "auth_downgrade_enabled": true,
         "rule_enabled": false, "rule_type": "allow", "parameters": [], "rules": []}
        """#
    static let kafka = #"""
        {"broker_list": ["10.0.0.1:9092"], "topic": "t", "key": "", "max_retry_count": 3, "retry_backoff": 10,
         "sasl_config": {"security_protocol": "PLAINTEXT", "sasl_mechanisms": "PLAIN", "sasl_username": "", "sasl_password": "", "ssl_ca_content": ""},
         "meta_config": {"system": {"start_time": true}, "call_data": {
           "log_request_header": true, "request_header_filter": "X-A", "log_request_query_string": true, "request_query_string_filter": "q",
           "log_request_body": true, "log_response_header": true, "response_header_filter": "X-B", "log_response_body": true,
           "custom_authorizer": {"frontend": ["user_name"], "backend": ["user"]}}}}
        """#
    static let all: [(PluginType, String)] = [
        (.cors, cors), (.setResponseHeaders, headers), (.rateLimit, rateLimit), (.breaker, breaker), (.thirdAuth, thirdAuth), (.kafkaLog, kafka),
    ]
}

@Suite struct PluginContentTests {
    /// The documented content with one text replaced.
    static func changed(_ content: String, _ from: String, _ to: String) -> String {
        guard let range = content.firstRange(of: from) else { return "" }
        return content.replacingCharacters(in: range, with: to)
    }

    @Test(arguments: DocumentedContent.all)
    func documentedContents(type: PluginType, content: String) throws {
        _ = try PluginContent(parsing: content, type: type)
    }

    @Test(arguments: [
        (.cors, #""*""#, #""""#, "allow_origin"), (.cors, #""*""#, #""https://a b""#, "allow_origin"), (.cors, #""*""#, #""https://a.example,""#, "allow_origin"),
        (.cors, #""*""#, #""example.com""#, "allow_origin"), (.cors, #""*""#, "1", "allow_origin"), (.cors, #""*""#, #""https://a\r\nX: y""#, "allow_origin"),
        (.cors, "GET,POST,PUT", "", "allow_methods"), (.cors, "GET,POST,PUT", "GET,FETCH", "allow_methods"), (.cors, "GET,POST,PUT", "ANY", "allow_methods"),
        (.cors, "Content-Type,Accept", "Content Type", "allow_headers"), (.cors, "Content-Type,Accept", "*,Accept", "allow_headers"),
        (.cors, "X-Request-Id", "X:Y", "expose_headers"), (.cors, "86400", "-1", "max_age"), (.cors, "86400", "172801", "max_age"), (.cors, "86400", "\"1\"", "max_age"),
        (.cors, "86400", "1.5", "max_age"), (.cors, "true", "1", "allow_credentials"),
        (.setResponseHeaders, "X-A", "X A", "response_headers[0].name"), (.setResponseHeaders, "X-A", "X-Apig-A", "response_headers[0].name"),
        (.setResponseHeaders, "X-A", "x-request-id", "response_headers[0].name"), (.setResponseHeaders, "X-A", "Access-Control-Max-Age", "response_headers[0].name"),
        (.setResponseHeaders, "X-A", "Content-Length", "response_headers[0].name"), (.setResponseHeaders, "X-A", "", "response_headers[0].name"),
        (.setResponseHeaders, "\"1\"", "\"a\\r\\nb\"", "response_headers[0].value"), (.setResponseHeaders, "override", "replace", "response_headers[0].action"),
        (.setResponseHeaders, "custom_value", "other", "response_headers[0].value_type"), (.setResponseHeaders, "custom_value", "system_parameter", "response_headers[0].value"),
        (.setResponseHeaders, "}]", "},{\"name\":\"x-a\",\"value\":\"\",\"action\":\"skip\"}]", "response_headers[1].name"),
        (.setResponseHeaders, "[{", "[1,{", "response_headers[0]"),
        (.rateLimit, "basic", "all", "scope"), (.rateLimit, "60,", "0,", "default_interval"), (.rateLimit, "60,", "null,", "default_interval"),
        (.rateLimit, "\"second\"", "\"week\"", "default_time_unit"), (.rateLimit, "100", "null", "api_limit"), (.rateLimit, "100", "0", "api_limit"), (.rateLimit, "100", "-2", "api_limit"),
        (.rateLimit, "100", "2147483648", "api_limit"), (.rateLimit, "\"user_limit\": 50", "\"user_limit\": 101", "user_limit"), (.rateLimit, "\"app_limit\": 50", "\"app_limit\": 101", "app_limit"),
        (.rateLimit, "20", "101", "ip_limit"), (.rateLimit, "counter", "exact", "algorithm"), (.rateLimit, "\"limit\": 10", "\"limit\": 101", "specials[0].policies[0].limit"),
        (.rateLimit, "\"user\"", "\"app\"", "specials[1].type"), (.rateLimit, "<app id>", "", "specials[0].policies[0].key"), (.rateLimit, "\"path\"", "\"body\"", "parameters[0].type"),
        (.rateLimit, "\"name\": \"method\"", "\"name\": \"reqPath\"", "parameters[1].name"), (.rateLimit, "\"r1\"", "\"\"", "rules[0].rule_name"),
        (.rateLimit, #"\"Host\""#, #"\"Origin\""#, "rules[0].match_regex"), (.rateLimit, #"\"==\",\"www"#, #"\"~~\",\"(www"#, "rules[0].match_regex"), (.rateLimit, "\"interval\": 60", "\"interval\": 0", "rules[0].interval"),
        (.breaker, "share", "x", "scope"), (.breaker, "\"timeout\",", "\"slow\",", "breaker_condition.breaker_type"), (.breaker, "\"timeout\",", "\"condition\",", "breaker_condition.unhealthy_condition"),
        (.breaker, "\"counter\"", "\"sum\"", "breaker_condition.breaker_mode"), (.breaker, "30", "0", "breaker_condition.unhealthy_threshold"), (.breaker, "20,", "10001,", "breaker_condition.min_call_threshold"),
        (.breaker, "51", "101", "breaker_condition.unhealthy_percentage"), (.breaker, "\"time_window\": 15", "\"time_window\": 601", "breaker_condition.time_window"),
        (.breaker, "\"open_breaker_time\": 15", "\"open_breaker_time\": 0", "breaker_condition.open_breaker_time"), (.breaker, "\"type\": \"http\"", "\"type\": \"file\"", "downgrade_default.type"),
        (.breaker, "\"type\": \"http\"", "\"type\": \"mock\"", "downgrade_default.mock_info"), (.breaker, "10.10.10.10", "10.10.10.300", "downgrade_default.http_info.address"), (.breaker, "\"HTTP\"", "\"FTP\"", "downgrade_default.http_info.scheme"),
        (.breaker, "/demo", "demo", "downgrade_default.http_info.path"), (.breaker, "5000", "0", "downgrade_default.http_info.timeout"), (.breaker, "[\"reqPath\"]", "[\"other\"]", "downgrade_rules[0].parameters[0]"),
        (.breaker, "200", "299", "downgrade_rules[0].downgrade_backend.mock_info.status_code"),
        (.thirdAuth, "\"GET\"", "\"DELETE\"", "auth_request.method"), (.thirdAuth, "HTTPS", "TCP", "auth_request.protocol"), (.thirdAuth, "192.168.10.10", "a/b", "auth_request.url_domain"),
        (.thirdAuth, "192.168.10.10", "a:0", "auth_request.url_domain"), (.thirdAuth, "\"/\"", "\"x\"", "auth_request.path"), (.thirdAuth, "5000", "60001", "auth_request.timeout"),
        (.thirdAuth, "\"vpc_channel_enabled\": false", "\"vpc_channel_enabled\": true", "auth_request.vpc_channel_info.vpc_id"), (.thirdAuth, "X-T", "X T", "identities.headers[0].name"), (.thirdAuth, "X-T", "Content-Length", "identities.headers[0].name"),
        (.thirdAuth, "1000", "0", "carry_body.max_body_size"), (.thirdAuth, "\"carry_resp_headers\": []", "\"carry_resp_headers\": [\"a b\"]", "carry_resp_headers[0]"),
        (.thirdAuth, "\"simple_auth_mode_enabled\": true", "\"simple_auth_mode_enabled\": false", "match_auth"), (.thirdAuth, "100,", "0,", "custom_forbid_limit"),
        (.thirdAuth, "\"rule_enabled\": false", "\"rule_enabled\": true", "rules"), (.thirdAuth, "\"allow\"", "\"maybe\"", "rule_type"),
        (.kafkaLog, "[\"10.0.0.1:9092\"]", "[]", "broker_list"), (.kafkaLog, "10.0.0.1:9092", "10.0.0.1", "broker_list[0]"), (.kafkaLog, "\"t\"", "\"a b\"", "topic"),
        (.kafkaLog, "\"max_retry_count\": 3", "\"max_retry_count\": 6", "max_retry_count"), (.kafkaLog, "\"retry_backoff\": 10", "\"retry_backoff\": 0", "retry_backoff"), (.kafkaLog, "\"PLAINTEXT\"", "\"TLS\"", "sasl_config.security_protocol"),
        (.kafkaLog, "\"PLAINTEXT\"", "\"SASL_SSL\"", "sasl_config.sasl_username"), (.kafkaLog, "\"PLAIN\"", "\"SCRAM\"", "sasl_config.sasl_mechanisms"), (.kafkaLog, "{\"start_time\": true}", "{\"start_time\": 1}", "meta_config.system.start_time"),
        (.kafkaLog, "\"X-A\"", "\"X-A,\"", "meta_config.call_data.request_header_filter"),
    ] as [(PluginType, String, String, String)])
    func fieldByField(type: PluginType, from: String, to: String, path: String) throws {
        let content = DocumentedContent.all.first { $0.0 == type }!.1
        let changed = Self.changed(content, from, to)
        #expect(!changed.isEmpty)
        let error = #expect(throws: PluginContentError.self) { try PluginContent(parsing: changed, type: type) }
        #expect(error?.path == path, "\(changed)")
    }

    @Test(arguments: PluginType.allCases)
    func hostileTexts(type: PluginType) {
        for content in [
            "", "{", "[]", "null", "{}", "\u{0}", String(repeating: "[", count: 60_000), String(repeating: "{\"a\":", count: 10_000),
            "{\"a\":\"" + String(repeating: "a", count: 70_000) + "\"}", "{\"allow_origin\":\"*\",\"allow_origin\":\"*\"}",
        ] {
            #expect(throws: PluginContentError.self) { try PluginContent(parsing: content, type: type) }
        }
    }

    @Test func mutatedContentsNeverCrash() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("{}[]\",:\\0-9azé~=>".unicodeScalars)
        for (type, content) in DocumentedContent.all {
            for _ in 0..<300 {
                var scalars = Array(content.unicodeScalars)
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: 0..<scalars.count, using: &generator)
                    if Bool.random(using: &generator) { scalars[index] = alphabet.randomElement(using: &generator)! } else { scalars.remove(at: index) }
                }
                var text = String.UnicodeScalarView()
                text.append(contentsOf: scalars)
                _ = try? PluginContent(parsing: String(text), type: type)
            }
        }
    }

    @Test func readsWhatItSays() throws {
        guard case .rateLimit(let limit) = try PluginContent(parsing: DocumentedContent.rateLimit, type: .rateLimit),
            case .breaker(let breaker) = try PluginContent(parsing: DocumentedContent.breaker, type: .breaker),
            case .thirdAuth(let auth) = try PluginContent(parsing: DocumentedContent.thirdAuth, type: .thirdAuth),
            case .cors(let cors) = try PluginContent(parsing: DocumentedContent.cors, type: .cors),
            case .kafkaLog(let kafka) = try PluginContent(parsing: DocumentedContent.kafka, type: .kafkaLog)
        else { return #expect(Bool(false)) }
        #expect(limit.api == .init(limit: 100, interval: 60, unit: .second))
        #expect(limit.specialApps == ["<app id>": 10])
        #expect(limit.parameters.map(\.source) == [.path, .method, .header("host")])
        #expect(breaker.downgrade == .http(.init(usesTLS: false, address: "10.10.10.10", method: .get, path: "/demo", timeoutMilliseconds: 5000)))
        #expect(breaker.rules.first?.downgrade == .mock(status: 200, headers: [], body: "{}"))
        #expect(breaker.condition.mode == .counter(failures: 30))
        #expect(auth.headers == ["x-t"] && auth.queries == ["t"] && auth.carriedBody == 1000 && auth.forbidLimit == 100 && auth.ruleKind == nil)
        #expect(cors.permits(.put) && !cors.permits(.delete) && cors.permits(.any))
        #expect(kafka.fields.contains("start_time") && !kafka.fields.contains("api_id"))
        #expect(kafka.callData.requestHeaders == ["X-A"])
        guard case .rateLimit(let none) = try PluginContent(
            parsing: #"{"default_interval":1,"api_limit":-1,"user_limit":7}"#, type: .rateLimit) else { return #expect(Bool(false)) }
        #expect(none.api == nil && none.user?.limit == 7 && none.scope == .basic)
    }

    @Test func hidesAndKeepsThePassword() {
        let stored = Self.changed(Self.changed(DocumentedContent.kafka, #""sasl_password": """#, #""sasl_password": "s\"3cret""#), #""sasl_username": """#, #""sasl_username": "u""#)
        let hidden = PluginSecrets.hidden(stored, type: .kafkaLog)
        #expect(!hidden.contains("3cret") && hidden.contains("\"sasl_password\":\"\""))
        #expect(PluginSecrets.carried(from: stored, into: hidden, type: .kafkaLog).contains(#""sasl_password":"s\"3cret""#))
        #expect(!PluginSecrets.carried(from: stored, into: Self.changed(hidden, "\"u\"", "\"v\""), type: .kafkaLog).contains("3cret"))
        #expect(PluginSecrets.hidden(DocumentedContent.cors, type: .cors) == DocumentedContent.cors)
        #expect(PluginSecrets.hidden(DocumentedContent.kafka, type: .kafkaLog) == DocumentedContent.kafka)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
