import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Feature `gzip` on the way back, and how long an answer may pause; ``GzipStage`` has the rules.
extension ClientConnection {
    /// Takes an encoder where the backend's answer is to be compressed; its length is then not known any more.
    func chooseGzip(_ request: RequestHead, _ answer: ResponseHead, _ level: Int, _ framing: inout BodyFraming) {
        let length: Int?
        switch framing {
        case .none: return
        case .length(let count): length = count
        case .chunked, .untilClose: length = nil
        }
        var verdict = GzipStage.verdict(request, answer, length: length)
        if verdict == .compressed {
            if let loan = loop.encoders.lend(level: level) {
                exchange.gzip = loan
                framing = .chunked
            } else {
                verdict = .plain
            }
        }
        GzipStage.mark(answer, verdict)
    }

    /// The same for an answer of the gateway's own, which is here as a whole.
    func compressed(_ text: [UInt8], _ answer: ResponseHead, _ level: Int) -> [UInt8] {
        guard let head, head.isComplete, text.count > GzipStage.smallest else { return text }
        var verdict = GzipStage.verdict(head, answer, length: text.count)
        var result = text
        if verdict == .compressed {
            if let loan = loop.encoders.lend(level: level) {
                result = []
                text.withUnsafeBytes { loan.encoder.encode($0, .finish) { result.append(contentsOf: $0) } }
                exchange.gzipCounts = loan.encoder.counts
            } else {
                verdict = .plain
            }
        }
        GzipStage.mark(answer, verdict)
        return result
    }

    /// Appends what the encoder says to what will be written, in the answer's framing.
    func encode(_ bytes: UnsafeRawBufferPointer, _ flush: GzipEncoder.Flush, _ loan: GzipLoan, _ form: AnswerForm) {
        loan.encoder.encode(bytes, flush) { piece in
            if form.framing == .chunked { appendChunk(piece) } else { out.writeBytes(piece) }
        }
    }

    func appendChunk(_ bytes: UnsafeRawBufferPointer) {
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 24) { area in
            var writer = ByteWriter(area)
            writer.append(hexadecimal: bytes.count)
            writer.append("\r\n")
            writer.append(ByteView(bytes))
            writer.append("\r\n")
            return writer.count
        }
    }

    /// Nanoseconds that the backend may pause inside this answer. Streams of events are silent for long when nothing happens.
    func answerPause(_ answer: ResponseHead) -> UInt64 {
        if exchange.call != nil { return nanoseconds(loop.configuration.tunnelIdleMilliseconds) }
        guard exchange.instance?.settings.keepsEventStreams == true, let type = answer.value(.contentType),
            type.hasPrefixIgnoringCase(ByteView("text/event-stream"))
        else { return nanoseconds(loop.configuration.answerTimeoutMilliseconds) }
        return nanoseconds(loop.configuration.tunnelIdleMilliseconds)
    }
}
