import CZlib

/// The compression of archives, by zlib, without its header and trailer. Whole buffers: the callers know all sizes before.
enum Deflate {
    /// Bits of the window, negative: no header around the data.
    private static let rawWindow: Int32 = -15

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_z(crc32_z(0, nil, 0), bytes, bytes.count))
    }

    /// nil when there is no memory.
    static func pack(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, rawWindow, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        guard bytes.count <= Int(UInt32.max) else { return nil }
        var out = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let status = run(&stream, bytes[...], &out) { deflate(&$0, Z_FINISH) }
        guard status == Z_STREAM_END else { return nil }
        out.removeLast(out.count - Int(stream.total_out))
        return out
    }

    /// - Parameter size: the exact number of bytes that must come out; never more are made.
    /// - Returns: nil when the data is damaged, has another size, or has something behind its end.
    static func unpack(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var stream = z_stream()
        guard inflateInit2_(&stream, rawWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        // One byte more, so that data that would go on is seen.
        var out = [UInt8](repeating: 0, count: size + 1)
        let status = run(&stream, bytes, &out) { inflate(&$0, Z_FINISH) }
        guard status == Z_STREAM_END, stream.avail_in == 0, Int(stream.total_out) == size else { return nil }
        out.removeLast()
        return out
    }

    private static func run(
        _ stream: inout z_stream, _ input: ArraySlice<UInt8>, _ output: inout [UInt8], _ step: (inout z_stream) -> Int32
    ) -> Int32 {
        guard input.count <= Int(UInt32.max), output.count <= Int(UInt32.max) else { return Z_MEM_ERROR }
        return input.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                // zlib does not write to its input; its interface is older than const.
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                let status = step(&stream)
                stream.next_in = nil
                stream.next_out = nil
                return status
            }
        }
    }
}
