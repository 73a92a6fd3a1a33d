import GatewayPrimitives

/// The head of an answer: received from a backend, or begun by the gateway itself.
///
/// Reading is as strict as for requests where two readers could disagree about what follows: such an answer becomes 502 and
/// its connection is closed.
public final class ResponseHead: MessageHead {
    /// 100...599
    public internal(set) var status = 0
    private var reasonStart = 0
    private var reasonCount = 0
    public private(set) var isHTTP10 = false
    public private(set) var framing = BodyFraming.none
    /// `Content-Length` as the backend sent it, also where no body follows (HEAD, 304).
    public private(set) var declaredLength: Int?
    /// The backend keeps its connection open after this answer.
    public private(set) var keepsAlive = false
    /// Index of the `Upgrade` field of a 101 that names one protocol; -1 for any other answer.
    private var upgradeField = -1
    /// Set before feeding: the request was a HEAD, so that no body follows whatever the fields say (RFC 9112, 6.3).
    public var answersHead = false

    public override init() { super.init() }

    public override func reset() {
        super.reset()
        status = 0
        reasonCount = 0
        isHTTP10 = false
        framing = .none
        declaredLength = nil
        keepsAlive = false
        answersHead = false
        upgradeField = -1
    }

    /// What the backend goes on with behind this head; nil for everything but a whole 101 (RFC 9110, 15.2.2).
    public var upgradeProtocol: ByteView? { upgradeField < 0 ? nil : value(at: upgradeField) }

    /// Starts an answer of the gateway's own: no fields yet, `add` them.
    public func begin(status: Int) {
        reset()
        self.status = status
    }

    /// 1xx: another head follows (RFC 9110, 15.2).
    public var isInterim: Bool { status < 200 }

    /// The backend's reason phrase, empty for own answers.
    var reason: ByteView { view(reasonStart, reasonCount) }

    override func readStartLine(_ line: ByteView) -> HeadRefusal? {
        // "HTTP/1.1 200", then a blank and the reason, which may be empty; the blank itself is often left out.
        guard line.count >= 12, line.hasPrefix(ByteView("HTTP/1.")), line[8] == 0x20 else { return .malformed(.startLine) }
        switch line[7] {
        case UInt8(ascii: "1"): isHTTP10 = false
        case UInt8(ascii: "0"): isHTTP10 = true
        default: return .malformed(.version)
        }
        guard let number = line.slice(9, 12).decimal, (100 ... 599).contains(number) else { return .malformed(.status) }
        status = number
        guard line.count > 12 else { return nil }
        guard line[12] == 0x20 else { return .malformed(.status) }
        let text = line.dropFirst(13)
        guard ByteClass.isFieldValue(text) else { return .malformed(.startLine) }
        reasonStart = text.start - UnsafeRawPointer(bytes)
        reasonCount = text.count
        return nil
    }

    override func finish() -> HeadRefusal? {
        switch readFraming(isHTTP10: isHTTP10) {
        case .failure(let error): return .malformed(error.defect)
        case .success(let found):
            if case .length(let length)? = found { declaredLength = length }
            if answersHead || isInterim || status == 204 || status == 304 {
                framing = .none
            } else {
                framing = found ?? .untilClose
            }
        }
        guard let options = readConnectionOptions() else { return .malformed(.connectionOptions) }
        if status == 101, options.upgrade, occurrences(.upgrade) == 1, let index = firstIndex(.upgrade) {
            upgradeField = index
            restore(.secWebSocket)
        }
        keepsAlive = !options.close && framing != .untilClose && (!isHTTP10 || options.keepAlive)
        return nil
    }
}
