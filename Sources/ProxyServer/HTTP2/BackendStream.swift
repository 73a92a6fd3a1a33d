import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Between an ``UpstreamConnection`` and the frames of one stream to a backend: a request's bytes, which are the gateway's own writing,
/// become HEADERS and DATA as far as the backend's windows go, and the answer goes in as it would stand in HTTP/1.1, with its trailers
/// beside it.
///
/// Belongs to its connection; both serve one stream after the other.
final class BackendStream {
    /// The owner.
    unowned let connection: UpstreamConnection
    /// nil between streams.
    private(set) var session: BackendSession?
    /// 0 until the request begins.
    private(set) var id: UInt32 = 0
    /// Place in the session's list.
    var place = 0

    // The request.
    var sendWindow = 0
    /// nil before the head.
    private var body: BodyReader?
    /// Bytes of the body that stand next in what is to be written, and whether the message ends with them.
    private var piece = (count: 0, ends: false)
    private(set) var requestEnded = false
    /// What the backend does not take yet, as the gateway has written it.
    private var waiting = ByteBuffer()
    private var isWritable = true

    // The answer.
    private var hasHead = false
    private(set) var answerEnded = false
    /// Body bytes that `content-length` has promised and that are to come; -1: it promises nothing.
    private var promised = -1
    private var receiveWindow = 0

    init(_ connection: UpstreamConnection) { self.connection = connection }

    func begin(on session: BackendSession) {
        self.session = session
        id = 0
        sendWindow = 0
        body = nil
        piece = (0, false)
        requestEnded = false
        waiting.clear()
        isWritable = true
        hasHead = false
        answerEnded = false
        promised = -1
        receiveWindow = HTTP2Limits.window
    }

    func leave() {
        session = nil
        waiting = ByteBuffer()
    }

    var isWaiting: Bool { waiting.readableBytes > 0 }
    var waitingBytes: Int { waiting.readableBytes }

    // MARK: The request

    func write(_ buffer: ByteBuffer) {
        guard let session, !requestEnded else { return }
        if isWaiting {
            waiting.writeImmutableBuffer(buffer)
        } else {
            var buffer = buffer
            send(&buffer, on: session, most: .max)
            if buffer.readableBytes > 0, !requestEnded {
                waiting.writeBuffer(&buffer)
                session.noteWaiting()
            }
        }
        noteWritability()
    }

    /// Goes on with what had to wait.
    /// - Parameter most: bytes of the body.
    /// - Returns: whether anything was written.
    func goOn(most: Int) -> Bool {
        guard let session, isWaiting, !requestEnded else { return false }
        let before = waiting.readableBytes
        // The one reference, so that what is left stays where it is.
        var buffer = waiting
        waiting = ByteBuffer()
        send(&buffer, on: session, most: most)
        let moved = buffer.readableBytes < before
        if buffer.readableBytes == 0 || requestEnded { buffer.clear() }
        waiting = buffer
        if moved { noteWritability() }
        return moved
    }

    private func noteWritability() {
        let isWritable = isWritable ? waiting.readableBytes <= HTTP2Stream.highMark : waiting.readableBytes < HTTP2Stream.lowMark
        guard isWritable != self.isWritable else { return }
        self.isWritable = isWritable
        connection.streamIsWritable(isWritable)
    }

    private func send(_ buffer: inout ByteBuffer, on session: BackendSession, most: Int) {
        var most = most
        while !requestEnded, buffer.readableBytes > 0, session.takesFrames {
            if piece.count > 0 {
                let count = min(piece.count, sendWindow, session.sendWindow, HTTP2Limits.frame, most)
                guard count > 0 else { return }
                piece.count -= count
                sendWindow -= count
                most -= count
                requestEnded = piece.ends && piece.count == 0
                let ends = requestEnded
                buffer.readWithUnsafeReadableBytes { bytes in
                    session.send(UnsafeRawBufferPointer(rebasing: bytes[..<count]), on: id, ends: ends)
                    return count
                }
            } else if var reader = body {
                var offset = 0
                let event = buffer.withUnsafeReadableBytes { reader.next($0, &offset) }
                body = reader
                switch event {
                case .data(let start, let count):
                    buffer.moveReaderIndex(forwardBy: start)
                    piece = (count, reader.isComplete)
                case .end:
                    buffer.moveReaderIndex(forwardBy: offset)
                    requestEnded = true
                    session.send(UnsafeRawBufferPointer(start: nil, count: 0), on: id, ends: true)
                case .needsMore, .malformed, .tooLarge:
                    buffer.moveReaderIndex(forwardBy: offset)
                    if offset == 0 { return }
                }
            } else {
                sendHead(&buffer, on: session)
            }
        }
    }

    private func sendHead(_ buffer: inout ByteBuffer, on session: BackendSession) {
        var taken = 0
        buffer.withUnsafeReadableBytes { bytes in
            guard let request = HTTP2RequestFields(ByteView(bytes)) else { return }
            let reader = BodyReader(request.framing)
            id = session.number(self)
            guard session.send(request, on: id, ends: reader.isComplete) else { return }
            body = reader
            requestEnded = reader.isComplete
            taken = request.byteCount
        }
        guard taken > 0 else {
            // Not what the gateway writes.
            buffer.clear()
            requestEnded = true
            return session.fail(self, malformed: true)
        }
        buffer.moveReaderIndex(forwardBy: taken)
    }

    // MARK: The answer

    /// False when the fields are no answer, and no trailers behind one.
    func receiveHeaders(_ fields: HTTP2FieldList, ends: Bool, _ scratch: inout ByteBuffer) -> Bool {
        if hasHead {
            guard ends, promised <= 0, let lines = HTTP2AnswerText.trailers(fields) else { return false }
            answerEnded = true
            connection.trailers = lines
            scratch.writeStaticString("0\r\n\r\n")
            connection.receive(scratch)
            return true
        }
        var answer: HTTP2AnswerText?
        scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2AnswerText.bound(fields)) { area in
            var writer = ByteWriter(area)
            answer = HTTP2AnswerText(fields, endsStream: ends, to: &writer)
            return writer.overflowed ? 0 : writer.count
        }
        guard let answer else { return false }
        // Interim answers concern this hop.
        guard answer.status >= 200 else { return answer.status != 101 && !ends }
        hasHead = true
        answerEnded = ends
        // One that answers HEAD, or 304, says how long another would be.
        promised = ends ? -1 : answer.length ?? -1
        connection.receive(scratch)
        return true
    }

    /// False when this is not what the answer's length has promised, or no answer has begun.
    func receiveBody(_ bytes: UnsafeRawBufferPointer, ends: Bool, _ scratch: inout ByteBuffer) -> Bool {
        guard hasHead else { return false }
        if promised >= 0 {
            promised -= bytes.count
            guard promised >= 0, !ends || promised == 0 else { return false }
        }
        answerEnded = ends
        scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 32) { area in
            var writer = ByteWriter(area)
            if !bytes.isEmpty {
                writer.append(hexadecimal: bytes.count)
                writer.append("\r\n")
                writer.append(bytes)
                writer.append("\r\n")
            }
            if ends { writer.append("0\r\n\r\n") }
            return writer.count
        }
        if scratch.readableBytes > 0 { connection.receive(scratch) }
        return true
    }

    func charge(_ cost: Int) -> Bool {
        receiveWindow -= cost
        return receiveWindow >= 0
    }

    /// Lets the backend send more, unless the client is slower.
    func widen() {
        guard let session, id > 0, !answerEnded, !connection.pausesReading, receiveWindow <= HTTP2Limits.window / 2 else { return }
        session.widenWindow(of: id, by: HTTP2Limits.window - receiveWindow)
        receiveWindow = HTTP2Limits.window
    }

    // MARK: The end

    /// Neither side says more.
    func giveUp() {
        requestEnded = true
        answerEnded = true
    }

    /// The connection wants nothing more of it.
    func close() {
        guard let session else { return }
        // What has ended on both sides ends by itself.
        let endedWell = id > 0 && requestEnded && answerEnded
        if id > 0, !endedWell { session.say(.cancel, to: id) }
        session.remove(self, isReusable: endedWell)
    }
}
