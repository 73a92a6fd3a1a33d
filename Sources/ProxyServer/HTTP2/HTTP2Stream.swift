import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Between the frames of one stream and the ``ClientConnection`` that serves it: a request goes in as ``HTTP2RequestText`` writes
/// it, and the answer's bytes, which are the gateway's own writing, become HEADERS and DATA as far as the client's windows go.
///
/// Belongs to its connection; both serve one stream after the other.
final class HTTP2Stream {
    /// The owner.
    unowned let connection: ClientConnection
    /// nil between streams.
    private(set) var session: HTTP2Session?
    private(set) var id: UInt32 = 0
    /// Place in the session's list.
    var place = 0

    // The request.
    private var framing = HTTP2RequestText.Framing.none
    /// Body bytes that `content-length` has promised and that are to come; -1: it promises nothing.
    private var promised = -1
    private(set) var requestEnded = false
    /// Bytes that the client may send before it is told more.
    private var receiveWindow = 0

    // The answer.
    var sendWindow = 0
    private let answer = ResponseHead()
    private var answersHead = false
    /// nil before the answer's head.
    private var body: BodyReader?
    /// Bytes of the body that stand next in what is to be written, and whether the message ends with them.
    private var piece = (count: 0, ends: false)
    private(set) var answerEnded = false
    /// What the client does not take yet, as the gateway has written it.
    private var waiting = ByteBuffer()
    /// Behind the answer's body, as they stand when it ends.
    var trailers: [HeaderLine] = []
    private var isWritable = true
    /// The request was served: nothing more will be written.
    private var isOver = false
    private var closesWhenSent = false

    static let highMark = 64 * 1024
    static let lowMark = 16 * 1024

    init(_ connection: ClientConnection) { self.connection = connection }

    func begin(_ id: UInt32, on session: HTTP2Session, sendWindow: Int) {
        self.id = id
        self.session = session
        self.sendWindow = sendWindow
        receiveWindow = HTTP2Limits.window
        framing = .none
        promised = -1
        requestEnded = false
        answer.reset()
        answersHead = false
        body = nil
        piece = (0, false)
        answerEnded = false
        waiting.clear()
        trailers = []
        isWritable = true
        isOver = false
        closesWhenSent = false
    }

    func leave() {
        session = nil
        waiting = ByteBuffer()
    }

    var isWaiting: Bool { waiting.readableBytes > 0 }

    // MARK: The request

    /// - Parameter buffer: has the request as text.
    func receiveHead(_ request: HTTP2RequestText, _ buffer: inout ByteBuffer, ends: Bool) {
        framing = request.framing
        if framing == .length { promised = request.length ?? -1 }
        answersHead = request.isHead
        answer.answersHead = answersHead
        requestEnded = ends
        connection.receive(&buffer)
    }

    /// False when this is not what the message's length has promised.
    func receiveBody(_ bytes: UnsafeRawBufferPointer, ends: Bool, _ scratch: inout ByteBuffer) -> Bool {
        if promised >= 0 {
            promised -= bytes.count
            guard promised >= 0, !ends || promised == 0 else { return false }
        }
        if ends { requestEnded = true }
        if framing == .chunked {
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
        } else {
            scratch.writeBytes(bytes)
        }
        if scratch.readableBytes > 0 { connection.receive(&scratch) }
        if ends { endsPerhaps() }
        return true
    }

    /// The client has used up some of the window; false when it had not so much.
    func charge(_ cost: Int) -> Bool {
        receiveWindow -= cost
        return receiveWindow >= 0
    }

    /// Lets the client send more, unless somebody behind the gateway is slower.
    func widen() {
        guard let session, !requestEnded, !connection.pausesReading, receiveWindow <= HTTP2Limits.window / 2 else { return }
        session.widenWindow(of: id, by: HTTP2Limits.window - receiveWindow)
        receiveWindow = HTTP2Limits.window
    }

    // MARK: The answer

    /// Takes bytes of the answer, or of one of the interim answers before it.
    func write(_ buffer: ByteBuffer) {
        guard let session, !answerEnded else { return }
        if isWaiting {
            waiting.writeImmutableBuffer(buffer)
        } else {
            var buffer = buffer
            send(&buffer, on: session, most: .max)
            if buffer.readableBytes > 0, !answerEnded {
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
        guard let session, isWaiting, !answerEnded else { return false }
        let before = waiting.readableBytes
        // The one reference, so that what is left stays where it is.
        var buffer = waiting
        waiting = ByteBuffer()
        send(&buffer, on: session, most: most)
        let moved = buffer.readableBytes < before
        if buffer.readableBytes == 0 || answerEnded { buffer.clear() }
        waiting = buffer
        if moved { noteWritability() }
        guard !isWaiting else { return moved }
        if closesWhenSent { connection.closeNow() } else { endsPerhaps() }
        return moved
    }

    private func noteWritability() {
        let isWritable = isWritable ? waiting.readableBytes <= Self.highMark : waiting.readableBytes < Self.lowMark
        guard isWritable != self.isWritable else { return }
        self.isWritable = isWritable
        connection.streamIsWritable(isWritable)
    }

    private func send(_ buffer: inout ByteBuffer, on session: HTTP2Session, most: Int) {
        var most = most
        while !answerEnded, buffer.readableBytes > 0, session.takesFrames {
            if piece.count > 0 {
                let count = min(piece.count, sendWindow, session.sendWindow, HTTP2Limits.frame, most)
                guard count > 0 else { return }
                piece.count -= count
                sendWindow -= count
                most -= count
                answerEnded = piece.ends && piece.count == 0
                let ends = answerEnded
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
                    answerEnded = true
                    session.sendEnd(trailers, on: id)
                case .needsMore, .malformed, .tooLarge:
                    buffer.moveReaderIndex(forwardBy: offset)
                    if offset == 0 { return }
                }
            } else {
                sendHead(&buffer, on: session)
            }
        }
    }

    private func sendHead(_ buffer: inout ByteBuffer, on session: HTTP2Session) {
        switch buffer.withUnsafeReadableBytes({ answer.feed($0) }) {
        case .needsMore: buffer.clear()
        case .refused:
            buffer.clear()
            session.reset(self, .internalError)
        case .complete(let consumed):
            buffer.moveReaderIndex(forwardBy: consumed)
            let isInterim = answer.isInterim
            if !isInterim {
                let reader = BodyReader(answer.framing)
                body = reader
                answerEnded = reader.isComplete
            }
            guard session.send(answer, on: id, ends: answerEnded) else {
                session.reset(self, .internalError)
                return
            }
            guard isInterim else { return }
            answer.reset()
            answer.answersHead = answersHead
        }
    }

    // MARK: The end

    /// The connection has served the request.
    func requestIsOver() {
        isOver = true
        endsPerhaps()
    }

    /// Nothing more will be written, and the stream ends with what was.
    func closeWhenSent() {
        closesWhenSent = true
        if !isWaiting { connection.closeNow() }
    }

    private func endsPerhaps() {
        guard isOver, requestEnded, answerEnded, let session else { return }
        session.finish(self)
    }

    /// Neither side says more.
    func giveUp() {
        answerEnded = true
        requestEnded = true
    }

    /// The connection is closed.
    func close() {
        guard let session else { return }
        if !answerEnded {
            // What the client has got is not all.
            session.say(.internalError, to: self)
        } else if !requestEnded {
            // A complete answer; the rest of the request is not wanted (RFC 9113, 8.1).
            session.say(.noError, to: self)
        }
        session.remove(self)
    }
}
