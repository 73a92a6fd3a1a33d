import NIOCore
import ProxyPipeline
import Snapshot

/// Frames that wait for the next write to the client (RFC 9113, 4.1 and 6).
struct HTTP2Output {
    private(set) var buffer = ByteBuffer()
    /// Frames since ``clear()``.
    private(set) var frames = 0

    private enum Flag {
        static let acknowledges: UInt8 = 1
        static let endsStream: UInt8 = 1
        static let endsHeaders: UInt8 = 4
    }

    var count: Int { buffer.readableBytes }

    /// What was collected has been written; the memory is used again when nobody holds it any more.
    mutating func clear() {
        frames = 0
        if buffer.capacity > 256 * 1024 { buffer = ByteBuffer() } else { buffer.clear() }
    }

    private mutating func head(_ type: HTTP2FrameType, _ flags: UInt8, _ stream: UInt32, _ length: Int) {
        frames += 1
        buffer.writeMultipleIntegers(
            UInt8(truncatingIfNeeded: length >> 16), UInt16(truncatingIfNeeded: length), type.rawValue, flags, stream)
    }

    mutating func settings() {
        head(.settings, 0, 0, 12)
        buffer.writeMultipleIntegers(3 as UInt16, UInt32(HTTP2Limits.streams), 6 as UInt16, UInt32(HTTP2Limits.headerList))
    }

    mutating func acknowledgeSettings() { head(.settings, Flag.acknowledges, 0, 0) }

    mutating func answerPing(_ value: UInt64) {
        head(.ping, Flag.acknowledges, 0, 8)
        buffer.writeInteger(value)
    }

    mutating func reset(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        head(.reset, 0, stream, 4)
        buffer.writeInteger(code.rawValue)
    }

    mutating func goAway(_ last: UInt32, _ code: HTTP2ErrorCode) {
        head(.goAway, 0, 0, 8)
        buffer.writeMultipleIntegers(last, code.rawValue)
    }

    mutating func widenWindow(_ stream: UInt32, by increment: Int) {
        head(.windowUpdate, 0, stream, 4)
        buffer.writeInteger(UInt32(truncatingIfNeeded: increment))
    }

    mutating func data(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, ends: Bool) {
        head(.data, ends ? Flag.endsStream : 0, stream, bytes.count)
        buffer.writeBytes(bytes)
    }

    /// False when the block did not fit what was reserved for it: nothing was written then.
    mutating func headers(_ stream: UInt32, ends: Bool, bound: Int, _ write: (inout ByteWriter) -> Void) -> Bool {
        let start = buffer.writerIndex
        head(.headers, Flag.endsHeaders | (ends ? Flag.endsStream : 0), stream, 0)
        var overflowed = false
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { area in
            var writer = ByteWriter(area)
            write(&writer)
            overflowed = writer.overflowed
            return writer.count
        }
        guard !overflowed else {
            buffer.moveWriterIndex(to: start)
            frames -= 1
            return false
        }
        guard count > HTTP2Limits.frame else {
            buffer.setInteger(UInt8(truncatingIfNeeded: count >> 16), at: start)
            buffer.setInteger(UInt16(truncatingIfNeeded: count), at: start + 1)
            return true
        }
        split(stream, ends: ends, start: start, count: count)
        return true
    }

    /// A block that is longer than a frame goes on in others.
    private mutating func split(_ stream: UInt32, ends: Bool, start: Int, count: Int) {
        guard let block = buffer.getBytes(at: start + HTTP2FrameReader.headCount, length: count) else { return }
        buffer.moveWriterIndex(to: start)
        frames -= 1
        for from in stride(from: 0, to: count, by: HTTP2Limits.frame) {
            let to = min(count, from + HTTP2Limits.frame)
            let last: UInt8 = to == count ? Flag.endsHeaders : 0
            if from == 0 {
                head(.headers, last | (ends ? Flag.endsStream : 0), stream, to - from)
            } else {
                head(.continuation, last, stream, to - from)
            }
            buffer.writeBytes(block[from..<to])
        }
    }
}
