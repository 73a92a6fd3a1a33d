/// What logs can say of a request: the fields of the access log (gateway-runtime.md, 14.1) and the `system` keys of kafka_log
/// (8.3), which mostly are the same under other names.
public enum RecordField: UInt8, CaseIterable, Sendable {
    case remoteAddress, requestID, apiID, userID, appID, localTime, requestTime, method, scheme, host, target, serverProtocol, status
    case bytesSent, requestLength, userAgent, forwardedFor, upstreamAddress, upstreamTarget, upstreamStatus, upstreamConnectTime
    case upstreamHeaderTime, upstreamTime, region, allUpstreamTime, errorType, authentication, accessModel1, accessModel2, innerTime
    case proxyVNI, proxyEndpointID, proxyAddress, bodyBytes, apiName, appName, providerAppID, providerAppName
    case custom1, custom2, custom3, custom4, custom5, custom6, custom7, custom8, custom9, custom10
    case responseSource, gzipRatio, upstreamScheme, groupID, errorCode, functionURN
    // kafka_log alone.
    case startTime, clientAddress, userName, matchMode
    // Of lines about calls of gRPC, behind `status`.
    case callStatus

    /// Those of an access log line, in its order.
    public static let accessLog = Array(allCases.prefix(54))

    /// Keys of kafka_log's `meta_config.system`, in the order of records.
    public static let kafkaLog: [(name: StaticString, field: RecordField)] = [
        ("start_time", .startTime), ("request_id", .requestID), ("client_ip", .clientAddress), ("api_id", .apiID),
        ("user_name", .userName), ("app_id", .appID), ("access_model1", .accessModel1), ("request_time", .requestTime),
        ("http_status", .status), ("server_protocol", .serverProtocol), ("scheme", .scheme), ("request_method", .method),
        ("host", .host), ("api_uri_mode", .matchMode), ("uri", .target), ("request_size", .requestLength),
        ("response_size", .bytesSent), ("upstream_uri", .upstreamTarget), ("upstream_addr", .upstreamAddress),
        ("upstream_status", .upstreamStatus), ("upstream_connect_time", .upstreamConnectTime),
        ("upstream_header_time", .upstreamHeaderTime), ("upstream_response_time", .upstreamTime),
        ("all_upstream_response_time", .allUpstreamTime), ("region_id", .region), ("auth_type", .authentication),
        ("http_x_forwarded_for", .forwardedFor), ("http_user_agent", .userAgent), ("error_type", .errorType),
        ("access_model2", .accessModel2), ("inner_time", .innerTime), ("proxy_protocol_vni", .proxyVNI),
        ("proxy_protocol_vpce_id", .proxyEndpointID), ("proxy_protocol_addr", .proxyAddress), ("body_bytes_sent", .bodyBytes),
        ("api_name", .apiName), ("app_name", .appName), ("provider_app_id", .providerAppID),
        ("provider_app_name", .providerAppName), ("custom_data_log01", .custom1), ("custom_data_log02", .custom2),
        ("custom_data_log03", .custom3), ("custom_data_log04", .custom4), ("custom_data_log05", .custom5),
        ("custom_data_log06", .custom6), ("custom_data_log07", .custom7), ("custom_data_log08", .custom8),
        ("custom_data_log09", .custom9), ("custom_data_log10", .custom10), ("response_source", .responseSource),
    ]

    /// Place among what the instance shows besides, for `custom1` to `custom10`.
    public var customIndex: Int { Int(rawValue) - Int(RecordField.custom1.rawValue) }
}
