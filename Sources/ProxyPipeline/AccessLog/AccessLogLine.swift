import GatewayPrimitives
import Snapshot

/// What is known of a request at its end, for one line of the access log.
public struct AccessRecord {
    /// Where the last attempt went, and how it went there.
    public struct Upstream {
        public var host: String
        public var port: Int
        public var usesTLS: Bool
        /// Path and query as they were sent.
        public var target: [UInt8]
        /// 0: no head of an answer came.
        public var status: Int
        /// Nanoseconds; nil: it did not come so far.
        public var connected: UInt64?
        public var answered: UInt64?
        public var ended: UInt64
        /// From the first attempt on.
        public var all: UInt64

        public init(
            host: String, port: Int, usesTLS: Bool, target: [UInt8], status: Int, connected: UInt64?, answered: UInt64?,
            ended: UInt64, all: UInt64
        ) {
            self.host = host
            self.port = port
            self.usesTLS = usesTLS
            self.target = target
            self.status = status
            self.connected = connected
            self.answered = answered
            self.ended = ended
            self.all = all
        }
    }

    public var peer: [UInt8]
    public var requestID: RequestID
    /// nil: what was received is no request.
    public var head: RequestHead?
    public var route: Route?
    /// Of the group, where a request ended before it had a route.
    public var groupID: String
    public var caller: CallerIdentity?
    public var instance: InstanceContext?
    public var usesTLS: Bool
    /// Of the answer; 0: the client left before there was one.
    public var status: Int
    public var failure: GatewayFailure?
    /// The answer is the backend's.
    public var isRemote: Bool
    public var bytesSent, requestBytes, bodyBytes: Int
    /// Nanoseconds from the head to the end.
    public var duration: UInt64
    public var upstream: Upstream?

    public init(peer: [UInt8], requestID: RequestID, usesTLS: Bool) {
        self.peer = peer
        self.requestID = requestID
        self.usesTLS = usesTLS
        groupID = ""
        status = 0
        isRemote = false
        bytesSent = 0
        requestBytes = 0
        bodyBytes = 0
        duration = 0
    }
}

/// Writes lines of the access log: the 54 fields of gateway-runtime.md, 14.1, in its order and under its names. Confined to one event
/// loop.
public final class AccessLogWriter {
    private let region: String
    private var second = Int64.min
    private let time = ByteScratch(capacity: 64)

    public init(region: String) { self.region = region }

    /// - Parameter nowMilliseconds: since 1970.
    public func write(_ record: AccessRecord, nowMilliseconds: Int64, to out: ByteScratch) {
        let head = record.head
        let route = record.route
        let identity = route?.identity
        var line = JSONLine(out)
        line.text("remote_addr", record.peer)
        line.beginText("request_id")
        out.append(count: RequestID.textCount) { area in
            var writer = ByteWriter(area)
            record.requestID.write(to: &writer)
        }
        line.endText()
        line.text("api_id", identity?.apiID ?? "")
        line.text("user_id", userID(record.caller))
        line.text("app_id", record.caller?.app?.appID ?? "")
        line.text("time_local", localTime(nowMilliseconds / 1000))
        line.seconds("request_time", nanoseconds: record.duration)
        line.text("request_method", head?.methodName)
        line.text("scheme", record.usesTLS ? "https" : "http" as StaticString)
        line.text("host", head?.host)
        line.target("router_uri", head?.target)
        if let head { line.text("server_protocol", head.isHTTP10 ? "HTTP/1.0" : "HTTP/1.1" as StaticString) } else { line.absent("server_protocol") }
        line.number("status", record.status)
        line.number("bytes_sent", record.bytesSent)
        line.number("request_length", record.requestBytes)
        line.text("http_user_agent", head?.value(named: Self.userAgent))
        line.text("http_x_forwarded_for", head?.value(.xForwardedFor))
        upstream(record.upstream, &line)
        // Without a backend all of it is the gateway's own time.
        line.text("region_id", region)
        if let upstream = record.upstream { line.seconds("all_upstream_response_time", nanoseconds: upstream.all) } else { line.absent("all_upstream_response_time") }
        line.number("errorType", record.failure == .throttled ? 1 : 0)
        line.text("auth_type", authentication(route))
        line.absent("access_model1")
        line.absent("access_model2")
        let waited = min(record.duration, record.upstream?.all ?? 0)
        line.seconds("inner_time", nanoseconds: record.duration - waited)
        line.absent("proxy_protocol_vni")
        line.absent("proxy_protocol_vpce_id")
        line.absent("proxy_protocol_addr")
        line.number("body_bytes_sent", record.bodyBytes)
        line.text("api_name", identity?.apiName ?? "")
        line.text("app_name", record.caller?.app?.name ?? "")
        line.absent("provider_app_id")
        line.absent("provider_app_name")
        customFields(record, &line)
        line.text("response_source", record.isRemote ? "remote" : "local" as StaticString)
        line.absent("gzip_ratio")
        if let upstream = record.upstream {
            line.text("upstream_scheme", upstream.usesTLS ? "https" : "http" as StaticString)
        } else {
            line.absent("upstream_scheme")
        }
        line.text("group_id", identity?.groupID ?? record.groupID)
        if let failure = record.failure {
            line.beginText("apig_err_code")
            out.append("APIC.")
            out.append(failure.answer.code)
            line.endText()
        } else {
            line.absent("apig_err_code")
        }
        line.absent("function_urn")
        line.end()
    }

    private static let userAgent = Array("user-agent".utf8)

    private func upstream(_ upstream: AccessRecord.Upstream?, _ line: inout JSONLine) {
        guard let upstream else {
            line.absent("upstream_addr")
            line.absent("upstream_uri")
            line.absent("upstream_status")
            line.absent("upstream_connect_time")
            line.absent("upstream_header_time")
            line.absent("upstream_response_time")
            return
        }
        line.beginText("upstream_addr")
        line.out.append(upstream.host)
        line.out.append(UInt8(ascii: ":"))
        line.decimal(upstream.port)
        line.endText()
        upstream.target.withUnsafeBytes { line.target("upstream_uri", ByteView($0)) }
        if upstream.status > 0 { line.number("upstream_status", upstream.status) } else { line.absent("upstream_status") }
        time("upstream_connect_time", upstream.connected, &line)
        time("upstream_header_time", upstream.answered, &line)
        line.seconds("upstream_response_time", nanoseconds: upstream.ended)
    }

    private func time(_ name: StaticString, _ value: UInt64?, _ line: inout JSONLine) {
        if let value { line.seconds(name, nanoseconds: value) } else { line.absent(name) }
    }

    private func userID(_ caller: CallerIdentity?) -> String {
        if case .iam(let identity)? = caller { identity.projectID ?? identity.userID } else { "" }
    }

    private func authentication(_ route: Route?) -> StaticString {
        guard let route else { return "" }
        return switch route.policies.callers?.kind {
        case .app?: "APP"
        case .iam?: "IAM"
        case nil: route.policies.authorizer == nil ? "NONE" : "AUTHORIZER"
        }
    }

    /// `21/Nov/2026:18:30:23 +0000`, made once a second.
    private func localTime(_ seconds: Int64) -> ByteView {
        if seconds != second {
            second = seconds
            BasicDate(seconds: seconds).writeLogTime(to: time)
        }
        return ByteView(time.bytes)
    }

    // MARK: custom_data_log1 ... custom_data_log10

    private static let customNames: [StaticString] = [
        "custom_data_log1", "custom_data_log2", "custom_data_log3", "custom_data_log4", "custom_data_log5", "custom_data_log6",
        "custom_data_log7", "custom_data_log8", "custom_data_log9", "custom_data_log10",
    ]

    private func customFields(_ record: AccessRecord, _ line: inout JSONLine) {
        let fields = record.instance?.settings.logFields ?? []
        // 2 KB in all (gateway-runtime.md, 13).
        var left = 2048
        for (index, name) in Self.customNames.enumerated() {
            guard index < fields.count, let head = record.head, left > 0 else {
                line.absent(name)
                continue
            }
            let field = fields[index]
            let isSecret = field.name.withUnsafeBytes { SecretNames.contain(ByteView($0)) }
                || field.place == .header && field.name == record.instance?.settings.carriers.authHeader
            var isShown = false
            field.withValue(in: head) { value in
                guard !value.isEmpty else { return }
                isShown = true
                line.beginText(name)
                if isSecret {
                    line.append(ByteView("***"))
                } else {
                    let cut = value.slice(0, min(left, value.count))
                    left -= cut.count
                    line.append(cut, plusIsBlank: true)
                }
                line.endText()
            }
            if !isShown { line.absent(name) }
        }
    }
}

extension LogField {
    /// The value that the client sent, as it sent it; nothing happens without one.
    fileprivate func withValue(in head: RequestHead, _ body: (ByteView) -> Void) {
        switch place {
        case .header: if let value = head.value(named: name) { body(value) }
        case .query:
            guard let query = head.query else { return }
            QueryParameters(query).forEach { rawName, value in
                guard rawName.equals(name) || PercentEncoding.decode(rawName.array, plusIsBlank: true) == name else { return true }
                body(value)
                return false
            }
        case .cookie:
            guard let cookies = head.value(.cookie) else { return }
            var from = 0
            while from < cookies.count {
                let to = cookies.firstIndex(of: UInt8(ascii: ";"), from: from) ?? cookies.count
                let pair = cookies.slice(from, to).trimmed()
                from = to + 1
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair.slice(0, equals).equals(name) else { continue }
                return body(pair.dropFirst(equals + 1))
            }
        }
    }
}
