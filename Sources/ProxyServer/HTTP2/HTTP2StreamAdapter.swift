import GatewayPrimitives
import NIOCore
import NIOHPACK
import NIOHTTP2
import ProxyPipeline
import Snapshot

/// Between the frames of one stream and the ``ClientConnection`` that serves it: a request goes in as ``HTTP2RequestText`` writes
/// it, and the answer's bytes, which are the gateway's own writing, become HEADERS and DATA.
final class HTTP2StreamAdapter: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// How the request's body is written on; nil before its head.
    private var framing: HTTP2RequestText.Framing?
    private var requestEnded = false
    private var isHead = false
    private let answer = ResponseHead()
    /// nil before the answer's head.
    private var body: BodyReader?
    private var answerEnded = false
    /// Behind the answer's body, as they stand when it ends.
    var trailers: [HeaderLine] = []

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            if framing == nil {
                begin(context, headers)
            } else if headers.endStream {
                // Trailers have no meaning here, as in HTTP/1.1; the frame layer has checked them.
                end(context)
            }
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data, !requestEnded else { return }
            if bytes.readableBytes > 0 {
                if framing == .chunked {
                    var chunk = ByteBuffer()
                    chunk.writeString(String(bytes.readableBytes, radix: 16))
                    chunk.writeStaticString("\r\n")
                    chunk.writeImmutableBuffer(bytes)
                    chunk.writeStaticString("\r\n")
                    context.fireChannelRead(wrapInboundOut(chunk))
                } else {
                    context.fireChannelRead(wrapInboundOut(bytes))
                }
            }
            if data.endStream { end(context) }
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ headers: HTTP2Frame.FramePayload.Headers) {
        guard let request = HTTP2RequestText(headers.headers.lazy.map { (name: $0.name, value: $0.value) }, endsStream: headers.endStream) else {
            requestEnded = true
            reset(context, .protocolError)
            return
        }
        framing = request.framing
        isHead = request.isHead
        answer.answersHead = isHead
        requestEnded = headers.endStream
        context.fireChannelRead(wrapInboundOut(request.text))
    }

    private func end(_ context: ChannelHandlerContext) {
        guard !requestEnded else { return }
        requestEnded = true
        if framing == .chunked { context.fireChannelRead(wrapInboundOut(ByteBuffer(staticString: "0\r\n\r\n"))) }
    }

    // MARK: The answer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        var frames: [HTTP2Frame.FramePayload] = []
        while body == nil, buffer.readableBytes > 0 {
            switch buffer.withUnsafeReadableBytes({ answer.feed($0) }) {
            case .needsMore: buffer.clear()
            case .refused:
                promise?.fail(ChannelError.inputClosed)
                reset(context, .internalError)
                return
            case .complete(let consumed):
                buffer.moveReaderIndex(forwardBy: consumed)
                if answer.isInterim {
                    frames.append(.headers(.init(headers: fields(), endStream: false)))
                    answer.reset()
                    answer.answersHead = isHead
                } else {
                    let reader = BodyReader(answer.framing)
                    body = reader
                    answerEnded = reader.isComplete
                    frames.append(.headers(.init(headers: fields(), endStream: answerEnded)))
                }
            }
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
        guard var reader = body, !answerEnded else { return }
        while buffer.readableBytes > 0, !answerEnded {
            var offset = 0
            let event = buffer.withUnsafeReadableBytes { reader.next($0, &offset) }
            switch event {
            case .data(let start, let count):
                guard let bytes = buffer.getSlice(at: buffer.readerIndex + start, length: count) else { break }
                answerEnded = reader.isComplete
                frames.append(.data(.init(data: .byteBuffer(bytes), endStream: answerEnded)))
            case .end:
                answerEnded = true
                frames.append(end())
            case .needsMore, .malformed, .tooLarge: break
            }
            buffer.moveReaderIndex(forwardBy: offset)
            if offset == 0 { break }
        }
        body = reader
    }

    private func end() -> HTTP2Frame.FramePayload {
        guard !trailers.isEmpty else { return .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)) }
        var fields = HPACKHeaders()
        for line in trailers {
            fields.add(
                name: String(decoding: line.name, as: UTF8.self), value: String(decoding: line.value, as: UTF8.self),
                indexing: .nonIndexable)
        }
        return .headers(.init(headers: fields, endStream: true))
    }

    /// Without what is about the connection. Nothing is indexed: values differ from answer to answer, and a table that a client
    /// can make grow is memory that it holds.
    private func fields() -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(answer.fieldCount + 2)
        headers.add(name: ":status", value: String(answer.status), indexing: .nonIndexable)
        for index in 0..<answer.fieldCount where !answer.isRemoved(at: index) {
            headers.add(
                name: String(decoding: answer.name(at: index).buffer, as: UTF8.self).lowercased(),
                value: String(decoding: answer.value(at: index).buffer, as: UTF8.self), indexing: .nonIndexable)
        }
        // Calls of gRPC have no length, not even where an answer has no messages.
        let isCall = answer.value(.contentType)?.hasPrefixIgnoringCase(ByteView("application/grpc")) ?? false
        if let length = answer.declaredLength, !isCall { headers.add(name: "content-length", value: String(length), indexing: .nonIndexable) }
        return headers
    }

    // MARK: The end

    private func reset(_ context: ChannelHandlerContext, _ code: HTTP2ErrorCode) {
        answerEnded = true
        context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
        context.close(promise: nil)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            // The answer's last frame says so.
            promise?.succeed(())
            return
        }
        if !answerEnded {
            // What the client has got is not all.
            answerEnded = true
            requestEnded = true
            context.writeAndFlush(wrapOutboundOut(.rstStream(.internalError)), promise: nil)
        } else if !requestEnded {
            // A complete answer; the rest of the request is not wanted (RFC 9113, 8.1).
            requestEnded = true
            context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
        }
        context.close(mode: mode, promise: promise)
    }
}
