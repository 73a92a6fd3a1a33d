import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Between an ``UpstreamConnection`` and the frames of one stream to a backend: a request's bytes, which are the gateway's own writing,
/// become HEADERS and DATA as far as the backend's windows go, and the answer goes in as it would stand in HTTP/1.1, with its trailers
/// beside it.
///
/// Belongs to its connection; both serve one stream after the other.
final class BackendStream: FramedStream {
    /// The owner.
    unowned let connection: UpstreamConnection
    private(set) var session: BackendSession?
    /// 0 until the request begins.
    private(set) var id: UInt32 = 0
    var place = 0
    /// The request.
    var sending = FrameSending()
    /// The answer.
    var receiving = FrameReceiving()
    private var hasHead = false

    init(_ connection: UpstreamConnection) { self.connection = connection }

    func begin(on session: BackendSession) {
        self.session = session
        id = 0
        sending.begin(window: 0)
        receiving.begin()
        hasHead = false
    }

    func leave() {
        session = nil
        sending.waiting = ByteBuffer()
    }

    // MARK: The request

    func noteWritable(_ isWritable: Bool) { connection.streamIsWritable(isWritable) }

    func hasSentWaiting() {}

    func sendEnd(on session: BackendSession) { session.send(UnsafeRawBufferPointer(start: nil, count: 0), on: id, ends: true) }

    func sendHead(_ buffer: inout ByteBuffer, on session: BackendSession) {
        var taken = 0
        buffer.withUnsafeReadableBytes { bytes in
            guard let request = HTTP2RequestFields(ByteView(bytes)) else { return }
            let reader = BodyReader(request.framing)
            id = session.number(self)
            guard session.send(request, on: id, ends: reader.isComplete) else { return }
            sending.body = reader
            sending.hasEnded = reader.isComplete
            taken = request.byteCount
        }
        guard taken > 0 else {
            // Not what the gateway writes.
            buffer.clear()
            sending.hasEnded = true
            return session.fail(self, malformed: true)
        }
        buffer.moveReaderIndex(forwardBy: taken)
    }

    // MARK: The answer

    var pausesReading: Bool { connection.pausesReading }

    /// False when the fields are no answer, and no trailers behind one.
    func receiveHeaders(_ fields: HTTP2FieldList, ends: Bool, _ text: inout ByteBuffer) -> Bool {
        if hasHead {
            guard ends, receiving.promised <= 0, let lines = HTTP2AnswerText.trailers(fields) else { return false }
            receiving.hasEnded = true
            connection.trailers = lines
            text.writeStaticString("0\r\n\r\n")
            connection.receive(text)
            return true
        }
        var answer: HTTP2AnswerText?
        text.writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2AnswerText.bound(fields)) { area in
            var writer = ByteWriter(area)
            answer = HTTP2AnswerText(fields, endsStream: ends, to: &writer)
            return writer.overflowed ? 0 : writer.count
        }
        guard let answer else { return false }
        // Interim answers concern this hop.
        guard answer.status >= 200 else { return answer.status != 101 && !ends }
        hasHead = true
        receiving.hasEnded = ends
        // One that answers HEAD, or 304, says how long another would be.
        receiving.promised = ends ? -1 : answer.length ?? -1
        connection.receive(text)
        return true
    }

    /// False also when no answer has begun.
    func receiveBody(_ bytes: UnsafeRawBufferPointer, ends: Bool, _ text: inout ByteBuffer) -> Bool {
        guard hasHead, receiving.count(bytes.count, ends: ends) else { return false }
        receiving.hasEnded = ends
        FrameReceiving.writeChunk(bytes, ends: ends, to: &text)
        if text.readableBytes > 0 { connection.receive(text) }
        return true
    }

    // MARK: The end

    /// The connection wants nothing more of it.
    func close() {
        guard let session else { return }
        // What has ended on both sides ends by itself.
        let endedWell = id > 0 && sending.hasEnded && receiving.hasEnded
        if id > 0, !endedWell { session.say(.cancel, to: id) }
        session.remove(self, isReusable: endedWell)
    }
}
