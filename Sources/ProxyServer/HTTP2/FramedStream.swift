import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// A message that becomes frames: the gateway's own writing, as it would stand in HTTP/1.1.
struct FrameSending {
    /// Bytes of the body that the other side takes on this stream.
    var window = 0
    /// nil before the head.
    var body: BodyReader?
    /// Bytes of the body that stand next in what is to be written, and whether the message ends with them.
    var piece = (count: 0, ends: false)
    var hasEnded = false
    /// What the other side does not take yet, as the gateway has written it.
    var waiting = ByteBuffer()
    /// As its connection was told.
    var isWritable = true

    /// Bytes that wait: above the first number the connection is told to pause, below the second one to go on.
    private static let marks = (high: 64 * 1024, low: 16 * 1024)

    mutating func begin(window: Int) {
        self.window = window
        body = nil
        piece = (0, false)
        hasEnded = false
        waiting.clear()
        isWritable = true
    }

    var isWaiting: Bool { waiting.readableBytes > 0 }

    /// What the connection is to be told; nil: nothing new.
    mutating func changedWritability() -> Bool? {
        let now = isWritable ? waiting.readableBytes <= Self.marks.high : waiting.readableBytes < Self.marks.low
        guard now != isWritable else { return nil }
        isWritable = now
        return now
    }
}

/// A message that comes in frames.
struct FrameReceiving {
    var hasEnded = false
    /// Body bytes that `content-length` has promised and that are to come; -1: it promises nothing.
    var promised = -1
    /// Bytes that the other side may send before it is told more.
    private var window = 0

    mutating func begin() {
        hasEnded = false
        promised = -1
        window = HTTP2Limits.window
    }

    /// The other side has used up some of the window; false when it had not so much.
    mutating func charge(_ cost: Int) -> Bool {
        window -= cost
        return window >= 0
    }

    /// How much more the other side may be allowed; nil: it has enough.
    mutating func refill() -> Int? {
        guard window <= HTTP2Limits.window / 2 else { return nil }
        let increment = HTTP2Limits.window - window
        window = HTTP2Limits.window
        return increment
    }

    /// False when this is not what the message's length has promised.
    mutating func count(_ bytes: Int, ends: Bool) -> Bool {
        guard promised >= 0 else { return true }
        promised -= bytes
        return promised >= 0 && (!ends || promised == 0)
    }

    /// Part of a body as a chunk.
    static func writeChunk(_ bytes: UnsafeRawBufferPointer, ends: Bool, to text: inout ByteBuffer) {
        text.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 32) { area in
            var writer = ByteWriter(area)
            if !bytes.isEmpty {
                writer.append(hexadecimal: bytes.count)
                writer.append("\r\n")
                writer.append(bytes)
                writer.append("\r\n")
            }
            if ends { writer.append("0\r\n\r\n") }
            return writer.count
        }
    }
}

/// One stream of HTTP/2, towards a client (``HTTP2Stream``) or a backend (``BackendStream``): how a message is sent as far as windows go,
/// and how much may come. Both are final, as their sessions are.
protocol FramedStream: AnyObject {
    associatedtype Connection: AnyObject
    associatedtype Session: FramedSession

    /// The owner.
    var connection: Connection { get }
    /// nil between streams.
    var session: Session? { get }
    var id: UInt32 { get }
    /// Place in the session's list.
    var place: Int { get set }
    var sending: FrameSending { get set }
    var receiving: FrameReceiving { get set }
    /// The connection does not take what comes.
    var pausesReading: Bool { get }

    func sendHead(_ buffer: inout ByteBuffer, on session: Session)
    /// The body's end has come behind its last piece.
    func sendEnd(on session: Session)
    /// What had to wait has gone.
    func hasSentWaiting()
    func noteWritable(_ isWritable: Bool)
    /// False when this is not what the message's length has promised.
    func receiveBody(_ bytes: UnsafeRawBufferPointer, ends: Bool, _ text: inout ByteBuffer) -> Bool
}

extension FramedStream {
    func write(_ buffer: ByteBuffer) {
        guard let session, !sending.hasEnded else { return }
        if sending.isWaiting {
            sending.waiting.writeImmutableBuffer(buffer)
        } else {
            var buffer = buffer
            send(&buffer, on: session, most: .max)
            if buffer.readableBytes > 0, !sending.hasEnded {
                sending.waiting.writeBuffer(&buffer)
                session.noteWaiting()
            }
        }
        noteWritability()
    }

    /// Goes on with what had to wait.
    /// - Parameter most: bytes of the body.
    /// - Returns: whether anything was written.
    func goOn(most: Int) -> Bool {
        guard let session, sending.isWaiting, !sending.hasEnded else { return false }
        let before = sending.waiting.readableBytes
        // The one reference, so that what is left stays where it is.
        var buffer = sending.waiting
        sending.waiting = ByteBuffer()
        send(&buffer, on: session, most: most)
        let moved = buffer.readableBytes < before
        if buffer.readableBytes == 0 || sending.hasEnded { buffer.clear() }
        sending.waiting = buffer
        if moved { noteWritability() }
        if !sending.isWaiting { hasSentWaiting() }
        return moved
    }

    private func noteWritability() {
        if let isWritable = sending.changedWritability() { noteWritable(isWritable) }
    }

    private func send(_ buffer: inout ByteBuffer, on session: Session, most: Int) {
        var most = most
        while !sending.hasEnded, buffer.readableBytes > 0, session.takesFrames {
            if sending.piece.count > 0 {
                let count = min(sending.piece.count, sending.window, session.flow.sendWindow, HTTP2Limits.frame, most)
                guard count > 0 else { return }
                sending.piece.count -= count
                sending.window -= count
                most -= count
                let ends = sending.piece.ends && sending.piece.count == 0
                sending.hasEnded = ends
                buffer.readWithUnsafeReadableBytes { bytes in
                    session.send(UnsafeRawBufferPointer(rebasing: bytes[..<count]), on: id, ends: ends)
                    return count
                }
            } else if var reader = sending.body {
                var offset = 0
                let event = buffer.withUnsafeReadableBytes { reader.next($0, &offset) }
                sending.body = reader
                switch event {
                case .data(let start, let count):
                    buffer.moveReaderIndex(forwardBy: start)
                    sending.piece = (count, reader.isComplete)
                case .end:
                    buffer.moveReaderIndex(forwardBy: offset)
                    sending.hasEnded = true
                    sendEnd(on: session)
                case .needsMore, .malformed, .tooLarge:
                    buffer.moveReaderIndex(forwardBy: offset)
                    if offset == 0 { return }
                }
            } else {
                sendHead(&buffer, on: session)
            }
        }
    }

    /// Lets the other side send more, unless whom it is for is slower.
    func widen() {
        guard let session, id > 0, !receiving.hasEnded, !pausesReading, let increment = receiving.refill() else { return }
        session.widenWindow(of: id, by: increment)
    }

    /// Neither side says more.
    func giveUp() {
        sending.hasEnded = true
        receiving.hasEnded = true
    }
}
