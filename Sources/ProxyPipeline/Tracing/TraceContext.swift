import GatewayPrimitives

/// W3C Trace Context, as it came with a request (`traceparent`, level 1 and 2).
public struct TraceContext: Sendable, Equatable {
    /// Both halves of the trace's id, which is not zero.
    public let high, low: UInt64
    /// The caller's span, not zero.
    public let parent: UInt64
    public let isSampled: Bool
    /// Flag of level 2: the trace's id is random.
    public let isRandom: Bool

    public init(high: UInt64, low: UInt64, parent: UInt64, isSampled: Bool, isRandom: Bool = false) {
        self.high = high
        self.low = low
        self.parent = parent
        self.isSampled = isSampled
        self.isRandom = isRandom
    }

    /// Reads the one `traceparent` of a request.
    ///
    /// - Returns: nil where there is none, more than one, or one of another form: a new trace begins then, as the standard says.
    public static func read(_ head: RequestHead) -> TraceContext? {
        var found: ByteView?
        for index in 0..<head.fieldCount where !head.isRemoved(at: index) && isParent(head.name(at: index)) {
            guard found == nil else { return nil }
            found = head.value(at: index)
        }
        return found.flatMap(read)
    }

    /// `00-<32 digits>-<16 digits>-<2 digits>` in lower case; later versions may have more behind it.
    public static func read(_ value: ByteView) -> TraceContext? {
        let dash = UInt8(ascii: "-")
        guard value.count >= 55, value[2] == dash, value[35] == dash, value[52] == dash,
            let version = number(value.slice(0, 2)), version != 0xFF, let high = number(value.slice(3, 19)),
            let low = number(value.slice(19, 35)), let parent = number(value.slice(36, 52)), let flags = number(value.slice(53, 55)),
            high | low != 0, parent != 0
        else { return nil }
        guard value.count == 55 || version > 0 && value[55] == dash else { return nil }
        return TraceContext(high: high, low: low, parent: parent, isSampled: flags & 1 != 0, isRandom: flags & 2 != 0)
    }

    /// Lower-case digits alone.
    private static func number(_ digits: ByteView) -> UInt64? {
        var value: UInt64 = 0
        for index in 0..<digits.count {
            let byte = digits[index]
            guard !(0x41...0x46).contains(byte), let digit = hexadecimalValue(byte) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    @inline(__always)
    static func isParent(_ name: ByteView) -> Bool { name.count == 11 && name.equalsIgnoringCase("traceparent") }

    @inline(__always)
    static func isState(_ name: ByteView) -> Bool { name.count == 10 && name.equalsIgnoringCase("tracestate") }
}

/// The trace that a request belongs to, and its spans here.
public struct RequestTrace: Sendable, Equatable {
    public let high, low: UInt64
    /// The caller's span; 0: the trace begins here.
    public let parent: UInt64
    /// The request's own span.
    public let span: UInt64
    /// Of the present attempt at a backend; 0: there was none.
    public var attempt: UInt64 = 0
    public let isSampled: Bool
    public let isRandom: Bool

    /// - Parameters:
    ///   - fresh: id of a trace that begins here.
    ///   - ratio: how many of the traces that begin here are recorded, 0...1.
    public init(continuing context: TraceContext?, fresh: RequestID, span: UInt64, ratio: Double) {
        self.span = max(1, span)
        if let context {
            high = context.high
            low = context.low
            parent = context.parent
            isSampled = context.isSampled
            isRandom = context.isRandom
        } else {
            high = fresh.high
            low = max(1, fresh.low)
            parent = 0
            isRandom = false
            // Of 64 bits: a ratio of 1 takes all of them.
            isSampled = ratio >= 1 || Double(fresh.low >> 11) < ratio * 9_007_199_254_740_992
        }
    }

    /// `tracestate` belongs to the trace that came, and means nothing in another one.
    public var keepsState: Bool { parent != 0 }

    /// Bytes of ``writeValue(to:)``.
    static let valueCount = 55
    /// No line of ``write(to:)`` is longer.
    static let bound = 80

    /// The line that the backend gets, whose parent is the attempt's span, or the request's own.
    func write(to writer: inout ByteWriter) {
        writer.append("traceparent: ")
        writeValue(to: &writer)
        writer.append("\r\n")
    }

    func writeValue(to writer: inout ByteWriter) {
        writer.append("00-")
        RequestID(high: high, low: low).write(to: &writer)
        writer.append("-")
        RequestID.write(attempt == 0 ? span : attempt, to: &writer)
        writer.append("-0")
        writer.append(UInt8(ascii: "0") + (isSampled ? 1 : 0) + (isRandom ? 2 : 0))
    }
}
