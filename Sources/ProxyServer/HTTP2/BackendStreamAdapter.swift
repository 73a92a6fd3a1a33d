import NIOCore
import NIOHPACK
import NIOHTTP2
import ProxyPipeline
import Snapshot

/// Between an ``UpstreamConnection`` and the frames of one stream to a backend: a request's bytes, which are the gateway's own writing,
/// become HEADERS and DATA, and the answer goes in as it would stand in HTTP/1.1, with its trailers beside it.
final class BackendStreamAdapter: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let session: BackendSession
    private let connection: UpstreamConnection
    /// Of the request; nil before its head.
    private var body: BodyReader?
    private var requestEnded = false
    private var hasHead = false
    private var answerEnded = false

    init(_ session: BackendSession, _ connection: UpstreamConnection) {
        self.session = session
        self.connection = connection
    }

    func handlerRemoved(context: ChannelHandlerContext) { session.streamEnded() }

    // MARK: The request

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        var frames: [HTTP2Frame.FramePayload] = []
        if body == nil, buffer.readableBytes > 0 {
            guard let request = HTTP2RequestFields(buffer, usesTLS: session.usesTLS) else {
                promise?.fail(ChannelError.inputClosed)
                return context.close(promise: nil)
            }
            buffer.moveReaderIndex(forwardBy: request.byteCount)
            let reader = BodyReader(request.framing)
            body = reader
            requestEnded = reader.isComplete
            frames.append(.headers(.init(headers: request.fields, endStream: requestEnded)))
        }
        appendBody(&buffer, to: &frames)
        guard let last = frames.popLast() else {
            promise?.succeed(())
            return
        }
        for frame in frames { context.write(wrapOutboundOut(frame), promise: nil) }
        context.write(wrapOutboundOut(last), promise: promise)
    }

    private func appendBody(_ buffer: inout ByteBuffer, to frames: inout [HTTP2Frame.FramePayload]) {
        guard var reader = body else { return }
        while buffer.readableBytes > 0, !requestEnded {
            var offset = 0
            let event = buffer.withUnsafeReadableBytes { reader.next($0, &offset) }
            switch event {
            case .data(let start, let count):
                guard let bytes = buffer.getSlice(at: buffer.readerIndex + start, length: count) else { break }
                requestEnded = reader.isComplete
                frames.append(.data(.init(data: .byteBuffer(bytes), endStream: requestEnded)))
            case .end:
                requestEnded = true
                frames.append(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
            case .needsMore, .malformed, .tooLarge: break
            }
            buffer.moveReaderIndex(forwardBy: offset)
            if offset == 0 { break }
        }
        body = reader
    }

    // MARK: The answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !answerEnded else { return }
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            if hasHead { end(context, headers.headers) } else { begin(context, headers) }
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            answerEnded = data.endStream
            var chunk = ByteBuffer()
            if bytes.readableBytes > 0 {
                chunk.writeString(String(bytes.readableBytes, radix: 16))
                chunk.writeStaticString("\r\n")
                chunk.writeImmutableBuffer(bytes)
                chunk.writeStaticString("\r\n")
            }
            if answerEnded { chunk.writeStaticString("0\r\n\r\n") }
            if chunk.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(chunk)) }
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ headers: HTTP2Frame.FramePayload.Headers) {
        guard let status = headers.headers.first(name: ":status"), status.utf8.count == 3, let number = Int(status),
            let lines = Self.lines(headers.headers)
        else { return malformed() }
        // Interim answers concern this hop.
        guard number >= 200 else { return number >= 100 && number != 101 && !headers.endStream ? () : malformed() }
        hasHead = true
        answerEnded = headers.endStream
        var text = ByteBuffer()
        text.writeString("HTTP/1.1 \(status) \r\n")
        for line in lines where !line.name.elementsEqual("content-length".utf8) {
            text.writeBytes(line.name)
            text.writeStaticString(": ")
            text.writeBytes(line.value)
            text.writeStaticString("\r\n")
        }
        // How long the answer is, is said by the frames, which must agree with what it says itself.
        text.writeStaticString(answerEnded ? "content-length: 0\r\n\r\n" : "transfer-encoding: chunked\r\n\r\n")
        context.fireChannelRead(wrapInboundOut(text))
    }

    private func end(_ context: ChannelHandlerContext, _ headers: HPACKHeaders) {
        guard let lines = Self.lines(headers), !headers.contains(name: ":status") else { return malformed() }
        answerEnded = true
        connection.trailers = lines
        context.fireChannelRead(wrapInboundOut(ByteBuffer(staticString: "0\r\n\r\n")))
    }

    /// Fields without the pseudo-fields; nil when one of them could be read as something else (RFC 9113, 8.2).
    private static func lines(_ headers: HPACKHeaders) -> [HeaderLine]? {
        var lines: [HeaderLine] = []
        lines.reserveCapacity(headers.count)
        for (name, value, _) in headers where name.utf8.first != UInt8(ascii: ":") {
            guard isName(name), isPlain(value), !forbidden.contains(name) else { return nil }
            lines.append(HeaderLine(name: Array(name.utf8), value: Array(value.utf8)))
        }
        return lines
    }

    /// About a connection, and nothing that an answer may say of itself.
    private static let forbidden: Set<String> = [
        "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// RFC 9110, 5.6.2, without capitals.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                switch $0 {
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x5E...0x7A, 0x7C, 0x7E: true
                default: false
                }
            }
    }

    private static func isPlain(_ value: String) -> Bool { value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }

    private func malformed() {
        answerEnded = true
        connection.answerIsMalformed()
    }

    // MARK: The end

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let closed = error as? NIOHTTP2Errors.StreamClosed else {
            context.close(promise: nil)
            return
        }
        // What ends the connection follows.
        connection.resetCode = Int(closed.errorCode.networkCode)
        connection.wasRefused = closed.errorCode == .refusedStream || session.refuses(closed.streamID)
        if connection.wasRefused { connection.resetCode = Int(HTTP2ErrorCode.refusedStream.networkCode) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // A stream that has ended on both sides closes by itself.
        if mode == .all, requestEnded, answerEnded { promise?.succeed(()) } else { context.close(mode: mode, promise: promise) }
    }
}
