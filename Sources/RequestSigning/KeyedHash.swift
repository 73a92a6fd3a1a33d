import Crypto
import GatewayPrimitives

/// HMAC-SHA256 under one key. The key is worked in once; each message starts from a copy of that state.
///
/// The only place that knows how the state is kept, so that another implementation can replace it.
struct KeyedHash: Sendable {
    private let keyed: HMAC<SHA256>

    init(key: Secret) { keyed = HMAC<SHA256>(key: SymmetricKey(data: Array(key.revealed.utf8))) }

    /// Appends the code of `message` as 64 lower-case hexadecimal digits.
    func writeCode(of message: UnsafeRawBufferPointer, to output: ByteScratch) {
        var state = keyed
        state.update(data: message)
        state.finalize().withUnsafeBytes { code in
            output.append(count: 64) { Hexadecimal.write(code, to: $0) }
        }
    }
}
