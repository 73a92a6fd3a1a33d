import NIOCore
import ProxyPipeline
import RequestSigning
import Snapshot

/// What a client connection knows about the request that it is serving. One for each connection, on its event loop; a class,
/// because copies of so many references would cost more than everything that is done with them.
final class Exchange {
    var requestID = RequestID(high: 0, low: 0)
    /// Monotonic nanoseconds at which the head was complete.
    var began: UInt64 = 0
    /// The request's route keeps everything alive that its snapshot said about it.
    var route: Route?
    var backend: HTTPBackend?
    /// Member of the backend's channel that is asked now, and those that have failed this request.
    private var member: BalancedMember?
    private(set) var triedMembers: [BalancedMember] = []
    var memberGroup: MemberGroupName? { member?.group }
    var instance: InstanceContext?
    /// Where the path parameters were found; a copy, because other requests use the loop's.
    var captures: RouteCaptures?

    /// What the request's parameters become; only for routes that read some.
    private(set) var parameters: MappedRequest?
    private var spareParameters: MappedRequest?

    func takeParameters() -> MappedRequest {
        let taken = spareParameters ?? MappedRequest()
        spareParameters = nil
        parameters = taken
        return taken
    }

    /// For the gateway's own answers.
    private var spareAnswer: ResponseHead?
    var ownAnswer: ResponseHead {
        let answer = spareAnswer ?? ResponseHead()
        spareAnswer = answer
        return answer
    }

    /// What few requests have; nil while this one has nothing of it.
    var extras: ExchangeExtras?
    private var spareExtras: ExchangeExtras?

    func takeExtras() -> ExchangeExtras {
        if let extras { return extras }
        let taken = spareExtras ?? ExchangeExtras()
        spareExtras = nil
        extras = taken
        return taken
    }

    /// What holds the request back.
    enum Gate {
        case open
        /// Body bytes for the authentication service.
        case collecting(ThirdAuthPolicy, bytes: Int)
        case asking
        /// The identity service is asked who calls.
        case identifying
        /// The whole body, for the hash in the caller's signature.
        case verifying(CallerStage.Pending)
        /// The whole body, for the token endpoint.
        case requestingToken(AppTokenPolicy)
        /// The whole body, for the event of a function.
        case filling(FunctionUse)
    }
    var gate = Gate.open
    /// Body bytes without framing, as many as ``wantedBytes``.
    private(set) var collected: [UInt8] = []
    /// How many the authentication service gets.
    var wantedBytes = 0
    /// Hashes the body for the caller's signature.
    var hasher: BodyHasher?
    /// Applications as the request's snapshot knows them; only for routes that ask who calls.
    var callers: CallerDirectory?
    var asksWithBody = false
    var saidContinue = false
    /// Only for routes whose policies ask for values.
    var values: RequestValues?
    var outcome = Pipeline.Outcome()
    var isPreflight = false

    /// The pool that the connection's last request used: clients tend to ask one API again and again.
    var lastPool: (backend: HTTPBackend, pool: UpstreamPool, generation: UInt64)?
    /// The same for a backend with a channel.
    var lastView: (view: ChannelView, generation: UInt64)?
    var upstream: UpstreamConnection?
    var isConnecting = false
    /// Sent, or being sent: the body goes on as it comes.
    var isDispatched = false
    /// The whole body must be here before the request can be sent.
    var collectsBody = false
    /// Counts attempts of all requests, so that a late callback of an earlier one is recognised.
    var serial: UInt64 = 0
    var attempts = 0
    var retriesLeft = 0
    var sentAt: UInt64 = 0
    /// The first attempt's.
    var firstSentAt: UInt64 = 0
    var answeredAt: UInt64 = 0
    /// A byte of the answer has been given to the client's channel.
    var hasAnswer = false
    var form: AnswerForm?
    /// Longest pause of the backend inside the answer's body, in nanoseconds.
    var pause: UInt64 = 0
    /// Of the answer, 0 while there is none; 502 for one that broke off.
    var status = 0
    /// Bytes given to the client's channel.
    var sentBytes = 0
    /// Set on an answer of the gateway's own that is an error.
    var failure: GatewayFailure?
    /// The request has begun and has been neither counted nor logged.
    var isOpen = false
    /// The last one, for logs; nil while there is none that is logged.
    private(set) var attempt: LoggedAttempt?
    private var spareAttempt: LoggedAttempt?

    func takeAttempt(at endpoint: LoggedEndpoint) -> LoggedAttempt {
        let taken = spareAttempt ?? LoggedAttempt(endpoint)
        spareAttempt = taken
        attempt = taken
        return taken
    }

    /// Bytes that were compressed, and what they became.
    var gzipCounts = (read: 0, written: 0)
    /// Monotonic nanoseconds by which the backend must have moved on; `.max`: none.
    var deadline = UInt64.max

    /// Gives the backend until then; a call's own deadline stands before it.
    func wait(until moment: UInt64) { deadline = min(moment, call?.deadline ?? .max) }

    /// Body bytes in the framing of the backend, not yet given to its connection.
    private(set) var unsent = ByteBuffer()
    /// Everything of the body so far, while it can still be sent again.
    private(set) var replay = ByteBuffer()
    private(set) var isReplayable = true
    private static let replayBound = 64 * 1024

    func reset(now: UInt64, requestID: RequestID) {
        self.requestID = requestID
        began = now
        serial &+= 1
        attempts = 0
        retriesLeft = 0
        sentAt = 0
        firstSentAt = 0
        status = 0
        sentBytes = 0
        failure = nil
        isOpen = true
        if attempt != nil { attempt = nil }
        gzipCounts = (0, 0)
        answeredAt = 0
        hasAnswer = false
        form = nil
        isDispatched = false
        collectsBody = false
        saidContinue = false
        isReplayable = true
        deadline = .max
        if unsent.capacity > 0 { unsent.clear() }
        if replay.capacity > 0 { replay.clear() }
    }

    /// Lets go of everything; an attempt under way is cancelled.
    func end() {
        serial &+= 1
        deadline = .max
        route = nil
        backend = nil
        if member != nil { leaveMember(failed: false) }
        if !triedMembers.isEmpty { triedMembers = [] }
        instance = nil
        gate = .open
        isPreflight = false
        if wantedBytes > 0 {
            collected = []
            wantedBytes = 0
            callers = nil
        }
        if values != nil {
            values = nil
            outcome = Pipeline.Outcome()
            callers = nil
            hasher = nil
            collected = []
            wantedBytes = 0
            if let parameters, !parameters.isLarge { spareParameters = parameters }
            parameters = nil
        }
        if let extras {
            extras.clear()
            spareExtras = extras
            self.extras = nil
        }
        isConnecting = false
        isDispatched = false
        form = nil
        if let upstream {
            self.upstream = nil
            upstream.close()
        }
        // A large body's buffers are not kept by an idle connection.
        if unsent.capacity > Self.replayBound { unsent = ByteBuffer() }
        if replay.capacity > Self.replayBound { replay = ByteBuffer() }
    }

    /// Milliseconds since 1970, without another call of the clock in the event in which the head came.
    func wall(at eventTime: UInt64) -> Int64 {
        if let values, eventTime == began { return values.facts.nowMilliseconds }
        return LoopState.wallMilliseconds()
    }

    func ask(_ member: BalancedMember) {
        member.state.begin()
        self.member = member
    }

    /// The attempt is over; a member that failed is not asked again while there is another one.
    func leaveMember(failed: Bool) {
        guard let member else { return }
        member.state.end()
        if failed { triedMembers.append(member) }
        self.member = nil
    }

    /// The backend does not take the body as fast as the client sends it.
    var isCongested: Bool { unsent.readableBytes > ClientConnection.bufferBound }

    private var isGated: Bool { if case .open = gate { false } else { true } }

    func append(_ bytes: UnsafeRawBufferPointer, chunked: Bool) {
        Self.append(bytes, chunked: chunked, to: &unsent)
        if collected.count < wantedBytes { collected.append(contentsOf: bytes.prefix(wantedBytes - collected.count)) }
        hasher?.update(bytes)
        capture?.addRequest(bytes)
        guard isReplayable else { return }
        // Before the backend is chosen nobody knows how often it may be asked.
        if retriesLeft > 0 || isGated || call != nil, replay.readableBytes + bytes.count <= Self.replayBound {
            Self.append(bytes, chunked: chunked, to: &replay)
        } else {
            isReplayable = false
            replay.clear()
        }
    }

    func appendLastChunk() {
        unsent.writeStaticString("0\r\n\r\n")
        if isReplayable { replay.writeStaticString("0\r\n\r\n") }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, chunked: Bool, to buffer: inout ByteBuffer) {
        guard chunked else {
            buffer.writeBytes(bytes)
            return
        }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 24) { area in
            var writer = ByteWriter(area)
            writer.append(hexadecimal: bytes.count)
            writer.append("\r\n")
            writer.append(bytes)
            writer.append("\r\n")
            return writer.count
        }
    }

    /// The bytes to send now, and an empty buffer in their place.
    func takeUnsent() -> ByteBuffer {
        let taken = unsent
        unsent = ByteBuffer()
        return taken
    }

    /// The collected body, nil for one that streams.
    func withCollectedBody<T>(_ body: (UnsafeRawBufferPointer?) -> T) -> T {
        guard collectsBody else { return body(nil) }
        return unsent.withUnsafeReadableBytes { body($0) }
    }

    /// The body without framing, all of which is here and unsent.
    func wholeBody(chunked: Bool) -> [UInt8] {
        unsent.withUnsafeReadableBytes { bytes in
            guard chunked else { return Array(bytes) }
            var body: [UInt8] = []
            body.reserveCapacity(bytes.count)
            var reader = BodyReader(.chunked)
            var offset = 0
            while case .data(let start, let count) = reader.next(bytes, &offset) {
                body.append(contentsOf: bytes[start ..< start + count])
            }
            return body
        }
    }

    func clearUnsent() { unsent.clear() }

    /// Makes the whole body unsent again.
    func rewind() {
        unsent = replay
    }

    /// No further attempt: what was kept for one is dropped.
    func forgetReplay() {
        isReplayable = false
        if replay.readableBytes > 0 { replay.clear() }
    }
}
