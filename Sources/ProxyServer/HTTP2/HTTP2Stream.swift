import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Between the frames of one stream and the ``ClientConnection`` that serves it: a request goes in as ``HTTP2RequestText`` writes
/// it, and the answer's bytes, which are the gateway's own writing, become HEADERS and DATA as far as the client's windows go.
///
/// Belongs to its connection; both serve one stream after the other.
final class HTTP2Stream: FramedStream {
    /// The owner.
    unowned let connection: ClientConnection
    private(set) var session: HTTP2Session?
    private(set) var id: UInt32 = 0
    var place = 0
    /// The request.
    var receiving = FrameReceiving()
    private var framing = HTTP2RequestText.Framing.none
    /// The answer, or one of the interim answers before it.
    var sending = FrameSending()
    private let answer = ResponseHead()
    private var answersHead = false
    /// Behind the answer's body, as they stand when it ends.
    var trailers: [HeaderLine] = []
    /// The request was served: nothing more will be written.
    private var isOver = false
    private var closesWhenSent = false

    init(_ connection: ClientConnection) { self.connection = connection }

    func begin(_ id: UInt32, on session: HTTP2Session, sendWindow: Int) {
        self.id = id
        self.session = session
        sending.begin(window: sendWindow)
        receiving.begin()
        framing = .none
        answer.reset()
        answersHead = false
        trailers = []
        isOver = false
        closesWhenSent = false
    }

    func leave() {
        session = nil
        sending.waiting = ByteBuffer()
    }

    // MARK: The request

    var pausesReading: Bool { connection.pausesReading }

    /// - Parameter buffer: has the request as text.
    func receiveHead(_ request: HTTP2RequestText, _ buffer: inout ByteBuffer, ends: Bool) {
        framing = request.framing
        if framing == .length { receiving.promised = request.length ?? -1 }
        answersHead = request.isHead
        answer.answersHead = answersHead
        receiving.hasEnded = ends
        connection.receive(&buffer)
    }

    func receiveBody(_ bytes: UnsafeRawBufferPointer, ends: Bool, _ text: inout ByteBuffer) -> Bool {
        guard receiving.count(bytes.count, ends: ends) else { return false }
        if ends { receiving.hasEnded = true }
        if framing == .chunked { FrameReceiving.writeChunk(bytes, ends: ends, to: &text) } else { text.writeBytes(bytes) }
        if text.readableBytes > 0 { connection.receive(&text) }
        if ends { endsPerhaps() }
        return true
    }

    // MARK: The answer

    func noteWritable(_ isWritable: Bool) { connection.streamIsWritable(isWritable) }

    func hasSentWaiting() { if closesWhenSent { connection.closeNow() } else { endsPerhaps() } }

    func sendEnd(on session: HTTP2Session) { session.sendEnd(trailers, on: id) }

    func sendHead(_ buffer: inout ByteBuffer, on session: HTTP2Session) {
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
                sending.body = reader
                sending.hasEnded = reader.isComplete
            }
            guard session.send(answer, on: id, ends: sending.hasEnded) else {
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
        if !sending.isWaiting { connection.closeNow() }
    }

    private func endsPerhaps() {
        guard isOver, receiving.hasEnded, sending.hasEnded, let session else { return }
        session.finish(self)
    }

    /// The connection is closed.
    func close() {
        guard let session else { return }
        if !sending.hasEnded {
            // What the client has got is not all.
            session.say(.internalError, to: self)
        } else if !receiving.hasEnded {
            // A complete answer; the rest of the request is not wanted (RFC 9113, 8.1).
            session.say(.noError, to: self)
        }
        session.remove(self)
    }
}
