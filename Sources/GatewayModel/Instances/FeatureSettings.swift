import GatewayPrimitives

/// What a configured feature says, read from its `config` text.
public enum FeatureSetting: Sendable, Equatable {
    /// Bytes of the largest request body, 1...9536 MiB.
    case requestBodySize(bytes: Int)
    /// Upper bound of backend timeouts, 1...600 000 ms.
    case backendTimeout(milliseconds: Int)
    /// Path below which public keys are served; begins and ends with a slash.
    case publicKey(enabled: Bool, uriPrefix: String)
    /// Element of `X-Forwarded-For`: 0 from the left, -1 the last; 32 bits.
    case realIPFromXFF(enabled: Bool, index: Int)
    /// Header that holds the client's address; empty only while off.
    case realIPHeaderGetter(enabled: Bool, header: String)
    /// Headers to use in place of `Authorization`; empty: `Authorization` itself.
    case customAuthHeader(appAuthHeader: String, backendSignHeader: String)
    case apiURINoEscape(Bool)
    /// Conditions of backend policies may look at cookies.
    case policyCookieParam(Bool)
    case vpcNameModifiable(Bool)
    /// Calls of an API in a second where no policy limits them, 1...1 000 000.
    case rateLimit(calls: Int)
    /// By which means applications may say who they are (gateway-runtime.md, section 2).
    case appBasic(Bool)
    case appSecret(Bool)
    case appAPIKey(Bool)
    case appJWT(enabled: Bool, header: String)
    case appToken(enabled: Bool, AppToken)
    /// Applications find their APIs at the gateway's address.
    case appRoute(Bool)
    /// Further addresses at which the group DEFAULT answers; ten at most, in the form of ``IPAddress``.
    case defaultGroupHostTrustlist(enabled: Bool, hosts: [String])
    /// Patterns of account names whose IAM token reaches the backend; ten at most.
    case backendTokenAllow([String])
    /// Cipher suites of TLS 1.2 at the domains of the instance, at least one; those of TLS 1.3 are always there.
    case sslCiphers([CipherSuite])
    /// For how long a secret that is reset goes on working; one of ``SecretRotationRules/overlaps``.
    case secretResetOverlap(seconds: Int)
    case backendClientCertificate(BackendCertificate)

    /// What of a request the access log shows besides its own fields; ten at most.
    case customLog([CustomLogField])

    public struct CustomLogField: Sendable, Equatable {
        public enum Location: String, Sendable, CaseIterable { case header, query, cookie }
        public let location: Location
        /// 1...64 characters without blanks and control characters.
        public let name: String
    }

    /// What the gateway shows to backends, and whose certificates it takes from them; PEM texts that may be empty.
    public struct BackendCertificate: Sendable, Equatable {
        public let isEnabled: Bool
        public let authorities: String
        /// The own certificate first. There with the key, and with it alone.
        public let chain: String
        public let key: Secret
    }
    /// Answers are compressed for callers that take it; level 1 (fast) to 9 (small).
    case gzip(enabled: Bool, level: Int)
    /// HTTP/2 is offered to clients; longest pause inside a request's body in seconds, 1...3600.
    case requestCustomConfig(http2: Bool, bodyTimeoutSeconds: Int)
    /// Streams of events may be silent for as long as tunnels.
    case sseStrategy(Bool)
    /// Custom authorizers may give numbers and booleans.
    case authorizerContextNumbers(Bool)

    /// Whether the config itself leaves the feature on.
    public var isOn: Bool {
        switch self {
        case .requestBodySize, .backendTimeout, .customAuthHeader, .rateLimit, .sslCiphers, .secretResetOverlap, .requestCustomConfig: true
        case .gzip(let enabled, _), .sseStrategy(let enabled): enabled
        case .publicKey(let enabled, _), .realIPFromXFF(let enabled, _), .realIPHeaderGetter(let enabled, _): enabled
        case .apiURINoEscape(let enabled), .policyCookieParam(let enabled), .vpcNameModifiable(let enabled), .appBasic(let enabled),
            .appSecret(let enabled), .appAPIKey(let enabled), .appJWT(let enabled, _), .authorizerContextNumbers(let enabled), .appToken(let enabled, _),
            .appRoute(let enabled), .defaultGroupHostTrustlist(let enabled, _):
            enabled
        case .backendTokenAllow, .customLog: true
        case .backendClientCertificate(let certificate): certificate.isEnabled
        }
    }

    /// - Returns: nil when the text has not the form of the feature; unknown members count as wrong, so that a misspelt one
    ///   is not silently without effect.
    public init?(_ feature: ConfigurableFeature, config: String) {
        switch feature {
        case .requestBodySize:
            guard let bytes = Self.decimal(config), Self.bodyBytes.contains(bytes) else { return nil }
            self = .requestBodySize(bytes: bytes)
        case .apiURINoEscape:
            guard let enabled = Self.flag(config) else { return nil }
            self = .apiURINoEscape(enabled)
        case .policyCookieParam:
            guard let enabled = Self.flag(config) else { return nil }
            self = .policyCookieParam(enabled)
        case .vpcNameModifiable:
            guard let enabled = Self.flag(config) else { return nil }
            self = .vpcNameModifiable(enabled)
        case .authorizerContextNumbers:
            guard let enabled = Self.flag(config) else { return nil }
            self = .authorizerContextNumbers(enabled)
        case .backendTimeout:
            guard let members = Members(config, ["max_timeout"]), case .number(let number) = members["max_timeout"],
                let limit = number.integer, (1...600_000).contains(limit)
            else { return nil }
            self = .backendTimeout(milliseconds: limit)
        case .appBasic, .appSecret, .appAPIKey:
            guard let enabled = Self.flag(config) else { return nil }
            self = feature == .appBasic ? .appBasic(enabled) : feature == .appSecret ? .appSecret(enabled) : .appAPIKey(enabled)
        case .appJWT:
            guard let members = Members(config, ["enable", "auth_header"]), let enabled = members.enabled,
                let header = members.text("auth_header", default: "Authorization"), Self.isHeaderName(header)
            else { return nil }
            self = .appJWT(enabled: enabled, header: header)
        case .appRoute:
            guard let enabled = Self.flag(config) else { return nil }
            self = .appRoute(enabled)
        case .defaultGroupHostTrustlist:
            guard let members = Members(config, ["enable", "hosts"]), let enabled = members.enabled else { return nil }
            let texts = members["hosts"] == nil ? [] : members.texts("hosts")
            guard let texts, texts.count <= 10 else { return nil }
            var hosts: [String] = []
            for text in texts {
                guard let address = IPAddress(text) else { return nil }
                let host = text.contains(":") ? "[\(address)]" : "\(address)"
                guard !hosts.contains(host) else { return nil }
                hosts.append(host)
            }
            self = .defaultGroupHostTrustlist(enabled: enabled, hosts: hosts)
        case .appToken:
            guard let members = Members(config, AppToken.names), let enabled = members.enabled,
                let token = AppToken(number: { members.whole($0, default: $1) }, text: { members.text($0, default: $1) })
            else { return nil }
            self = .appToken(enabled: enabled, token)
        case .backendTokenAllow:
            guard let members = Members(config, ["backend_token_allow_users"]),
                let patterns = members.texts("backend_token_allow_users"), patterns.count <= 10,
                patterns.allSatisfy({ (try? PatternMatcher($0)) != nil })
            else { return nil }
            self = .backendTokenAllow(patterns)
        case .rateLimit:
            guard let members = Members(config, ["api_limits"]), case .number(let number) = members["api_limits"],
                let calls = number.integer, (1...1_000_000).contains(calls)
            else { return nil }
            self = .rateLimit(calls: calls)
        case .secretResetOverlap:
            guard let members = Members(config, ["overlap_seconds"]), let seconds = members.whole("overlap_seconds", default: 0),
                SecretRotationRules.overlaps.contains(seconds)
            else { return nil }
            self = .secretResetOverlap(seconds: seconds)
        case .sslCiphers:
            guard let members = Members(config, ["ssl_ciphers"]), case .array(let names) = members["ssl_ciphers"], !names.isEmpty
            else { return nil }
            var suites: [CipherSuite] = []
            for case .string(let name) in names {
                guard let suite = CipherSuite(rawValue: name), !suites.contains(suite) else { return nil }
                suites.append(suite)
            }
            guard suites.count == names.count else { return nil }
            self = .sslCiphers(suites)
        case .customLog:
            guard let members = Members(config, ["custom_logs"]), case .array(let entries)? = members["custom_logs"],
                entries.count <= 10
            else { return nil }
            let fields = entries.compactMap(CustomLogField.init)
            guard fields.count == entries.count else { return nil }
            self = .customLog(fields)
        case .backendClientCertificate:
            guard let members = Members(config, ["enable", "ca", "content", "key"], length: Self.certificateConfigBytes),
                let enabled = members.enabled, let authorities = members.text("ca", default: ""),
                let chain = members.text("content", default: ""), let key = members.text("key", default: ""),
                chain.isEmpty == key.isEmpty
            else { return nil }
            self = .backendClientCertificate(
                BackendCertificate(isEnabled: enabled, authorities: authorities, chain: chain, key: Secret(key)))
        case .gzip:
            guard let members = Members(config, ["enable", "comp_level"]), let enabled = members.enabled else { return nil }
            switch members["comp_level"] {
            case nil: self = .gzip(enabled: enabled, level: 6)
            case .number(let number):
                guard let level = number.integer, (1...9).contains(level) else { return nil }
                self = .gzip(enabled: enabled, level: level)
            default: return nil
            }
        case .requestCustomConfig:
            guard let members = Members(config, ["http2_enable", "request_body_timeout"]),
                let http2 = members.text("http2_enable", default: "on").flatMap(Self.flag)
            else { return nil }
            switch members["request_body_timeout"] {
            case nil: self = .requestCustomConfig(http2: http2, bodyTimeoutSeconds: 8)
            case .number(let number):
                guard let seconds = number.integer, (1...3600).contains(seconds) else { return nil }
                self = .requestCustomConfig(http2: http2, bodyTimeoutSeconds: seconds)
            default: return nil
            }
        case .sseStrategy:
            guard let enabled = Self.flag(config) else { return nil }
            self = .sseStrategy(enabled)
        case .publicKey:
            guard let members = Members(config, ["enable", "public_key_uri_prefix"]), let enabled = members.enabled,
                let prefix = members.text("public_key_uri_prefix", default: Self.publicKeyPrefix), Self.isPrefix(prefix)
            else { return nil }
            self = .publicKey(enabled: enabled, uriPrefix: prefix)
        case .realIPFromXFF:
            guard let members = Members(config, ["enable", "xff_index"]), let enabled = members.enabled else { return nil }
            switch members["xff_index"] {
            case nil: self = .realIPFromXFF(enabled: enabled, index: -1)
            case .number(let number):
                guard let index = number.integer, Int32(exactly: index) != nil else { return nil }
                self = .realIPFromXFF(enabled: enabled, index: index)
            default: return nil
            }
        case .realIPHeaderGetter:
            guard let members = Members(config, ["enable", "header_getter"]), let enabled = members.enabled,
                let getter = members.text("header_getter", default: "")
            else { return nil }
            if getter.isEmpty {
                guard !enabled else { return nil }
                self = .realIPHeaderGetter(enabled: false, header: "")
            } else {
                guard getter.hasPrefix("header:") else { return nil }
                let header = String(getter.dropFirst("header:".count))
                guard Self.isHeaderName(header) else { return nil }
                self = .realIPHeaderGetter(enabled: enabled, header: header)
            }
        case .customAuthHeader:
            guard let members = Members(config, ["app_auth_header", "backend_sign_header"]),
                let app = members.text("app_auth_header", default: ""), app.isEmpty || Self.isHeaderName(app),
                let backend = members.text("backend_sign_header", default: ""),
                backend.isEmpty || Self.isHeaderName(backend) && !Self.reserved.contains(backend.lowercased())
            else { return nil }
            self = .customAuthHeader(appAuthHeader: app, backendSignHeader: backend)
        }
    }

    public static let publicKeyPrefix = "/apigw/authadv/v2/public-key/"
    /// Longest `config` that holds certificates.
    public static let certificateConfigBytes = 131_072
    private static let bodyBytes = 1_048_576...(9536 * 1_048_576)

    /// Headers that the gateway itself writes to backends or that frame the message: a signature cannot be carried there.
    private static let reserved: Set<String> = [
        "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
        "upgrade", "expect", "x-sdk-date", "x-sdk-content-sha256", "x-request-id", "x-forwarded-for", "proxy-connection",
    ]

    private static func decimal(_ text: String) -> Int? {
        guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func flag(_ text: String) -> Bool? { text == "on" ? true : text == "off" ? false : nil }

    /// RFC 9110, 5.6.2, at most 64 characters.
    private static func isHeaderName(_ text: String) -> Bool {
        let marks = Set("!#$%&'*+-.^_`|~".utf8)
        return (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || marks.contains($0)
            }
    }

    private static func isPrefix(_ text: String) -> Bool {
        let marks = Set("/-._~".utf8)
        return (3...128).contains(text.utf8.count) && text.hasPrefix("/") && text.hasSuffix("/") && !text.contains("//")
            && !text.split(separator: "/").contains { $0 == "." || $0 == ".." }
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || marks.contains($0)
            }
    }

    fileprivate static func isLogName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    fileprivate static func isHeader(_ text: String) -> Bool { isHeaderName(text) }

    /// A JSON object with no members but the named ones.
    private struct Members {
        private let object: JSONValue

        init?(_ text: String, _ names: Set<String>, length: Int = 4096) {
            let limits = JSONValue.Limits(length: length, depth: 4, values: 64)
            guard let value = try? JSONValue(parsing: text, limits: limits), case .object(let members) = value,
                members.allSatisfy({ names.contains($0.name) })
            else { return nil }
            object = value
        }

        subscript(name: String) -> JSONValue? { object[name] }

        /// `enable`: on unless it says off; nil for anything else.
        var enabled: Bool? {
            switch object["enable"] {
            case nil: true
            case .string(let word): FeatureSetting.flag(word)
            case .bool(let flag): flag
            default: nil
            }
        }

        func texts(_ name: String) -> [String]? {
            guard case .array(let values) = object[name] else { return nil }
            var texts: [String] = []
            for value in values {
                guard case .string(let text) = value, (1...256).contains(text.utf8.count) else { return nil }
                texts.append(text)
            }
            return texts
        }

        /// nil for what is no whole number.
        func whole(_ name: String, default standard: Int) -> Int? {
            switch object[name] {
            case nil: standard
            case .number(let number): number.integer
            default: nil
            }
        }

        func text(_ name: String, default standard: String) -> String? {
            switch object[name] {
            case nil: standard
            case .string(let text): text
            default: nil
            }
        }
    }
}

extension FeatureSetting.CustomLogField {
    /// - Returns: nil when it has not the form `{"location": ..., "name": ...}`.
    fileprivate init?(_ value: JSONValue) {
        guard case .object(let members) = value, members.count == 2, case .string(let place)? = value["location"],
            let location = Location(rawValue: place), case .string(let name)? = value["name"],
            location == .header ? FeatureSetting.isHeader(name) : FeatureSetting.isLogName(name)
        else { return nil }
        self.init(location: location, name: name)
    }
}
