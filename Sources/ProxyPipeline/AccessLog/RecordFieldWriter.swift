import GatewayPrimitives
import Snapshot

/// Writes what logs say of a request, the value of one field after the other: the access log and kafka_log mean the same by the same
/// field. Confined to one event loop.
///
/// Which values are equal in all records of a shape is ``RecordShape/fixes(_:)``'s to say: a field that depends on anything else of a
/// record must not be among them.
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

    /// - Parameter head: of the record; passed on, because taking it out of the record for each field costs more than some fields.
    func write(_ field: RecordField, _ record: AccessRecord, _ head: RequestHead?, _ line: JSONLine) {
        switch field {
        case .remoteAddress: record.peer.withUnsafeBytes { line.plainText(ByteView($0)) }
        case .requestID:
            line.beginText()
            line.out.append(count: RequestID.textCount) { area in
                var writer = ByteWriter(area)
                record.requestID.write(to: &writer)
            }
            line.endText()
        case .apiID: line.text(record.route?.identity.apiID ?? "")
        case .userID: line.text(userID(record.caller))
        case .appID: line.text(record.caller?.app?.appID ?? "")
        case .localTime: line.plainText(localTime(now / 1000))
        case .requestTime: line.seconds(nanoseconds: record.duration)
        // Tokens and names of hosts have nothing that must be escaped.
        case .method: line.plainText(head?.methodName)
        case .scheme: line.text(record.usesTLS ? "https" : "http" as StaticString)
        case .host: line.plainText(head?.host)
        case .target: line.target(head?.target)
        case .serverProtocol: line.text(protocolName(record, head))
        case .status: line.number(record.status)
        case .bytesSent: line.number(record.bytesSent)
        case .requestLength: line.number(record.requestBytes)
        case .userAgent: line.text(head?.value(.userAgent))
        case .forwardedFor: line.text(head?.value(.xForwardedFor))
        case .upstreamAddress, .upstreamTarget, .upstreamStatus, .upstreamConnectTime, .upstreamHeaderTime, .upstreamTime,
            .allUpstreamTime, .upstreamScheme:
            if record.upstream == nil { line.absent() } else { writeUpstream(field, record, line) }
        case .region: line.text(region)
        case .errorType: line.number(record.failure == .throttled ? 1 : 0)
        case .authentication: line.text(authentication(record.route))
        case .accessModel1: line.text(firstAuthentication(record.route))
        case .accessModel2: line.text(secondAuthentication(record.route))
        case .innerTime:
            // Without a backend all of it is the gateway's own time.
            line.seconds(nanoseconds: record.duration - min(record.duration, record.upstream?.all ?? 0))
        // What the vendor's load balancer adds to the PROXY header has no published form.
        case .proxyVNI, .proxyEndpointID: line.absent()
        case .proxyAddress: if record.isProxied { line.text(record.peer) } else { line.absent() }
        case .bodyBytes: line.number(record.bodyBytes)
        case .apiName: line.text(record.route?.identity.apiName ?? "")
        case .appName: line.text(record.caller?.app?.name ?? "")
        case .providerAppID: line.text(record.route?.identity.providerAppID ?? "")
        case .providerAppName: line.text(record.providerName)
        case .custom1, .custom2, .custom3, .custom4, .custom5, .custom6, .custom7, .custom8, .custom9, .custom10:
            custom(field.customIndex, record, head, line)
        case .responseSource: line.text(record.isRemote ? "remote" : "local" as StaticString)
        case .gzipRatio:
            if record.gzipWritten > 0 { line.hundredths(record.gzipRead * 100 / record.gzipWritten) } else { line.absent() }
        case .groupID: line.text(record.route?.identity.groupID ?? record.groupID)
        case .errorCode:
            guard let failure = record.failure else { return line.absent() }
            line.beginText()
            line.out.append("APIC.")
            line.out.append(failure.answer.code)
            line.endText()
        case .functionURN: line.text(record.functionURN)
        case .startTime: line.number(Int(now - Int64(record.duration / 1_000_000)))
        case .clientAddress:
            guard let client = record.clientAddress else {
                return record.peer.withUnsafeBytes { line.plainText(ByteView($0)) }
            }
            address.removeAll()
            client.write(to: address)
            line.plainText(ByteView(address.bytes))
        case .userName: if case .iam(let user)? = record.caller { line.text(user.userName) } else { line.absent() }
        case .matchMode: line.text(record.route.map { $0.matchMode == .prefix ? "SWA" : "NORMAL" as StaticString } ?? "")
        case .callStatus: if let status = record.callStatus { line.number(status) } else { line.absent() }
        }
    }

    /// There is one. Looks at the one property that it wants: a copy of all would count references.
    private func writeUpstream(_ field: RecordField, _ record: AccessRecord, _ line: JSONLine) {
        switch field {
        case .upstreamAddress: record.upstream?.endpoint.address.withUnsafeBytes { line.plainText(ByteView($0)) }
        case .upstreamTarget: record.upstream?.target.withUnsafeBytes { line.target(ByteView($0)) }
        case .upstreamStatus:
            let status = record.upstream?.status ?? 0
            if status > 0 { line.number(status) } else { line.absent() }
        case .upstreamConnectTime: time(record.upstream?.connected, line)
        case .upstreamHeaderTime: time(record.upstream?.answered, line)
        case .upstreamTime: line.seconds(nanoseconds: record.upstream?.ended ?? 0)
        case .allUpstreamTime: line.seconds(nanoseconds: record.upstream?.all ?? 0)
        case .upstreamScheme: line.text(record.upstream?.endpoint.usesTLS == true ? "https" : "http" as StaticString)
        default: line.absent()
        }
    }

    private func time(_ value: UInt64?, _ line: JSONLine) {
        if let value { line.seconds(nanoseconds: value) } else { line.absent() }
    }

    private func protocolName(_ record: AccessRecord, _ head: RequestHead?) -> StaticString {
        guard let head else { return "" }
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

    private func custom(_ index: Int, _ record: AccessRecord, _ head: RequestHead?, _ line: JSONLine) {
        let fields = record.instance?.settings.logFields ?? []
        guard index < fields.count, let head, customLeft > 0 else { return line.absent() }
        let field = fields[index]
        let isSecret = field.name.withUnsafeBytes { SecretNames.contain(ByteView($0)) }
            || field.place == .header && field.name == record.instance?.settings.carriers.authHeader
        var isShown = false
        field.withValue(in: head) { value in
            guard !value.isEmpty else { return }
            isShown = true
            line.beginText()
            if isSecret {
                line.append(ByteView("***"))
            } else {
                let cut = value.slice(0, min(customLeft, value.count))
                customLeft -= cut.count
                line.append(cut, plusIsBlank: true)
            }
            line.endText()
        }
        if !isShown { line.absent() }
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
