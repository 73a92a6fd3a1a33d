import GatewayPrimitives

/// HMAC-SHA256 (RFC 2104) under one key. The key is worked in once; each message starts from copies of the two states.
///
/// Immutable; any thread.
struct KeyedHash: Sendable {
    private let inner: HashState
    private let outer: HashState

    init(key: Secret) { self.init(key: Array(key.revealed.utf8)) }

    init(key: [UInt8]) {
        var block = [UInt8](repeating: 0, count: HashState.blockCount)
        if key.count > block.count {
            let digest = key.withUnsafeBytes { HashState.digest(of: $0) }
            withUnsafeBytes(of: digest) { block.replaceSubrange(0..<$0.count, with: $0) }
        } else {
            block.replaceSubrange(0..<key.count, with: key)
        }
        inner = Self.state(block, 0x36)
        outer = Self.state(block, 0x5C)
    }

    private static func state(_ block: [UInt8], _ pad: UInt8) -> HashState {
        var state = HashState()
        block.map { $0 ^ pad }.withUnsafeBytes { state.update($0) }
        return state
    }

    /// The code of `message`.
    @inline(__always)
    func code(of message: UnsafeRawBufferPointer) -> SIMD4<UInt64> {
        var first = inner
        first.update(message)
        var second = outer
        withUnsafeBytes(of: first.finish()) { second.update($0) }
        return second.finish()
    }

    /// Appends the code of `message` as 64 lower-case hexadecimal digits.
    func writeCode(of message: UnsafeRawBufferPointer, to output: ByteScratch) {
        withUnsafeBytes(of: code(of: message)) { code in
            output.append(count: 64) { Hexadecimal.write(code, to: $0) }
        }
    }
}
