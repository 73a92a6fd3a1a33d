import GatewayPrimitives
import Snapshot

/// What a record for Kafka has beside the fields of logs.
public struct KafkaCallData {
    public var requestBody: [UInt8] = []
    public var isRequestBodyCut = false
    /// Fields of the answer that the plug-in wants to see, names in lower case.
    public var responseHeaders: [(name: [UInt8], value: [UInt8])] = []
    public var responseBody: [UInt8] = []
    public var isResponseBodyCut = false
    public var frontend: AuthorizerContext?
    public var backend: AuthorizerContext?

    public init() {}
}

/// Makes records of kafka_log: one JSON object each (gateway-runtime.md, 8.3; docs/decisions/0025). Confined to one event loop.
public final class KafkaRecordWriter {
    private let members: RecordMembers
    private static let mask: StaticString = "***"

    public init(region: String) { members = RecordMembers(region: region) }

    /// - Parameters:
    ///   - data: nil: what policies without ``KafkaLogPolicy/hasCallData`` say.
    ///   - nowMilliseconds: since 1970, at the end of the request.
    public func write(
        _ record: AccessRecord, _ policy: KafkaLogPolicy, _ data: KafkaCallData?, nowMilliseconds: Int64, to out: ByteScratch
    ) {
        out.append(UInt8(ascii: "{"))
        members.write(record, nowMilliseconds: nowMilliseconds, id: policy.serial, to: out) { _ in
            policy.fields.map { RecordField.kafkaLog[$0] }
        }
        if policy.hasCallData {
            var line = JSONLine(continuing: out, isFirst: policy.fields.isEmpty)
            write(data ?? KafkaCallData(), policy, record, &line)
        }
        out.append(UInt8(ascii: "}"))
    }

    private func write(_ data: KafkaCallData, _ policy: KafkaLogPolicy, _ record: AccessRecord, _ line: inout JSONLine) {
        if let filter = policy.requestHeaders {
            line.name("request_header")
            write(record.head.map { Self.headers(of: $0, filter, skipsRemoved: false) } ?? [], record, line)
        }
        if let filter = policy.queries {
            line.name("request_query_string")
            write(query: record.head?.query, filter, line)
        }
        if policy.logsRequestBody {
            write("request_body", "request_body_base64", "request_body_cut", data.requestBody, data.isRequestBodyCut, &line)
        }
        if policy.responseHeaders != nil {
            line.name("response_header")
            write(data.responseHeaders, record, line)
        }
        if policy.logsResponseBody {
            write("response_body", "response_body_base64", "response_body_cut", data.responseBody, data.isResponseBodyCut, &line)
        }
        if !policy.frontendNames.isEmpty || !policy.backendNames.isEmpty {
            line.name("custom_authorizer")
            line.out.append("{\"frontend\":{")
            write(policy.frontendNames, of: data.frontend, line)
            line.out.append("},\"backend\":{")
            write(policy.backendNames, of: data.backend, line)
            line.out.append("}}")
        }
    }

    // MARK: Headers

    /// Fields of a head that pass the filter, names in lower case, what came on several lines in one (RFC 9110, 5.3).
    ///
    /// - Parameter skipsRemoved: only what goes on.
    public static func headers(
        of head: MessageHead, _ filter: NameFilter, skipsRemoved: Bool
    ) -> [(name: [UInt8], value: [UInt8])] {
        var result: [(name: [UInt8], value: [UInt8])] = []
        func add(_ name: ByteView, _ value: ByteView) {
            guard filter.matches(name) else { return }
            let name = name.array.map(asciiLowercase)
            if let index = result.firstIndex(where: { $0.name == name }) {
                result[index].value += Array(", ".utf8) + value.array
            } else {
                result.append((name, value.array))
            }
        }
        for index in 0..<head.fieldCount where !skipsRemoved || !head.isRemoved(at: index) {
            add(head.name(at: index), head.value(at: index))
        }
        if skipsRemoved {
            for line in head.added {
                line.name.withUnsafeBytes { name in line.value.withUnsafeBytes { add(ByteView(name), ByteView($0)) } }
            }
        }
        return result
    }

    private func write(_ headers: [(name: [UInt8], value: [UInt8])], _ record: AccessRecord, _ line: JSONLine) {
        line.beginObject()
        var isFirst = true
        for header in headers {
            let isSecret = header.name.withUnsafeBytes { SecretNames.contain(ByteView($0)) }
                || header.name == record.instance?.settings.carriers.authHeader
                || header.name == record.instance?.settings.carriers.hashHeader
            header.name.withUnsafeBytes { line.beginMember(ByteView($0), isFirst: isFirst) }
            isFirst = false
            if isSecret {
                line.append(ByteView(Self.mask))
            } else {
                header.value.withUnsafeBytes { line.append(ByteView($0).slice(0, min($0.count, JSONLine.textLimit))) }
            }
            line.endText()
        }
        line.endObject()
    }

    // MARK: Query

    private func write(query: ByteView?, _ filter: NameFilter, _ line: JSONLine) {
        line.beginText()
        var isFirst = true
        if let query {
            QueryParameters(query.slice(0, min(query.count, JSONLine.textLimit))).forEach { name, value in
                let isWanted = PercentEncoding.decode(name.array, plusIsBlank: true).withUnsafeBytes { filter.matches(ByteView($0)) }
                guard isWanted else { return true }
                if !isFirst { line.out.append(UInt8(ascii: "&")) }
                isFirst = false
                line.append(name)
                // A pair without "=" ends where its name does.
                if value.start != name.start + name.count {
                    line.out.append(UInt8(ascii: "="))
                    line.append(SecretNames.contain(name) ? ByteView(Self.mask) : value)
                }
                return true
            }
        }
        line.endText()
    }

    // MARK: Bodies

    /// Text as it is, anything else in Base64; a second member says so, a third one that there was more.
    private func write(
        _ name: StaticString, _ encoded: StaticString, _ cut: StaticString, _ body: [UInt8], _ isCut: Bool, _ line: inout JSONLine
    ) {
        body.withUnsafeBytes { bytes in
            let view = ByteView(bytes)
            var text: ByteView?
            if JSONLine.isText(view) {
                text = view
            } else if isCut {
                // A cut may have gone through a character.
                for count in 1...3 where text == nil && count < view.count {
                    let shorter = view.slice(0, view.count - count)
                    if JSONLine.isText(shorter) { text = shorter }
                }
            }
            line.name(name)
            line.beginText()
            if let text { line.append(text) } else { Base64.encode(bytes, to: line.out) }
            line.endText()
            if text == nil {
                line.name(encoded)
                line.flag(true)
            }
        }
        if isCut {
            line.name(cut)
            line.flag(true)
        }
    }

    // MARK: Custom authorizers

    private func write(_ names: [[UInt8]], of context: AuthorizerContext?, _ line: JSONLine) {
        for (index, name) in names.enumerated() {
            name.withUnsafeBytes { line.beginMember(ByteView($0), isFirst: index == 0) }
            if name.withUnsafeBytes({ SecretNames.contain(ByteView($0)) }) {
                line.append(ByteView(Self.mask))
            } else if let value = context?[name] {
                value.withUnsafeBytes { line.append(ByteView($0).slice(0, min($0.count, JSONLine.textLimit))) }
            } else {
                line.out.append(UInt8(ascii: "-"))
            }
            line.endText()
        }
    }
}
