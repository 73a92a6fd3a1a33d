import GatewayPrimitives

/// A hash that is the same in every process, so that all nodes agree about who serves a key.
public enum StableHash {
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mix(state)
    }

    public static func hash(_ address: IPAddress) -> UInt64 {
        mix(mix(UInt64(truncatingIfNeeded: address.value)) ^ UInt64(truncatingIfNeeded: address.value >> 64) ^ UInt64(address.family.rawValue))
    }

    /// Every bit of the result depends on every bit of `value`; 0 becomes 0.
    static func mix(_ value: UInt64) -> UInt64 {
        var value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ value >> 33
    }
}
