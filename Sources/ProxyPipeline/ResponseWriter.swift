import GatewayPrimitives
import Snapshot

/// How an answer goes out to the client.
public struct AnswerForm: Equatable, Sendable {
    public var framing: BodyFraming
    /// The client connection stays open behind the answer.
    public var keepsAlive: Bool
    /// Body bytes of the backend are not for the client, which asked with HEAD.
    public var dropsBody: Bool
    public var isHTTP10: Bool

    /// - Parameters:
    ///   - body: what the backend sends, or the length of an own body.
    ///   - wantsKeepAlive: neither the client nor the gateway has a reason to close.
    public init(status: Int, body: BodyFraming, declaredLength: Int?, request: RequestHead, wantsKeepAlive: Bool) {
        isHTTP10 = request.isHTTP10
        keepsAlive = wantsKeepAlive
        dropsBody = false
        if request.method == .head {
            dropsBody = true
            // Length for information only (RFC 9110, 8.6).
            framing = declaredLength.map { .length($0) } ?? .none
        } else if status < 200 || status == 204 {
            framing = .none
        } else if status == 304 {
            framing = declaredLength.map { .length($0) } ?? .none
            dropsBody = true
        } else {
            switch body {
            case .none: framing = .length(0)
            case .length(let count): framing = .length(count)
            case .chunked, .untilClose:
                if request.isHTTP10 {
                    framing = .untilClose
                    keepsAlive = false
                } else {
                    framing = .chunked
                }
            }
        }
    }
}

extension AnswerForm {
    /// For an own answer to something that is no request: with its body, and closing.
    public init(unreadable count: Int) {
        isHTTP10 = false
        keepsAlive = false
        dropsBody = false
        framing = .length(count)
    }
}

/// Writes the head of the answer to the client anew from the parsed form (gateway-runtime.md, 12.1).
public enum ResponseWriter {
    /// Latency lines that a client asked for with `X-Apig-Mode: debug`.
    public struct DebugLines: Sendable {
        public var latencyMilliseconds: Int
        public var upstreamMilliseconds: Int?
        public init(latencyMilliseconds: Int, upstreamMilliseconds: Int?) {
            self.latencyMilliseconds = latencyMilliseconds
            self.upstreamMilliseconds = upstreamMilliseconds
        }
    }

    public static func bound(_ head: ResponseHead) -> Int {
        var bound = head.count + head.fieldCount * 4 + 512
        for line in head.added { bound += line.name.count + line.value.count + 4 }
        return bound
    }

    public static func write(
        _ head: ResponseHead, form: AnswerForm, requestID: RequestID, debug: DebugLines?, to writer: inout ByteWriter
    ) {
        writer.append("HTTP/1.1 ")
        writer.append(decimal: head.status)
        writer.append(UInt8(ascii: " "))
        if head.reason.isEmpty {
            writer.append(ReasonPhrase.of(head.status))
        } else {
            writer.append(head.reason)
        }
        writer.append("\r\nServer: api-gateway\r\nX-Request-Id: ")
        requestID.write(to: &writer)
        writer.append("\r\n")
        for index in 0 ..< head.fieldCount where !head.isRemoved(at: index) {
            switch head.known(at: index) {
            case .server, .xRequestID: continue
            default: writer.line(head.name(at: index), head.value(at: index))
            }
        }
        for line in head.added { writer.line(line) }
        if let debug {
            writer.append("X-Apig-Latency: ")
            writer.append(decimal: debug.latencyMilliseconds)
            if let upstream = debug.upstreamMilliseconds {
                writer.append("\r\nX-Apig-Upstream-Latency: ")
                writer.append(decimal: upstream)
            }
            writer.append("\r\n")
        }
        switch form.framing {
        case .none, .untilClose: break
        case .length(let count):
            writer.append("Content-Length: ")
            writer.append(decimal: count)
            writer.append("\r\n")
        case .chunked: writer.append("Transfer-Encoding: chunked\r\n")
        }
        if !form.keepsAlive {
            if let agreed = head.upgradeProtocol {
                writer.append("Connection: Upgrade\r\nUpgrade: ")
                writer.append(agreed)
                writer.append("\r\n")
            } else {
                writer.append("Connection: close\r\n")
            }
        } else if form.isHTTP10 {
            writer.append("Connection: keep-alive\r\n")
        }
        writer.append("\r\n")
    }
}
