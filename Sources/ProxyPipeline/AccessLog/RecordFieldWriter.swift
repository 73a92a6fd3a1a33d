import GatewayPrimitives
import Snapshot

/// Writes what logs say of a request, field by field: the access log and kafka_log mean the same by the same field. Confined to one
/// event loop.
final class RecordFieldWriter {
    private let region: String
    private var now: Int64 = 0
    private var second = Int64.min
    private let time = ByteScratch(capacity: 64)
    private let address = ByteScratch(capacity: 64)
    /// Bytes that custom fields of this record may still have.
    private var customLeft = 0

    init(region: String) { self.region = region }

    /// - Parameter nowMilliseconds: since 1970, at the end of the request.
    func begin(nowMilliseconds: Int64) {
        now = nowMilliseconds
        // 2 KB in all (gateway-runtime.md, 13).
        customLeft = 2048
    }

    func write(_ field: RecordField, as name: StaticString, _ record: AccessRecord, _ line: inout JSONLine) {
        let head = record.head
        let identity = record.route?.identity
        switch field {
        case .remoteAddress: line.text(name, record.peer)
        case .requestID:
            line.beginText(name)
            line.out.append(count: RequestID.textCount) { area in
                var writer = ByteWriter(area)
                record.requestID.write(to: &writer)
            }
            line.endText()
        case .apiID: line.text(name, identity?.apiID ?? "")
        case .userID: line.text(name, userID(record.caller))
        case .appID: line.text(name, record.caller?.app?.appID ?? "")
        case .localTime: line.text(name, localTime(now / 1000))
        case .requestTime: line.seconds(name, nanoseconds: record.duration)
        case .method: line.text(name, head?.methodName)
        case .scheme: line.text(name, record.usesTLS ? "https" : "http" as StaticString)
        case .host: line.text(name, head?.host)
        case .target: line.target(name, head?.target)
        case .serverProtocol: line.text(name, protocolName(record))
        case .status: line.number(name, record.status)
        case .bytesSent: line.number(name, record.bytesSent)
        case .requestLength: line.number(name, record.requestBytes)
        case .userAgent: line.text(name, head?.value(named: Self.userAgent))
        case .forwardedFor: line.text(name, head?.value(.xForwardedFor))
        case .upstreamAddress, .upstreamTarget, .upstreamStatus, .upstreamConnectTime, .upstreamHeaderTime, .upstreamTime,
            .allUpstreamTime, .upstreamScheme:
            if let upstream = record.upstream { write(field, as: name, upstream, &line) } else { line.absent(name) }
        case .region: line.text(name, region)
        case .errorType: line.number(name, record.failure == .throttled ? 1 : 0)
        case .authentication: line.text(name, authentication(record.route))
        case .accessModel1: line.text(name, firstAuthentication(record.route))
        case .accessModel2: line.text(name, secondAuthentication(record.route))
        case .innerTime:
            // Without a backend all of it is the gateway's own time.
            line.seconds(name, nanoseconds: record.duration - min(record.duration, record.upstream?.all ?? 0))
        // What the vendor's load balancer adds to the PROXY header has no published form.
        case .proxyVNI, .proxyEndpointID: line.absent(name)
        case .proxyAddress: if record.isProxied { line.text(name, record.peer) } else { line.absent(name) }
        case .bodyBytes: line.number(name, record.bodyBytes)
        case .apiName: line.text(name, identity?.apiName ?? "")
        case .appName: line.text(name, record.caller?.app?.name ?? "")
        case .providerAppID: line.text(name, identity?.providerAppID ?? "")
        case .providerAppName: line.text(name, record.providerName)
        case .custom1, .custom2, .custom3, .custom4, .custom5, .custom6, .custom7, .custom8, .custom9, .custom10:
            custom(Int(field.rawValue - RecordField.custom1.rawValue), as: name, record, &line)
        case .responseSource: line.text(name, record.isRemote ? "remote" : "local" as StaticString)
        case .gzipRatio:
            if record.gzipWritten > 0 {
                line.hundredths(name, record.gzipRead * 100 / record.gzipWritten)
            } else {
                line.absent(name)
            }
        case .groupID: line.text(name, identity?.groupID ?? record.groupID)
        case .errorCode:
            guard let failure = record.failure else { return line.absent(name) }
            line.beginText(name)
            line.out.append("APIC.")
            line.out.append(failure.answer.code)
            line.endText()
        case .functionURN: line.text(name, record.functionURN)
        case .startTime: line.number(name, Int(now - Int64(record.duration / 1_000_000)))
        case .clientAddress:
            guard let client = record.clientAddress else { return line.text(name, record.peer) }
            address.removeAll()
            client.write(to: address)
            line.text(name, ByteView(address.bytes))
        case .userName: if case .iam(let user)? = record.caller { line.text(name, user.userName) } else { line.absent(name) }
        case .matchMode:
            line.text(name, record.route.map { $0.matchMode == .prefix ? "SWA" : "NORMAL" as StaticString } ?? "")
        }
    }

    private static let userAgent = Array("user-agent".utf8)

    private func write(_ field: RecordField, as name: StaticString, _ upstream: AccessRecord.Upstream, _ line: inout JSONLine) {
        switch field {
        case .upstreamAddress:
            line.beginText(name)
            line.out.append(upstream.host)
            line.out.append(UInt8(ascii: ":"))
            line.decimal(upstream.port)
            line.endText()
        case .upstreamTarget: upstream.target.withUnsafeBytes { line.target(name, ByteView($0)) }
        case .upstreamStatus: if upstream.status > 0 { line.number(name, upstream.status) } else { line.absent(name) }
        case .upstreamConnectTime: time(name, upstream.connected, &line)
        case .upstreamHeaderTime: time(name, upstream.answered, &line)
        case .upstreamTime: line.seconds(name, nanoseconds: upstream.ended)
        case .allUpstreamTime: line.seconds(name, nanoseconds: upstream.all)
        case .upstreamScheme: line.text(name, upstream.usesTLS ? "https" : "http" as StaticString)
        default: line.absent(name)
        }
    }

    private func time(_ name: StaticString, _ value: UInt64?, _ line: inout JSONLine) {
        if let value { line.seconds(name, nanoseconds: value) } else { line.absent(name) }
    }

    private func protocolName(_ record: AccessRecord) -> StaticString {
        guard let head = record.head else { return "" }
        return record.isHTTP2 ? "HTTP/2.0" : head.isHTTP10 ? "HTTP/1.0" : "HTTP/1.1"
    }

    private func userID(_ caller: CallerIdentity?) -> String {
        if case .iam(let identity)? = caller { identity.projectID ?? identity.userID } else { "" }
    }

    // MARK: Authentication

    private func authentication(_ route: Route?) -> StaticString {
        guard let route else { return "" }
        return switch route.policies.callers?.kind {
        case .app?: "APP"
        case .iam?: "IAM"
        case nil: route.policies.authorizer == nil ? "NONE" : "AUTHORIZER"
        }
    }

    /// What is asked of a caller first: APP or IAM, otherwise the id of the authorizer.
    private func firstAuthentication(_ route: Route?) -> String {
        guard let route else { return "" }
        return switch route.policies.callers?.kind {
        case .app?: "APP"
        case .iam?: "IAM"
        case nil: route.policies.objects[.authorizer]?.id ?? ""
        }
    }

    /// The id of the authorizer that is asked behind the first authentication.
    private func secondAuthentication(_ route: Route?) -> String {
        guard let route, route.policies.callers != nil else { return "" }
        return route.policies.objects[.authorizer]?.id ?? ""
    }

    /// `21/Nov/2026:18:30:23 +0000`, made once a second.
    private func localTime(_ seconds: Int64) -> ByteView {
        if seconds != second {
            second = seconds
            BasicDate(seconds: seconds).writeLogTime(to: time)
        }
        return ByteView(time.bytes)
    }

    // MARK: What the client sent

    private func custom(_ index: Int, as name: StaticString, _ record: AccessRecord, _ line: inout JSONLine) {
        let fields = record.instance?.settings.logFields ?? []
        guard index < fields.count, let head = record.head, customLeft > 0 else { return line.absent(name) }
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
                let cut = value.slice(0, min(customLeft, value.count))
                customLeft -= cut.count
                line.append(cut, plusIsBlank: true)
            }
            line.endText()
        }
        if !isShown { line.absent(name) }
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
