import CLibCrypto

/// SHA-256 under way: a plain value without memory of its own, so that a state can be copied and gone on with.
///
/// libcrypto's, because a request hashes several times: no allocation, no generic call between us and the block function
/// (docs/decisions/0031-hashing-on-the-request-path.md).
struct HashState: Sendable {
    static let digestCount = 32
    static let blockCount = 64

    private var state = SHA256_CTX()

    // The functions fail for a missing state alone, and it is here.
    init() { _ = SHA256_Init(&state) }

    @inline(__always)
    mutating func update(_ piece: UnsafeRawBufferPointer) { _ = SHA256_Update(&state, piece.baseAddress, piece.count) }

    /// The digest of everything so far.
    @inline(__always)
    func finish() -> SIMD4<UInt64> {
        var last = state
        var digest = SIMD4<UInt64>()
        withUnsafeMutableBytes(of: &digest) { bytes in
            _ = SHA256_Final(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &last)
        }
        return digest
    }

    /// Of bytes that are at hand as a whole.
    @inline(__always)
    static func digest(of bytes: UnsafeRawBufferPointer) -> SIMD4<UInt64> {
        var state = HashState()
        state.update(bytes)
        return state.finish()
    }
}
