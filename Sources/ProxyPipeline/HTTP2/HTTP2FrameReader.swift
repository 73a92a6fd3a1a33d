import GatewayPrimitives

/// Kinds of frames (RFC 9113, 6).
public enum HTTP2FrameType: UInt8, Sendable {
    case data, headers, priority, reset, settings, push, ping, goAway, windowUpdate, continuation
}

/// Takes what a client sends apart: the preface, then frames, each checked by itself (RFC 9113, 4 and 6). What frames mean to streams
/// is the session's business. Field blocks are decoded in the order in which they come, whatever becomes of them.
public struct HTTP2FrameReader: ~Copyable {
    public enum Event: Equatable, Sendable {
        /// A whole frame is not here.
        case needsMore
        /// The message's fields are in the list.
        case headers(stream: UInt32, ends: Bool)
        /// `count` bytes of a body stand at `start` of the input; with padding the frame had `cost` bytes.
        case data(stream: UInt32, start: Int, count: Int, cost: Int, ends: Bool)
        case priority
        case reset(stream: UInt32)
        /// What a client says to a server that pushes nothing, indexes nothing and sends the smallest frames (RFC 9113, 6.5.2).
        case settings(initialWindow: Int?)
        case settingsTaken
        case ping(UInt64)
        case pong
        case windowUpdate(stream: UInt32, increment: Int)
        /// GOAWAY and frames of other kinds.
        case nothing
        /// The stream cannot go on.
        case streamFailed(UInt32, HTTP2ErrorCode)
        /// The connection cannot go on.
        case failed(HTTP2ErrorCode)
    }

    private enum Flag {
        static let acknowledges: UInt8 = 1
        static let endsStream: UInt8 = 1
        static let endsHeaders: UInt8 = 4
        static let padded: UInt8 = 8
        static let hasPriority: UInt8 = 32
    }

    public static let headCount = 9
    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    private let fields: HTTP2FieldList
    private var decoder = HPACKDecoder()
    private var prefaceCount = 0
    private var hasSettings = false
    /// The stream whose field block goes on in the next frame; 0: none.
    private var unfinished: UInt32 = 0
    private var unfinishedEnds = false
    private var continuations = 0
    private var block: [UInt8] = []

    /// - Parameter fields: gets the fields of each message.
    public init(_ fields: HTTP2FieldList) { self.fields = fields }

    /// Reads `input` from `offset` on, which is moved behind what was taken. After `failed` nothing more may be read.
    public mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        if prefaceCount < Self.preface.utf8CodeUnitCount {
            let known = UnsafeBufferPointer(start: Self.preface.utf8Start, count: Self.preface.utf8CodeUnitCount)
            while prefaceCount < known.count {
                guard offset < input.count else { return .needsMore }
                guard input[offset] == known[prefaceCount] else { return .failed(.protocolError) }
                offset += 1
                prefaceCount += 1
            }
        }
        guard input.count - offset >= Self.headCount else { return .needsMore }
        let length = Int(input[offset]) << 16 | Int(input[offset + 1]) << 8 | Int(input[offset + 2])
        guard length <= HTTP2Limits.frame else { return .failed(.frameSizeError) }
        let type = HTTP2FrameType(rawValue: input[offset + 3])
        let flags = input[offset + 4]
        let stream = Self.integer(input, offset + 5) & 0x7FFF_FFFF
        // What comes first tells whether this is a client of HTTP/2 (RFC 9113, 3.4).
        guard hasSettings || type == .settings && flags & Flag.acknowledges == 0 else { return .failed(.protocolError) }
        guard unfinished == 0 || type == .continuation && stream == unfinished else { return .failed(.protocolError) }
        guard input.count - offset - Self.headCount >= length else { return .needsMore }
        let start = offset + Self.headCount
        offset = start + length
        let payload = UnsafeRawBufferPointer(rebasing: input[start..<offset])
        switch type {
        case .data: return readData(payload, flags, stream, start)
        case .headers: return readHeaders(payload, flags, stream)
        case .priority:
            guard stream != 0 else { return .failed(.protocolError) }
            return length == 5 ? .priority : .streamFailed(stream, .frameSizeError)
        case .reset:
            guard stream != 0 else { return .failed(.protocolError) }
            return length == 4 ? .reset(stream: stream) : .failed(.frameSizeError)
        case .settings: return readSettings(payload, flags, stream)
        case .push: return .failed(.protocolError)
        case .ping:
            guard stream == 0 else { return .failed(.protocolError) }
            guard length == 8 else { return .failed(.frameSizeError) }
            return flags & Flag.acknowledges != 0
                ? .pong : .ping(UInt64(Self.integer(payload, 0)) << 32 | UInt64(Self.integer(payload, 4)))
        case .goAway:
            guard stream == 0 else { return .failed(.protocolError) }
            return length >= 8 ? .nothing : .failed(.frameSizeError)
        case .windowUpdate:
            guard length == 4 else { return .failed(.frameSizeError) }
            let increment = Int(Self.integer(payload, 0) & 0x7FFF_FFFF)
            guard increment > 0 else { return stream == 0 ? .failed(.protocolError) : .streamFailed(stream, .protocolError) }
            return .windowUpdate(stream: stream, increment: increment)
        case .continuation: return readContinuation(payload, flags)
        case nil: return .nothing
        }
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
    }

    /// Where the content of a frame stands that may be padded; nil when the padding is longer than the frame.
    private static func content(_ payload: UnsafeRawBufferPointer, _ flags: UInt8) -> Range<Int>? {
        guard flags & Flag.padded != 0 else { return 0..<payload.count }
        guard payload.count >= 1, Int(payload[0]) < payload.count else { return nil }
        return 1..<payload.count - Int(payload[0])
    }

    private func readData(_ payload: UnsafeRawBufferPointer, _ flags: UInt8, _ stream: UInt32, _ start: Int) -> Event {
        guard stream != 0, let content = Self.content(payload, flags) else { return .failed(.protocolError) }
        return .data(
            stream: stream, start: start + content.lowerBound, count: content.count, cost: payload.count,
            ends: flags & Flag.endsStream != 0)
    }

    private mutating func readHeaders(_ payload: UnsafeRawBufferPointer, _ flags: UInt8, _ stream: UInt32) -> Event {
        guard stream != 0, var content = Self.content(payload, flags) else { return .failed(.protocolError) }
        if flags & Flag.hasPriority != 0 {
            guard content.count >= 5 else { return .failed(.frameSizeError) }
            content = content.lowerBound + 5..<content.upperBound
        }
        let piece = UnsafeRawBufferPointer(rebasing: payload[content])
        let ends = flags & Flag.endsStream != 0
        if flags & Flag.endsHeaders != 0 { return decode(piece, stream, ends) }
        unfinished = stream
        unfinishedEnds = ends
        continuations = 0
        block.append(contentsOf: piece)
        return .nothing
    }

    private mutating func readContinuation(_ payload: UnsafeRawBufferPointer, _ flags: UInt8) -> Event {
        guard unfinished != 0 else { return .failed(.protocolError) }
        continuations += 1
        guard continuations <= HTTP2Limits.continuations else { return .failed(.enhanceYourCalm) }
        block.append(contentsOf: payload)
        guard flags & Flag.endsHeaders != 0 else { return .nothing }
        let stream = unfinished
        unfinished = 0
        let whole = block
        block = []
        return whole.withUnsafeBytes { decode($0, stream, unfinishedEnds) }
    }

    private mutating func decode(_ block: UnsafeRawBufferPointer, _ stream: UInt32, _ ends: Bool) -> Event {
        fields.reset()
        if let failure = decoder.decode(block, to: fields) { return .failed(failure) }
        return .headers(stream: stream, ends: ends)
    }

    private mutating func readSettings(_ payload: UnsafeRawBufferPointer, _ flags: UInt8, _ stream: UInt32) -> Event {
        guard stream == 0 else { return .failed(.protocolError) }
        if flags & Flag.acknowledges != 0 { return payload.isEmpty ? .settingsTaken : .failed(.frameSizeError) }
        guard payload.count % 6 == 0 else { return .failed(.frameSizeError) }
        var initialWindow: Int?
        for at in stride(from: 0, to: payload.count, by: 6) {
            let value = Int(Self.integer(payload, at + 2))
            switch Int(payload[at]) << 8 | Int(payload[at + 1]) {
            case 2: guard value <= 1 else { return .failed(.protocolError) }
            case 4:
                guard value <= HTTP2Limits.largestWindow else { return .failed(.flowControlError) }
                initialWindow = value
            case 5: guard (16_384...16_777_215).contains(value) else { return .failed(.protocolError) }
            default: break
            }
        }
        hasSettings = true
        return .settings(initialWindow: initialWindow)
    }
}
