import CZlib

/// Makes a gzip stream of bytes as they come, with memory that does not grow: about 260 KiB, whatever passes through.
///
/// Confined to one event loop; used again after ``begin(level:)``.
public final class GzipEncoder {
    public enum Flush: Sendable {
        /// zlib may keep what it likes.
        case none
        /// Everything so far can be decoded by who has read everything so far.
        case sync
        case finish
    }

    // zlib's state points back at this structure, which therefore has to stay where it is.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer
    private var level: Int32
    private static let outputSize = 16 * 1024

    /// - Parameter level: 1 (fast) to 9 (small).
    /// - Returns: nil when there is no memory.
    public init?(level: Int) {
        self.level = Int32(level)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: Self.outputSize, alignment: 16)
        // 15 bits of window, and 16 for the gzip header.
        guard deflateInit2_(
            stream, self.level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            // deinit does not run for a class that was not made.
            stream.deallocate()
            output.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Forgets the last stream.
    public func begin(level: Int) {
        deflateReset(stream)
        if self.level != Int32(level) {
            self.level = Int32(level)
            deflateParams(stream, self.level, Z_DEFAULT_STRATEGY)
        }
    }

    /// Bytes of the present stream so far, and what they have become.
    public var counts: (read: Int, written: Int) { (Int(stream.pointee.total_in), Int(stream.pointee.total_out)) }

    /// Gives what can be said of `input` to `sink`, in pieces of at most 16 KiB that are valid during the call.
    public func encode(_ input: UnsafeRawBufferPointer, _ flush: Flush, _ sink: (UnsafeRawBufferPointer) -> Void) {
        let mode =
            switch flush {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        var offset = 0
        repeat {
            // Reads hold no more than some hundred KiB; zlib counts in 32 bits.
            let part = min(input.count - offset, 1 << 30)
            stream.pointee.next_in = input.baseAddress.map {
                // zlib does not write to its input; its interface is older than const.
                UnsafeMutablePointer(mutating: ($0 + offset).assumingMemoryBound(to: UInt8.self))
            }
            stream.pointee.avail_in = UInt32(part)
            offset += part
            let isLast = offset == input.count
            var isFull = true
            while isFull {
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(output.count)
                _ = deflate(stream, isLast ? mode : Z_NO_FLUSH)
                let made = output.count - Int(stream.pointee.avail_out)
                isFull = made == output.count
                if made > 0 { sink(UnsafeRawBufferPointer(rebasing: output[..<made])) }
            }
        } while offset < input.count
        stream.pointee.next_in = nil
        stream.pointee.next_out = nil
    }
}

/// The encoders of one event loop: a bound on how many answers are compressed at a time, and spare ones for the next.
public final class GzipEncoders {
    /// 128 streams of about 260 KiB; the answer behind them goes out as it came.
    public static let bound = 128
    private static let kept = 8
    private var spare: [GzipEncoder] = []
    private var lent = 0

    public init() {}

    /// nil when as many are at work as may be.
    public func lend(level: Int) -> GzipLoan? {
        guard lent < Self.bound else { return nil }
        let encoder: GzipEncoder
        if let last = spare.popLast() {
            last.begin(level: level)
            encoder = last
        } else {
            guard let made = GzipEncoder(level: level) else { return nil }
            encoder = made
        }
        lent += 1
        return GzipLoan(encoder, to: self)
    }

    fileprivate func takeBack(_ encoder: GzipEncoder) {
        lent -= 1
        if spare.count < Self.kept { spare.append(encoder) }
    }
}

/// An encoder while an answer uses it; it goes back by itself, however the answer ends.
public final class GzipLoan {
    public let encoder: GzipEncoder
    private let lender: GzipEncoders

    fileprivate init(_ encoder: GzipEncoder, to lender: GzipEncoders) {
        self.encoder = encoder
        self.lender = lender
    }

    deinit { lender.takeBack(encoder) }
}
