import Crypto
import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// A connection on which both sides have agreed to another protocol than HTTP.
struct Tunnel {
    /// Whose statistics its bytes belong to.
    let meter: TrafficMeter?
    /// Bytes from the client.
    var received = 0
    /// The backend has said everything.
    var backendFinished = false
}

/// Upgrades (RFC 9110, 7.8): the request goes its way through all policies like any other, asking for the other protocol; only the
/// backend's 101 opens a tunnel. What the client sends before that stays here, and is a request if the answer is an ordinary one.
extension ClientConnection {
    /// - Returns: false when the 101 does not answer what was asked.
    func openTunnel(_ connection: UpstreamConnection) -> Bool {
        guard phase == .exchange, let head, let asked = head.upgradeProtocol, let agreed = connection.head.upgradeProtocol,
            asked.array.map(asciiLowercase) == agreed.array.map(asciiLowercase),
            WebSocketHandshake.isAnswered(head, connection.head)
        else { return false }
        let now = loop.eventTime
        exchange.answeredAt = now
        exchange.status = 101
        exchange.forgetReplay()
        exchange.deadline = .max
        let form = AnswerForm(
            status: 101, body: .none, declaredLength: nil, request: head, wantsKeepAlive: false)
        exchange.form = form
        reportToBreaker(status: 101, timedOut: false)
        decorate(connection.head, failure: nil, isBackend: true)
        exchange.capture?.note(connection.head)
        out.clear()
        guard writeHead(connection.head, form, upstreamSeconds: true) else { return false }
        exchange.hasAnswer = true
        noteAnswer(status: 101)
        let meter = exchange.isPreflight ? nil : exchange.route?.meter
        // The request is over: how long the tunnel stays open is nobody's latency.
        countRequest()
        loop.requestEnds()
        tunnel = Tunnel(meter: meter)
        phase = .tunnel
        tunnelMoves()
        flushOut()
        processPending()
        if exchange.upstream?.isWritable != false { resumeReading() }
        if inputClosed { clientHasFinished() }
        return true
    }

    /// A byte has passed: the time that a silent tunnel may stay open begins anew.
    func tunnelMoves() {
        clientDeadline = loop.eventTime + nanoseconds(loop.configuration.tunnelIdleMilliseconds)
    }

    func relayToBackend(_ buffer: inout ByteBuffer) {
        guard let upstream = exchange.upstream else { return buffer.clear() }
        guard let bytes = buffer.readSlice(length: buffer.readableBytes), bytes.readableBytes > 0 else { return }
        tunnel?.received &+= bytes.readableBytes
        tunnelMoves()
        upstream.send(bytes)
        if !upstream.isWritable { pauseReading() }
    }

    /// The client has said everything; the backend may still speak.
    func clientHasFinished() {
        guard let tunnel, let upstream = exchange.upstream else { return closeNow() }
        // Two directions in one TLS connection end together.
        if usesTLS || tunnel.backendFinished { tunnelEnds() } else { upstream.closeOutput() }
    }

    /// The backend has said everything; the client may still speak.
    func backendHasFinished() {
        guard phase == .tunnel, let context else { return }
        tunnel?.backendFinished = true
        if usesTLS || inputClosed { return tunnelEnds() }
        flushOut()
        context.close(mode: .output, promise: nil)
    }

    /// One side has ended, and the other with it: each gets what is on its way to it, and the end.
    func tunnelEnds() {
        if let upstream = exchange.upstream {
            exchange.upstream = nil
            upstream.closeAfterSending()
        }
        closeAfterWriting(lingers: true)
    }

    /// Adds the tunnel's bytes to its API's, once.
    func countTunnel() {
        guard let ended = tunnel else { return }
        tunnel = nil
        guard let meter = ended.meter else { return }
        loop.traffic.countBytes(meter, bytesIn: ended.received, bytesOut: exchange.sentBytes, now: loop.eventTime)
    }
}

/// The proof that a backend has understood a request for WebSocket (RFC 6455, 4.2.2).
enum WebSocketHandshake {
    private static let suffix = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
    private static let key = Array("sec-websocket-key".utf8)
    private static let accept = Array("sec-websocket-accept".utf8)

    /// True for other protocols, and for an answer that could not have been made without reading this request's key: a page that
    /// merely can be made to answer 101 opens no tunnel.
    static func isAnswered(_ request: RequestHead, _ answer: ResponseHead) -> Bool {
        guard request.upgradeProtocol?.equalsIgnoringCase("websocket") == true else { return true }
        guard let key = request.value(named: key), let accept = answer.value(named: accept) else { return false }
        return accept.equals(Base64.encode(Array(Insecure.SHA1.hash(data: key.array + suffix))))
    }
}
