/// A feature that instances of this gateway have or could have (management-api.md, 3.2; gateway-runtime.md, 13).
public struct FeatureDescription: Sendable, Equatable {
    /// What a caller may do with it.
    public enum Kind: Sendable, Equatable {
        /// Can be configured and changes what the gateway does.
        case configurable(ConfigurableFeature)
        /// A capability that is there; cannot be configured.
        case builtIn
        /// Known by name, not carried out by this gateway: shown as switched off, and switching it on is refused.
        case unsupported
    }

    /// Wire name.
    public let name: String
    public let kind: Kind
    /// `config` while nobody has configured it.
    public let defaultConfig: String
    /// `enable` while nobody has configured it.
    public let enabledByDefault: Bool
}

/// The features that this gateway carries out as configured.
public enum ConfigurableFeature: String, Sendable, CaseIterable {
    case requestBodySize = "request_body_size"
    case backendTimeout = "backend_timeout"
    case publicKey = "public_key"
    case realIPFromXFF = "real_ip_from_xff"
    case realIPHeaderGetter = "real_ip_header_getter"
    case customAuthHeader = "custom_auth_header"
    case apiURINoEscape = "api_uri_no_escape"
    case vpcNameModifiable = "vpc_name_modifiable"
    case rateLimit = "ratelimit"
    case appBasic = "app_basic"
    case appSecret = "app_secret"
    case appAPIKey = "app_api_key"
    case appJWT = "app_jwt"
    case appToken = "app_token"
    case appRoute = "app_route"
    case defaultGroupHostTrustlist = "default_group_host_trustlist"
    case backendTokenAllow = "backend_token_allow"
    case sslCiphers = "ssl_ciphers"
    /// Of this gateway alone: see docs/applications.md.
    case secretResetOverlap = "secret_reset_overlap"
    case backendClientCertificate = "backend_client_certificate"
    case customLog = "custom_log"
    case gzip = "gzip"
    case requestCustomConfig = "request_custom_config"
    case sseStrategy = "sse_strategy"
    case authorizerContextNumbers = "authorizer_context_support_num_bool"
    case policyCookieParam = "policy_cookie_param"

    public var defaultConfig: String {
        switch self {
        case .requestBodySize: "12582912"
        case .backendTimeout: #"{"max_timeout":60000}"#
        case .publicKey: #"{"enable":"off","public_key_uri_prefix":"/apigw/authadv/v2/public-key/"}"#
        case .realIPFromXFF: #"{"enable":"off","xff_index":-1}"#
        case .realIPHeaderGetter: #"{"enable":"off","header_getter":""}"#
        case .customAuthHeader: #"{"app_auth_header":"","backend_sign_header":""}"#
        case .apiURINoEscape, .policyCookieParam, .authorizerContextNumbers: "off"
        case .sseStrategy: "off"
        case .gzip: #"{"enable":"off","comp_level":6}"#
        case .requestCustomConfig: #"{"http2_enable":"on","request_body_timeout":8}"#
        case .vpcNameModifiable: "on"
        case .rateLimit: #"{"api_limits":200}"#
        case .appBasic, .appSecret, .appAPIKey, .appRoute: "off"
        case .appJWT: #"{"enable":"off","auth_header":"Authorization"}"#
        case .appToken: FeatureSetting.AppToken.config("off")
        case .defaultGroupHostTrustlist: #"{"enable":"off","hosts":[]}"#
        case .backendTokenAllow: #"{"backend_token_allow_users":[]}"#
        case .secretResetOverlap: #"{"overlap_seconds":0}"#
        case .backendClientCertificate: #"{"enable":"off","ca":"","content":"","key":""}"#
        case .customLog: #"{"custom_logs":[]}"#
        case .sslCiphers:
            #"{"ssl_ciphers":["# + CipherSuite.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ",") + "]}"
        }
    }

    /// `config` of a call that only says `enable: true`.
    public var enabledConfig: String {
        switch self {
        case .requestBodySize, .backendTimeout, .customAuthHeader, .rateLimit, .backendTokenAllow, .sslCiphers, .secretResetOverlap,
            .customLog, .requestCustomConfig:
            defaultConfig
        case .appBasic, .appSecret, .appAPIKey, .appRoute: "on"
        case .appJWT: #"{"enable":"on","auth_header":"Authorization"}"#
        case .appToken: FeatureSetting.AppToken.config("on")
        case .defaultGroupHostTrustlist: #"{"enable":"on","hosts":[]}"#
        case .publicKey: #"{"enable":"on","public_key_uri_prefix":"/apigw/authadv/v2/public-key/"}"#
        case .realIPFromXFF: #"{"enable":"on","xff_index":-1}"#
        // There is no header that it could read by default.
        case .realIPHeaderGetter: defaultConfig
        case .apiURINoEscape, .policyCookieParam, .vpcNameModifiable, .authorizerContextNumbers: "on"
        case .backendClientCertificate: #"{"enable":"on","ca":"","content":"","key":""}"#
        case .sseStrategy: "on"
        case .gzip: #"{"enable":"on","comp_level":6}"#
        }
    }

    /// Limits are always in force, and channels may be renamed; the others are off until somebody switches them on.
    public var enabledByDefault: Bool { 
        switch self {
        case .requestBodySize, .backendTimeout, .vpcNameModifiable, .requestCustomConfig: true
        default: false
        }
    }
}

/// The one list of all features.
public enum FeatureCatalogue {
    /// Names that the contract's schema FeatureInfoV2 lists come first, so that a page of default length holds no other.
    public static let all: [FeatureDescription] = contractNames + furtherNames

    public static func named(_ name: String) -> FeatureDescription? { byName[name] }

    /// What `supported_features` of an instance says: what is there or can be configured.
    public static let supportedNames: [String] = all.filter { $0.kind != .unsupported }.map(\.name)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let contractNames: [FeatureDescription] = [
        unsupported("lts", #"{"group_id":"","topic_id":"","log_group":"","log_stream":""}"#),
        builtIn("gateway_responses"),
        configurable(.rateLimit),
        configurable(.requestBodySize),
        configurable(.backendTimeout),
        configurable(.appToken),
        configurable(.appAPIKey),
        configurable(.appBasic),
        configurable(.appSecret),
        configurable(.appJWT),
        configurable(.publicKey),
        configurable(.backendTokenAllow),
        builtIn("sign_basic"),
        unsupported("multi_auth"),
        configurable(.backendClientCertificate),
        configurable(.sslCiphers),
        builtIn("app_config"),
        unsupported("green_tunnel"),
        configurable(.appRoute),
        unsupported("default_group_hide"),
        unsupported("cascade", #"{"cascade_auth_key":"","cascade_instance_ids":""}"#),
        unsupported("sandbox"),
        unsupported("livedata_config", #"{"max_cpu_time":60000,"max_memory":268435456,"livedata_env":"online"}"#),
        unsupported("apiclient_first_use_x_hw_id"),
        builtIn("cors"),
        unsupported("api_task"),
        builtIn("app_quota"),
        builtIn("app_acl"),
        builtIn("vpc_backup"),
        unsupported("throttle_strategy", #"{"enable":"off","strategy":"local"}"#),
        unsupported("kafka_log_plugin_options"),
        configurable(.gzip),
        unsupported("js_invocable_cache_size"),
    ]

    private static let furtherNames: [FeatureDescription] = [
        configurable(.realIPFromXFF),
        configurable(.realIPHeaderGetter),
        configurable(.customAuthHeader),
        configurable(.apiURINoEscape),
        configurable(.secretResetOverlap),
        builtIn("sign_aes"),
        builtIn("route"),
        builtIn("set_resp_headers"),
        builtIn("backend_retry_count"),
        builtIn("breaker"),
        builtIn("breakerv2"),
        builtIn("rate_limit_plugin"),
        builtIn("rate_limit_algorithm"),
        builtIn("content_type_configurable"),
        builtIn("kafka_log"),
        builtIn("policy_sys_param"),
        configurable(.policyCookieParam),
        configurable(.defaultGroupHostTrustlist),
        configurable(.vpcNameModifiable),
        unsupported("vpc_health_status"),
        configurable(.customLog),
        configurable(.sseStrategy),
        configurable(.requestCustomConfig),
        configurable(.authorizerContextNumbers),
    ]

    private static func configurable(_ feature: ConfigurableFeature) -> FeatureDescription {
        FeatureDescription(
            name: feature.rawValue, kind: .configurable(feature), defaultConfig: feature.defaultConfig,
            enabledByDefault: feature.enabledByDefault)
    }

    private static func builtIn(_ name: String) -> FeatureDescription {
        FeatureDescription(name: name, kind: .builtIn, defaultConfig: "on", enabledByDefault: true)
    }

    private static func unsupported(_ name: String, _ config: String = "off") -> FeatureDescription {
        FeatureDescription(name: name, kind: .unsupported, defaultConfig: config, enabledByDefault: false)
    }
}
