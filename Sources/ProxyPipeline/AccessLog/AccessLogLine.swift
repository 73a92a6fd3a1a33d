import GatewayPrimitives
import Snapshot

/// Writes lines of the access log: the 54 fields of gateway-runtime.md, 14.1, in its order and under its names, and for calls of gRPC
/// one more beside `status`. Confined to one event loop.
public final class AccessLogWriter {
    private let members: RecordMembers

    public init(region: String) { members = RecordMembers(region: region) }

    /// - Parameter nowMilliseconds: since 1970.
    public func write(_ record: AccessRecord, nowMilliseconds: Int64, to out: ByteScratch) {
        out.append(UInt8(ascii: "{"))
        members.write(record, nowMilliseconds: nowMilliseconds, id: 0, to: out) { Self.members(ofCalls: $0.isCall) }
        out.append("}\n")
    }

    static func members(ofCalls isCall: Bool) -> [RecordMember] {
        var members: [RecordMember] = zip(names, RecordField.accessLog).map { (name: $0, field: $1) }
        if isCall, let status = members.firstIndex(where: { $0.field == .status }) {
            members.insert((name: "grpc_status", field: .callStatus), at: status + 1)
        }
        return members
    }

    private static let names: [StaticString] = [
        "remote_addr", "request_id", "api_id", "user_id", "app_id", "time_local", "request_time", "request_method", "scheme", "host",
        "router_uri", "server_protocol", "status", "bytes_sent", "request_length", "http_user_agent", "http_x_forwarded_for",
        "upstream_addr", "upstream_uri", "upstream_status", "upstream_connect_time", "upstream_header_time", "upstream_response_time",
        "region_id", "all_upstream_response_time", "errorType", "auth_type", "access_model1", "access_model2", "inner_time",
        "proxy_protocol_vni", "proxy_protocol_vpce_id", "proxy_protocol_addr", "body_bytes_sent", "api_name", "app_name",
        "provider_app_id", "provider_app_name", "custom_data_log1", "custom_data_log2", "custom_data_log3", "custom_data_log4",
        "custom_data_log5", "custom_data_log6", "custom_data_log7", "custom_data_log8", "custom_data_log9", "custom_data_log10",
        "response_source", "gzip_ratio", "upstream_scheme", "group_id", "apig_err_code", "function_urn",
    ]
}
