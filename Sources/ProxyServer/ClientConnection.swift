import CertificateReading
import GatewayPrimitives
import NIOCore
import NIOSSL
import NIOTLS
import ProxyPipeline
import Snapshot

/// One client connection: reads requests one at a time, keeps what follows until its turn comes.
///
/// Everything happens on the connection's event loop; a request is forwarded without a task, a lock or a timer of its own.
/// `ClientExchange.swift` has the way to the backend, `ClientAnswer.swift` the way back.
final class ClientConnection: AnswerReceiver, ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Between requests.
        case idle
        /// A head has begun.
        case head
        /// A request is being decided, forwarded or answered.
        case exchange
        /// It has been answered; the rest of its body is read and forgotten.
        case discarding
        /// The backend has agreed to another protocol: bytes pass both ways, unread.
        case tunnel
        /// The last answer is on its way; input is forgotten until the client closes, so that a reset cannot overtake the answer.
        case lingering
        case closed
    }

    let loop: LoopState
    var usesTLS: Bool
    var listenerPort: Int
    /// A PROXY header will say who the client is.
    let awaitsAddress: Bool
    /// Reads and writes the frames where this is one stream of HTTP/2, which carries one request; nil for other connections.
    private(set) var frames: HTTP2Stream?
    var isStream: Bool { frames != nil }
    /// Set on connections of the program's own.
    let origin: DirectOrigin?
    /// Set when requests must have no consequences.
    let rehearsal: Rehearsal?
    /// What the handshake came to.
    var security: ConnectionSecurity
    /// Whose certificates the client was asked for.
    var requestedAuthority: ClientAuthority?
    private(set) var context: ChannelHandlerContext?
    var peer = IPAddress(v4: 0)
    var peerText: [UInt8] = []
    /// The peer is whom a load balancer named.
    var isProxied = false
    /// Place in the loop's list of connections; -1 when it is in none.
    var registration = -1
    /// A session has taken its place: the connection stays.
    var isSucceeded = false

    var phase = Phase.idle
    /// Borrowed from the loop while there is a request.
    var head: RequestHead?
    var body = BodyReader(.none)
    /// Reused for every answer.
    var out = ByteBuffer()
    /// What arrived behind the current request.
    var pending = ByteBuffer()
    var isProcessing = false
    private(set) var inputClosed = false
    /// As the channel last said.
    var isWritable = true
    var pausesReading = false
    private var heldRead = false

    /// Monotonic nanoseconds; `.max`: none.
    var clientDeadline = UInt64.max
    let exchange = Exchange()
    /// Set while there is one.
    var tunnel: Tunnel?

    /// Most bytes kept of pipelined requests, and of a body whose backend does not take it yet.
    static let bufferBound = 64 * 1024

    init(loop: LoopState, usesTLS: Bool, listenerPort: Int, origin: DirectOrigin? = nil, awaitsAddress: Bool = false) {
        self.awaitsAddress = awaitsAddress
        self.origin = origin
        rehearsal = origin?.assumptions.map(Rehearsal.init)
        self.loop = loop
        self.usesTLS = usesTLS
        security = ConnectionSecurity(usesTLS: usesTLS)
        if origin != nil, usesTLS { security.version = .tls13 }
        self.listenerPort = listenerPort
    }

    /// Serves streams of HTTP/2, one after the other, of whatever session.
    static func serving(streamsOn loop: LoopState) -> (ClientConnection, HTTP2Stream) {
        let connection = ClientConnection(loop: loop, usesTLS: false, listenerPort: 0)
        let stream = HTTP2Stream(connection)
        connection.frames = stream
        return (connection, stream)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { opened(context) }
    }

    func channelActive(context: ChannelHandlerContext) { opened(context) }

    private func opened(_ context: ChannelHandlerContext) {
        loop.eventBegins()
        guard registration < 0, phase != .closed else { return }
        if let address = context.channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }) { peer = address }
        if let origin { peer = origin.peer }
        peer.write(to: &peerText)
        guard awaitsAddress || takesPlace(on: context.channel), loop.add(self) else {
            phase = .closed
            context.close(promise: nil)
            return
        }
        clientDeadline = loop.eventTime + nanoseconds(loop.configuration.headTimeoutMilliseconds)
    }

    /// False when the client has as many connections as it may; otherwise it has a place until the channel is closed. The program's
    /// own requests need none.
    func takesPlace(on channel: any Channel) -> Bool {
        guard let clients = loop.clients, origin == nil else { return true }
        let peer = peer
        guard clients.enter(peer) else {
            loop.turnAway(.client)
            return false
        }
        channel.closeFuture.whenComplete { _ in clients.leave(peer) }
        return true
    }

    /// The peer is not who opened the connection, but whom it speaks for.
    func count(as address: IPAddress) {
        isProxied = true
        peer = address
        peerText.removeAll(keepingCapacity: true)
        address.write(to: &peerText)
    }

    /// Longest pause inside a request's body, feature `request_custom_config`.
    ///
    /// A call of gRPC may be silent as long as any other conversation.
    var bodyTimeout: UInt64 {
        if exchange.call != nil, case .open = exchange.gate { return nanoseconds(loop.configuration.tunnelIdleMilliseconds) }
        return nanoseconds(exchange.instance?.settings.bodyTimeoutMilliseconds ?? loop.configuration.bodyTimeoutMilliseconds)
    }

    func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(max(0, milliseconds)) * 1_000_000 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.eventBegins()
        var buffer = unwrapInboundIn(data)
        receive(&buffer)
    }

    func receive(_ buffer: inout ByteBuffer) {
        if pending.readableBytes > 0 || isProcessing {
            keep(&buffer)
            processPending()
        } else {
            process(&buffer)
            guard pending.readableBytes > 0 else { return keep(&buffer) }
            // A stream of HTTP/2 hands on what it has within the call that asks for it.
            putBack(&buffer)
            processPending()
        }
    }

    /// The request is over and answered: on to the next one, or to the end.
    func finishRequest() {
        if phase == .exchange || phase == .discarding { loop.requestEnds() }
        countRequest()
        exchange.end()
        if let head {
            loop.giveBack(head)
            self.head = nil
        }
        phase = .idle
        clientDeadline = loop.eventTime + nanoseconds(loop.configuration.keepAliveTimeoutMilliseconds)
        if let frames { return frames.requestIsOver() }
        if (loop.isDraining && !loop.isHandingOver) || (inputClosed && pending.readableBytes == 0) {
            closeNow()
            return
        }
        if !isProcessing { processPending() }
    }

    /// Counts and logs the request, once. Only what matched an API is in the API's counts, and a preflight is the browser's question
    /// and no call of the API.
    func countRequest() {
        guard exchange.isOpen, rehearsal == nil else { return }
        exchange.isOpen = false
        let now = loop.eventTime
        let sent = exchange.firstSentAt
        let latency = (now - min(now, exchange.began)) / 1000
        let backend = sent == 0 ? nil : (now - min(now, sent)) / 1000
        let bytesIn = (head?.byteCount ?? 0) + body.received
        loop.metrics.count(
            usesTLS: usesTLS, status: exchange.status, duration: latency, backend: backend, bytesIn: bytesIn,
            bytesOut: exchange.sentBytes)
        if let failure = exchange.failure { countRefusal(failure) }
        log(now: now)
        if let tracer = loop.tracer { endTrace(tracer, now: now) }
        guard let route = exchange.route, let meter = route.meter, !exchange.isPreflight else { return }
        exchange.route = nil
        loop.traffic.count(
            meter, status: exchange.status, latency: Int64(latency), backend: backend.map { Int64($0) }, bytesIn: bytesIn,
            bytesOut: exchange.sentBytes, now: now)
    }

    private func countRefusal(_ failure: GatewayFailure) {
        let object = exchange.route.map { $0.policies.objects[failure.stage]?.id ?? $0.identity.apiID }
        loop.metrics.refused(failure.refusingPolicy, object: object ?? "")
    }

    // MARK: Answers; the work is in ClientAnswer.swift, because extensions cannot override

    override func answerBegins(_ connection: UpstreamConnection) { relayHead(connection) }
    override func answerBody(_ bytes: UnsafeRawBufferPointer, of buffer: ByteBuffer, at start: Int) {
        relayBody(bytes, of: buffer, at: start)
    }
    override func answerPauses() { relayPauses() }
    override func answerEnds() { relayEnds() }
    override func answerUpgrades(_ connection: UpstreamConnection) -> Bool { openTunnel(connection) }
    override func answerHalfEnds() { backendHasFinished() }
    override func answerFails(_ connection: UpstreamConnection, malformed: Bool) { relayFails(connection, malformed: malformed) }
    override func backendIsWritable() { bodyMayGoOn() }

    // MARK: Channel, continued

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard let upstream = exchange.upstream else { return }
        if isWritable { upstream.resumeReading() } else { upstream.pauseReading() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let agreed) = event {
            handshakeIsOver(context)
            if agreed == "h2" {
                do {
                    try HTTP2Session.replace(self, in: context.pipeline.syncOperations)
                } catch {
                    closeNow()
                }
                return
            }
        }
        guard case .inputClosed? = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        inputClosed = true
        switch phase {
        case .idle, .head, .discarding, .lingering: closeNow()
        case .tunnel: clientHasFinished()
        // A client that has said everything may have closed its side; one that stops in the middle has gone.
        case .exchange where !body.isComplete: closeNow()
        case .exchange, .closed: break
        }
    }

    private func handshakeIsOver(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        switch try? pipeline.nioSSL_tlsVersion() {
        case .tlsv1: security.version = .tls10
        case .tlsv11: security.version = .tls11
        case .tlsv12: security.version = .tls12
        case .tlsv13: security.version = .tls13
        case nil: break
        }
        // A certificate that did not verify has ended the handshake.
        guard let requestedAuthority, let certificate = try? pipeline.nioSSL_peerCertificate() else { return }
        security.verifiedBy = requestedAuthority
        if let der = try? certificate.toDERBytes() { security.clientName = Array(ClientCertificate.commonName(der: der).utf8) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { closeNow() }

    func channelInactive(context: ChannelHandlerContext) { leave() }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    // MARK: Reading or not

    func read(context: ChannelHandlerContext) {
        if pausesReading { heldRead = true } else { context.read() }
    }

    func pauseReading() { pausesReading = true }

    func resumeReading() {
        guard pausesReading else { return }
        pausesReading = false
        frames?.widen()
        if heldRead {
            heldRead = false
            context?.read()
        }
    }

    // MARK: Time and end

    func checkDeadlines(_ now: UInt64) {
        if now >= clientDeadline {
            clientDeadline = .max
            switch phase {
            case .head: failUnreadable(.requestTimeout)
            case .exchange where !exchange.hasAnswer: failUnreadable(.requestTimeout)
            default: closeNow()
            }
        } else if now >= exchange.deadline {
            exchange.deadline = .max
            exchangeTimedOut()
        }
    }

    /// Answers a request whose rest will not be read.
    private func failUnreadable(_ failure: GatewayFailure) {
        if phase == .head {
            phase = .exchange
            exchange.reset(now: loop.eventTime, requestID: loop.requestIDs.next())
            loop.requestBegins()
        }
        body = BodyReader(.untilClose)
        fail(failure)
    }

    /// Lets a running request finish, and closes then; a stream ends by itself.
    func drain() {
        if !isStream, phase == .idle, pending.readableBytes == 0 { closeNow() }
    }

    func abort() { closeNow() }

    func closeNow() {
        let context = context
        leave()
        if let frames { frames.close() } else { context?.close(promise: nil) }
    }

    /// Writes what is in `out` and closes behind it, once it is out.
    func closeAfterWriting(lingers: Bool) {
        guard isAttached, phase != .closed else { return }
        if phase == .exchange || phase == .discarding { loop.requestEnds() }
        exchange.sentBytes &+= out.readableBytes
        countRequest()
        if tunnel != nil { countTunnel() }
        exchange.end()
        phase = .lingering
        clientDeadline = loop.eventTime + nanoseconds(loop.configuration.answerTimeoutMilliseconds)
        resumeReading()
        if let frames {
            frames.write(out)
            return frames.closeWhenSent()
        }
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(out), promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in
            if lingers, !self.inputClosed, !self.usesTLS, self.phase == .lingering {
                self.clientDeadline = LoopState.now() + 2_000_000_000
                context.close(mode: .output, promise: nil)
            } else {
                self.closeNow()
            }
        }
    }

    private func leave() {
        guard phase != .closed else { return }
        if phase == .exchange || phase == .discarding { loop.requestEnds() }
        phase = .closed
        clientDeadline = .max
        countRequest()
        if tunnel != nil { countTunnel() }
        exchange.end()
        if let head {
            loop.giveBack(head)
            self.head = nil
        }
        pending = ByteBuffer()
        loop.remove(self)
    }
}
