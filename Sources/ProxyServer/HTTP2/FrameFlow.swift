import NIOCore
import ProxyPipeline

/// What a connection of HTTP/2 has read and not taken, and what it may still write: the part of a session's state that is the same towards
/// clients and backends. ``FramedSession`` works with it.
struct FrameFlow {
    // What comes.
    /// Part of a frame.
    var unread = ByteBuffer()
    var isReading = false
    /// Bytes of bodies that may come, and how many may at most.
    private var receiveWindow: Int
    private let fullWindow: Int
    /// In a row.
    private var emptyFrames = 0
    var controlFrames: HTTP2RateLimit
    var resets: HTTP2RateLimit

    // What goes.
    var output = HTTP2Output()
    /// Bytes of bodies that the other side takes on all streams, and on one that begins.
    var sendWindow = HTTP2Limits.window
    var initialWindow = HTTP2Limits.window
    var isChannelWritable = true
    /// Frames that no stream waits for, since the channel is not writable.
    var waitingFrames = 0
    /// A stream has more than could be written.
    var hasWaiting = false
    /// Whose turn it is.
    var turn = 0
    var isFlushing = false
    var isFlushScheduled = false
    var flushTask: (@Sendable () -> Void)?

    static let outputBound = 64 * 1024

    init(window: Int, controlFrames: HTTP2RateLimit, resets: HTTP2RateLimit) {
        receiveWindow = window
        fullWindow = window
        self.controlFrames = controlFrames
        self.resets = resets
    }

    /// A field block ends a row of empty frames.
    mutating func takeHeaders() { emptyFrames = 0 }

    enum Charge {
        case fine
        /// So much is to be given back at once: each stream has a window of its own, so that one that is held up holds up no other.
        case widen(Int)
        case failed(HTTP2ErrorCode)
    }

    /// Part of a body has come.
    /// - Parameters:
    ///   - cost: with padding.
    ///   - isEmpty: it says nothing at all.
    mutating func take(cost: Int, isEmpty: Bool) -> Charge {
        receiveWindow -= cost
        guard receiveWindow >= 0 else { return .failed(.flowControlError) }
        emptyFrames = isEmpty ? emptyFrames + 1 : 0
        guard emptyFrames <= HTTP2Limits.emptyFrames else { return .failed(.enhanceYourCalm) }
        guard receiveWindow <= fullWindow / 2 else { return .fine }
        let increment = fullWindow - receiveWindow
        receiveWindow = fullWindow
        return .widen(increment)
    }
}

/// The streams of one connection, found by number or by their place.
struct StreamList<Stream: FramedStream> {
    /// A stream belongs to its connection, so that both are kept.
    struct Entry {
        /// 0: it has none yet.
        var id: UInt32
        let stream: Stream
        let connection: Stream.Connection
    }

    private var entries: ContiguousArray<Entry> = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var last: Entry? { entries.last }

    /// Whoever goes on at a place must expect that streams end meanwhile.
    subscript(place: Int) -> Entry { entries[place] }

    var all: ContiguousArray<Entry> { entries }

    mutating func add(_ id: UInt32, _ stream: Stream, _ connection: Stream.Connection) {
        stream.place = entries.count
        entries.append(Entry(id: id, stream: stream, connection: connection))
    }

    mutating func number(_ stream: Stream, _ id: UInt32) { entries[stream.place].id = id }

    func find(_ id: UInt32) -> Stream? {
        // By place, because a copy of an entry counts two references.
        for place in entries.indices where entries[place].id == id { return entries[place].stream }
        return nil
    }

    /// The last one takes its place; nil: it is not here.
    mutating func remove(_ stream: Stream) -> Entry? {
        let place = stream.place
        guard place < entries.count, entries[place].stream === stream else { return nil }
        let removed = entries[place]
        let last = entries.removeLast()
        if place < entries.count {
            entries[place] = last
            last.stream.place = place
        }
        return removed
    }

    /// Changes what may be sent on each stream that has begun; false: one has more than there is.
    func widen(by change: Int) -> Bool {
        for place in entries.indices where entries[place].id > 0 {
            entries[place].stream.sending.window += change
            guard entries[place].stream.sending.window <= HTTP2Limits.largestWindow else { return false }
        }
        return true
    }

    var hasWaiting: Bool { entries.contains { $0.stream.sending.isWaiting } }
}
