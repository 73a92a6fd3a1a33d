import GatewayPrimitives
import Snapshot

/// How a function is called (gateway-runtime.md, 2.7 and 4.3): limits, and the head of the request that carries an event.
public enum FunctionCall {
    /// Most bytes of a request's body in an event: 4 MiB once they are in Base64.
    public static let bodyBound = 3 * 1024 * 1024
    /// Most bytes of what a function backend answers.
    public static let answerBound = 6 * 1024 * 1024
    /// Most bytes of what an authorizer answers.
    public static let authorizerAnswerBound = 1024 * 1024

    /// Writes the head of the POST; the event follows it.
    public static func writeHead(_ target: FunctionTarget, eventCount: Int, requestID: RequestID, hop: [UInt8] = [], trace: RequestTrace? = nil, to output: ByteScratch) {
        output.append("POST ")
        output.append(target.path)
        output.append(" HTTP/1.1\r\nHost: ")
        output.append(target.hostHeader)
        output.append("\r\nContent-Type: application/json\r\nAccept: application/json\r\nX-Request-Id: ")
        output.append(requestID.text)
        if !hop.isEmpty {
            output.append("\r\nX-Gatehouse-Hop: ")
            output.append(hop)
        }
        if let trace {
            output.append("\r\ntraceparent: ")
            output.append(count: RequestTrace.valueCount) { area in
                var writer = ByteWriter(area)
                trace.writeValue(to: &writer)
            }
        }
        output.append("\r\nContent-Length: \(eventCount)\r\n\r\n")
    }
}

/// What a function gave back: status, header lines and body (gateway-runtime.md, 4.3).
public struct FunctionAnswer: Sendable, Equatable {
    /// As the function wrote it.
    public let status: Int
    public let headers: [HeaderLine]
    /// Base64 taken away.
    public let body: [UInt8]

    /// Nesting and values of an answer.
    private static let depth = 16
    private static let values = 20_000

    /// - Returns: nil for what is not a JSON object of the right form: `statusCode` a whole number, and, where they are there,
    ///   `body` a text, `headers` a map of texts that can be sent, `isBase64Encoded` a boolean.
    public init?(parsing text: [UInt8], bound: Int) {
        let limits = JSONValue.Limits(length: bound, depth: Self.depth, values: Self.values)
        guard let value = try? JSONValue(parsing: text, limits: limits), case .object = value,
            case .number(let number) = value["statusCode"], let status = number.integer
        else { return nil }
        self.status = status
        switch value["headers"] {
        case nil: headers = []
        case .object(let members):
            var lines: [HeaderLine] = []
            for member in members {
                guard case .string(let text) = member.value, let line = Self.line(member.name, text) else { return nil }
                lines.append(line)
            }
            headers = lines
        default: return nil
        }
        let isEncoded: Bool
        switch value["isBase64Encoded"] {
        case nil: isEncoded = false
        case .bool(let flag): isEncoded = flag
        default: return nil
        }
        switch value["body"] {
        case nil: body = []
        case .string(let text):
            guard isEncoded else {
                body = Array(text.utf8)
                return
            }
            guard let bytes = Base64.decode(Array(text.utf8)) else { return nil }
            body = bytes
        default: return nil
        }
    }

    private static func line(_ name: String, _ value: String) -> HeaderLine? {
        let line = HeaderLine(name: Array(name.utf8), value: Array(value.utf8))
        guard !line.name.isEmpty, line.name.count + line.value.count <= HTTPLimits.headerLine,
            line.name.allSatisfy(ByteClass.isToken), !line.value.contains(where: ByteClass.isForbiddenInValue)
        else { return nil }
        return line
    }

    /// Puts status and header lines into `head`, but for those that frame a message or that the gateway itself writes.
    ///
    /// - Returns: false for a status that no final answer has.
    public func fill(_ head: ResponseHead) -> Bool {
        guard (200...599).contains(status) else { return false }
        head.begin(status: status)
        for line in headers {
            let isKept = line.name.withUnsafeBytes { name in
                let known = KnownHeader.named(ByteView(name))
                return !known.isHopByHop && known != .server && known != .xRequestID
            }
            if isKept { head.add(line) }
        }
        return true
    }
}
