import Synchronization

/// Numbers from 1 on that are given once in the life of the program. What is kept under one needs not hold what it belongs to. Any
/// thread.
public enum SerialNumber {
    private static let last = Atomic<UInt64>(0)

    public static func next() -> UInt64 { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
