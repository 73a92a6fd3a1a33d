import GatewayPrimitives

/// Content of a kafka_log plug-in (gateway-runtime.md, 8.3).
public struct KafkaLogContent: Sendable, Equatable {
    public enum SecurityProtocol: String, Sendable, CaseIterable {
        case plaintext = "PLAINTEXT", saslPlaintext = "SASL_PLAINTEXT", saslSSL = "SASL_SSL"
    }
    public enum Mechanism: String, Sendable, CaseIterable { case plain = "PLAIN" }

    /// Which parts of calls are logged.
    public struct CallData: Sendable, Equatable {
        public var requestHeaders: [String]?
        public var queries: [String]?
        public var requestBody = false
        public var responseHeaders: [String]?
        public var responseBody = false
        public var frontendAuthorizer: [String] = []
        public var backendAuthorizer: [String] = []
    }

    /// `host:port`, 1 to 10.
    public let brokers: [String]
    public let topic: String
    /// Partition key; empty: records are spread.
    public let key: String
    public let maxRetries: Int
    public let retryBackoffSeconds: Int
    public let securityProtocol: SecurityProtocol
    public let userName: String
    public let password: Secret
    public let caCertificates: String
    /// Names of ``systemFields`` that are logged.
    public let fields: Set<String>
    public let callData: CallData

    /// Keys of `meta_config.system` and whether each is on when it is not given.
    public static let systemFields: [String: Bool] = {
        let on = [
            "start_time", "request_id", "client_ip", "request_time", "http_status", "scheme", "request_method", "host", "uri", "upstream_addr",
            "upstream_status", "upstream_response_time", "http_x_forwarded_for", "http_user_agent", "error_type",
        ]
        let off = [
            "api_id", "user_name", "app_id", "access_model1", "server_protocol", "api_uri_mode", "request_size", "response_size", "upstream_uri",
            "upstream_connect_time", "upstream_header_time", "all_upstream_response_time", "region_id", "auth_type", "access_model2",
            "inner_time", "proxy_protocol_vni", "proxy_protocol_vpce_id", "proxy_protocol_addr", "body_bytes_sent", "api_name", "app_name",
            "provider_app_id", "provider_app_name", "response_source",
        ] + (1...10).map { $0 < 10 ? "custom_data_log0\($0)" : "custom_data_log10" }
        return Dictionary(uniqueKeysWithValues: on.map { ($0, true) } + off.map { ($0, false) })
    }()

    init(_ object: ContentObject) throws(PluginContentError) {
        brokers = try object.strings("broker_list", maxCount: 10, maxLength: 262)
        guard !brokers.isEmpty else { throw object.error("broker_list", "is required") }
        for (index, broker) in brokers.enumerated() where ContentForm.hostAndPort(broker)?.port == nil {
            throw object.error("broker_list[\(index)]", "must be host:port")
        }
        topic = try object.requiredString("topic", maxLength: 249)
        guard topic != ".", topic != "..", topic.utf8.allSatisfy({ ByteSet.lettersAndDigits.union(ByteSet("._-")).contains($0) }) else {
            throw object.error("topic", "must be a topic name")
        }
        key = try object.string("key", maxLength: 255, default: "")
        maxRetries = try object.integer("max_retry_count", in: 0...5, default: 3)
        retryBackoffSeconds = try object.integer("retry_backoff", in: 1...10, default: 10)

        let sasl = try object.optionalObject("sasl_config")
        let securityProtocol: SecurityProtocol = try sasl?.choice("security_protocol", default: .plaintext) ?? .plaintext
        let _: Mechanism = try sasl?.choice("sasl_mechanisms", default: .plain) ?? .plain
        userName = try sasl?.string("sasl_username", maxLength: 255, default: "") ?? ""
        password = Secret(try sasl?.string("sasl_password", maxLength: 255, default: "") ?? "")
        caCertificates = try sasl?.string("ssl_ca_content", maxLength: 32_768, default: "") ?? ""
        if let sasl, securityProtocol != .plaintext {
            guard !userName.isEmpty else { throw sasl.error("sasl_username", "is required with SASL") }
            if securityProtocol == .saslSSL {
                guard caCertificates.contains("-----BEGIN CERTIFICATE-----") else {
                    throw sasl.error("ssl_ca_content", "must be a PEM certificate with SASL_SSL")
                }
            }
        }
        self.securityProtocol = securityProtocol

        let meta = try object.optionalObject("meta_config")
        let system = try meta?.optionalObject("system")
        var fields: Set<String> = []
        for (name, isOn) in Self.systemFields.sorted(by: { $0.key < $1.key }) where try system?.bool(name, default: isOn) ?? isOn {
            fields.insert(name)
        }
        self.fields = fields
        callData = try Self.callData(try meta?.optionalObject("call_data"))
    }

    private static func callData(_ object: ContentObject?) throws(PluginContentError) -> CallData {
        var result = CallData()
        guard let object else { return result }
        result.requestHeaders = try filter(object, "log_request_header", "request_header_filter")
        result.queries = try filter(object, "log_request_query_string", "request_query_string_filter")
        result.requestBody = try object.bool("log_request_body", default: false)
        result.responseHeaders = try filter(object, "log_response_header", "response_header_filter")
        result.responseBody = try object.bool("log_response_body", default: false)
        if let authorizer = try object.optionalObject("custom_authorizer") {
            result.frontendAuthorizer = try authorizer.strings("frontend", maxCount: 50, maxLength: 32)
            result.backendAuthorizer = try authorizer.strings("backend", maxCount: 50, maxLength: 32)
        }
        return result
    }

    /// nil when the part is not logged. An empty filter logs all of it.
    private static func filter(_ object: ContentObject, _ toggle: String, _ filter: String) throws(PluginContentError) -> [String]? {
        let text = try object.string(filter, maxLength: 4096, default: "")
        guard text.isEmpty || ContentForm.commaList(text) != nil else { throw object.error(filter, "must be a comma list") }
        guard try object.bool(toggle, default: false) else { return nil }
        return ContentForm.commaList(text.isEmpty ? "*" : text)
    }
}
