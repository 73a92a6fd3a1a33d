import GatewayPrimitives

/// The hash by which feature `app_jwt` recognises an application (gateway-runtime.md, 2.4).
public enum AppHash {
    /// Whether `claimed` is the lower-case hexadecimal SHA-256 of key, secret and timestamp; compared in constant time.
    public static func matches(_ claimed: ByteView, key: [UInt8], secret: [UInt8], timestamp: ByteView) -> Bool {
        guard claimed.count == 64 else { return false }
        var hasher = BodyHasher()
        key.withUnsafeBytes { hasher.update($0) }
        secret.withUnsafeBytes { hasher.update($0) }
        hasher.update(timestamp.buffer)
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { area in
            hasher.finish().write(to: area)
            return equalInConstantTime(UnsafeRawBufferPointer(area), claimed.buffer)
        }
    }
}
