import GatewayPrimitives

/// The Huffman code of HPACK (RFC 7541, appendix B), which is a canonical one: the lengths alone determine it.
enum HPACKHuffman {
    /// Bits of the codes of the 256 bytes and of the end mark.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ]
    private static let endMark = 256
    private static let longest = 30

    private struct Code {
        /// Bytes and the end mark in the order of their codes.
        var symbols: [UInt16] = []
        /// For each length: where its codes begin among the symbols, and the first of them.
        var firstIndex = [Int](repeating: 0, count: longest + 1)
        var firstCode = [UInt32](repeating: 0, count: longest + 1)
        /// For each length: 32 bits that begin with a code of it, or a shorter one, are below.
        var limit = [UInt64](repeating: 0, count: longest + 1)
        /// By the first eight bits, for codes that are no longer: length in the upper half, symbol in the lower.
        var short = [UInt16](repeating: 0, count: 256)

        init() {
            var code: UInt32 = 0
            for length in 1...longest {
                code <<= 1
                firstIndex[length] = symbols.count
                firstCode[length] = code
                for (symbol, bits) in lengths.enumerated() where Int(bits) == length {
                    symbols.append(UInt16(symbol))
                    if length <= 8 {
                        for rest in 0..<(1 << (8 - length)) {
                            short[Int(code) << (8 - length) + rest] = UInt16(length) << 8 | UInt16(symbol)
                        }
                    }
                    code += 1
                }
                limit[length] = UInt64(code) << (32 - UInt64(length))
            }
        }
    }

    private static let code = Code()

    /// Most bytes that `count` encoded bytes can stand for: the shortest code has five bits.
    static func bound(_ count: Int) -> Int { count * 8 / 5 + 1 }

    /// - Parameter output: room for `bound` bytes.
    /// - Returns: how many bytes were decoded; nil where the code is broken (RFC 7541, 5.2).
    static func decode(_ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer) -> Int? {
        let code = code
        var written = 0
        var next = 0
        // Bits that were read and not yet used stand at the upper end.
        var bits: UInt64 = 0
        var available = 0
        while true {
            while available <= 56, next < input.count {
                bits |= UInt64(input[next]) << (56 - UInt64(available))
                available += 8
                next += 1
            }
            guard available > 0 else { return written }
            // Behind the end everything is one, as the end mark is.
            let window = available >= 32 ? bits >> 32 : (bits >> 32) | (0xFFFF_FFFF >> UInt64(available))
            var length = Int(code.short[Int(window >> 24)] >> 8)
            var symbol = Int(code.short[Int(window >> 24)] & 0xFF)
            if length == 0 {
                length = 9
                while length < longest, window >= code.limit[length] { length += 1 }
                let index = code.firstIndex[length] + Int(UInt32(window >> (32 - UInt64(length))) &- code.firstCode[length])
                guard index < code.symbols.count else { return nil }
                symbol = Int(code.symbols[index])
            }
            if length > available {
                // Less than a byte of ones fills the last one up.
                return available < 8 && bits >> (64 - UInt64(available)) == (1 << UInt64(available)) - 1 ? written : nil
            }
            guard symbol != endMark else { return nil }
            output.storeBytes(of: UInt8(truncatingIfNeeded: symbol), toByteOffset: written, as: UInt8.self)
            written += 1
            bits <<= UInt64(length)
            available -= length
        }
    }
}
