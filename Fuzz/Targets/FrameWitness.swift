import NIOEmbedded

/// A frame of HTTP/2, read without any opinion (RFC 9113, 4.1).
struct Frame {
    let type: Int
    let flags: UInt8
    let stream: Int
    let payload: ArraySlice<UInt8>

    var endsStream: Bool { (type == 0 || type == 1) && flags & 1 != 0 }
    /// What the payload begins with: an increment, or the last stream.
    var number: Int { payload.count < 4 ? 0 : payload.prefix(4).reduce(0) { $0 << 8 | Int($1) } & 0x7FFF_FFFF }

    static func bytes(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags] + word(stream) + payload
    }

    static func word(_ value: Int) -> [UInt8] { (0..<4).reversed().map { UInt8(value >> (8 * $0) & 255) } }

    /// The frame at `offset`, which is moved behind it; nil while it is not whole.
    init?(_ bytes: [UInt8], _ offset: inout Int) {
        guard bytes.count - offset >= 9 else { return nil }
        let length = Int(bytes[offset]) << 16 | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
        guard bytes.count - offset - 9 >= length else { return nil }
        type = Int(bytes[offset + 3])
        flags = bytes[offset + 4]
        stream = bytes[offset + 5..<offset + 9].reduce(0) { $0 << 8 | Int($1) } & 0x7FFF_FFFF
        payload = bytes[offset + 9..<offset + 9 + length]
        offset += 9 + length
    }
}

/// A client that does nothing wrong, and holds the gateway to its answers: one for each call.
struct FaithfulClient {
    private struct Call {
        enum Answer { case none, begun, ended }
        var answer = Answer.none
        /// Nothing more is said on the stream by the gateway.
        var isReset = false
        /// Everything of the request was said, or it was given up.
        var asked: Bool
        /// What the gateway takes, and what the client does.
        var window = 65_535
        var credit: Int

        var isOver: Bool { answer == .ended && asked }
    }

    var end: End
    private var offset = 0
    private var calls: [Call] = []
    private var window = 65_535
    private var credit = 65_535
    private let initialCredit: Int
    private var cancelled = 0
    /// Bytes of bodies that were heard and said.
    private(set) var received = 0
    private(set) var sent = 0

    static let callLimit = 300

    init(_ end: End, initialCredit: Int) {
        self.end = end
        self.initialCredit = initialCredit
    }

    var count: Int { calls.count }

    mutating func begin() {
        end.connect()
        end.say(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame.bytes(4, 0, 0, [0, 4] + Frame.word(initialCredit)))
    }

    mutating func call(ends: Bool, hasTimeout: Bool, hasType: Bool) {
        guard calls.count < Self.callLimit, calls.count(where: { !$0.isOver }) < 100 else { return }
        var block: [UInt8] = [0x83, 0x86, 0x04, 2] + Array("/c".utf8) + [0x01, 1, UInt8(ascii: "h")]
        if hasType { block += [0x0F, 0x10, 16] + Array("application/grpc".utf8) }
        if hasTimeout { block += [0x00, 12] + Array("grpc-timeout".utf8) + [2] + Array("9S".utf8) }
        calls.append(Call(asked: ends, credit: initialCredit))
        end.say(Frame.bytes(1, ends ? 5 : 4, calls.count * 2 - 1, block))
    }

    /// - Parameter back: 0 is the latest call.
    mutating func send(_ back: Int, _ count: Int, ends: Bool) {
        let index = calls.count - 1 - back
        guard index >= 0, !calls[index].asked, !calls[index].isReset else { return }
        let count = max(0, min(count, calls[index].window, window, 16_384))
        // Frames that say nothing are counted.
        guard count > 0 || ends else { return }
        calls[index].window -= count
        window -= count
        sent += count
        calls[index].asked = ends
        end.say(Frame.bytes(0, ends ? 1 : 0, index * 2 + 1, [UInt8](repeating: 0, count: count)))
    }

    mutating func cancel(_ back: Int) {
        let index = calls.count - 1 - back
        guard index >= 0, !calls[index].isOver, !calls[index].isReset, cancelled < 150 else { return }
        cancelled += 1
        calls[index].isReset = true
        calls[index].asked = true
        calls[index].answer = .ended
        end.say(Frame.bytes(3, 0, index * 2 + 1, Frame.word(8)))
    }

    /// - Parameter back: nil: the connection.
    mutating func widen(_ back: Int?, by increment: Int) {
        guard increment > 0 else { return }
        guard let back else {
            credit += increment
            return end.say(Frame.bytes(8, 0, 0, Frame.word(increment)))
        }
        let index = calls.count - 1 - back
        guard index >= 0, !calls[index].isOver else { return }
        calls[index].credit += increment
        end.say(Frame.bytes(8, 0, index * 2 + 1, Frame.word(increment)))
    }

    /// Takes everything, and has nothing more to say on calls that are answered.
    mutating func takeAll() {
        widen(nil, by: 1 << 28)
        for back in calls.indices { widen(back, by: 1 << 24) }
    }

    mutating func sayTheRest() {
        for back in calls.indices { send(back, 0, ends: true) }
    }

    mutating func hear() {
        end.hear()
        while let frame = Frame(end.heard, &offset) {
            hold(offset > frame.payload.count + 9 || frame.type == 4, "SETTINGS are not first")
            hold(frame.stream == 0 || frame.stream % 2 == 1 && frame.stream < calls.count * 2, "frame \(frame.type) on stream \(frame.stream)")
            let index = (frame.stream - 1) / 2
            switch frame.type {
            case 0:
                hold(frame.stream > 0 && calls[index].answer == .begun && !calls[index].isReset, "a body without an answer")
                calls[index].credit -= frame.payload.count
                credit -= frame.payload.count
                received += frame.payload.count
                hold(calls[index].credit >= 0 && credit >= 0 || frame.payload.isEmpty, "more than the client takes")
                if frame.endsStream { calls[index].answer = .ended }
            case 1:
                hold(frame.stream > 0 && calls[index].answer != .ended && !calls[index].isReset, "a second answer")
                hold(calls[index].answer == .none || frame.endsStream, "two heads")
                calls[index].answer = frame.endsStream ? .ended : .begun
            case 3:
                hold(frame.stream > 0 && !calls[index].isReset, "reset twice")
                hold(calls[index].answer != .ended || !calls[index].asked, "reset after everything")
                calls[index].isReset = true
                calls[index].answer = .ended
                calls[index].asked = true
            case 4, 9: break
            case 8:
                if frame.stream == 0 { window += frame.number } else { calls[index].window += frame.number }
                hold(window <= 65_535 && (frame.stream == 0 || calls[index].window <= 65_535), "a window that was not used")
            // One of them is GOAWAY, which nobody gets who does nothing wrong.
            default: hold(false, "frame \(frame.type)")
            }
        }
    }

    /// Everything that the client has called is over.
    func holdEnded() {
        hold(end.channel.isActive, "the client's connection is closed")
        hold(offset == end.heard.count, "half a frame")
        if let index = calls.firstIndex(where: { $0.answer != .ended }) { hold(false, "call \(index) of \(calls.count) has no end") }
    }
}

/// Hears what the gateway says to a backend, and holds it to what the backend has said.
struct BackendWitness {
    private struct Stream {
        var hasEnded = false
        var isReset = false
        var data = 0
    }

    var end: End
    private var offset = 0
    private var hasSettings = false
    private var hasLeft = false
    private var streams: [Int: Stream] = [:]
    private var last = 0
    private var unfinished = 0
    private var data = 0
    /// Given back to the backend, for streams.
    private(set) var granted = 0

    // What the backend takes at most, whatever else it has said.
    private var saidOffset = 0
    private var initial: Int?
    private var credit = 65_535
    private var credits: [Int: Int] = [:]

    init(_ end: End) { self.end = end }

    var count: Int { streams.count }

    mutating func hear() {
        while let frame = Frame(end.said, &saidOffset) {
            if frame.type == 8 {
                if frame.stream == 0 { credit += frame.number } else { credits[frame.stream, default: 0] += frame.number }
            } else if frame.type == 4, frame.flags & 1 == 0 {
                var value = initial ?? 65_535
                var at = frame.payload.startIndex
                while at + 6 <= frame.payload.endIndex {
                    let said = frame.payload[at + 2..<at + 6].reduce(0) { $0 << 8 | Int($1) }
                    if frame.payload[at] == 0, frame.payload[at + 1] == 4 { value = initial == nil ? said : max(value, said) }
                    at += 6
                }
                initial = value
            }
        }
        end.hear()
        if offset == 0 {
            guard !end.heard.isEmpty else { return }
            let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            hold(end.heard.starts(with: preface), "no preface")
            offset = preface.count
        }
        while let frame = Frame(end.heard, &offset) { take(frame) }
        hold(offset == end.heard.count, "half a frame for the backend")
    }

    private mutating func take(_ frame: Frame) {
        hold(hasSettings || frame.type == 4, "SETTINGS are not first")
        hasSettings = true
        hold(!hasLeft, "frame \(frame.type) after GOAWAY")
        hold(frame.payload.count <= 16_384, "a frame of \(frame.payload.count) bytes")
        hold(unfinished == 0 || frame.type == 9 && frame.stream == unfinished, "frame \(frame.type) within a field block")
        if frame.type == 1 {
            hold(frame.stream % 2 == 1 && frame.stream > last, "stream \(frame.stream) after \(last)")
            last = frame.stream
            streams[last] = Stream(hasEnded: frame.endsStream)
            unfinished = frame.flags & 4 == 0 ? last : 0
            return
        }
        if frame.type == 9 {
            hold(unfinished != 0, "CONTINUATION of nothing")
            if frame.flags & 4 != 0 { unfinished = 0 }
            return
        }
        guard frame.stream > 0 else {
            hold([4, 6, 7, 8].contains(frame.type), "frame \(frame.type) on the connection")
            hold(frame.type != 6 || frame.flags & 1 != 0, "a PING of the gateway's")
            if frame.type == 7 { hasLeft = true }
            return
        }
        guard var stream = streams[frame.stream] else { return hold(false, "frame \(frame.type) on stream \(frame.stream)") }
        hold(!stream.isReset, "frame \(frame.type) after RST_STREAM")
        switch frame.type {
        case 0:
            hold(!stream.hasEnded, "more than the whole request")
            stream.data += frame.payload.count
            data += frame.payload.count
            hold(frame.payload.isEmpty || stream.data <= (initial ?? 0) + credits[frame.stream, default: 0], "more than the stream takes")
            hold(frame.payload.isEmpty || data <= credit, "more than the connection takes")
            if frame.endsStream { stream.hasEnded = true }
        case 3: stream.isReset = true
        case 8: granted += frame.number
        default: hold(false, "frame \(frame.type) on a stream")
        }
        streams[frame.stream] = stream
    }
}
