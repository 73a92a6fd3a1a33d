import GatewayPrimitives
import Synchronization

/// Failed authentications of client addresses (`custom_forbid_limit`, gateway-runtime.md, 8.5). Any thread.
///
/// An address with more than the limit within five minutes of its first failure is blocked to the end of them. Addresses beyond
/// the table's size are not counted: blocking strangers together would let one of them lock out the rest.
public final class FailureWindows: Sendable {
    /// Milliseconds.
    public static let window: Int64 = 5 * 60 * 1000
    /// Addresses told apart.
    public static let maxKeys = 50_000

    private let limit: Int
    private let windows: Mutex<KeyedWindows<IPAddress>>

    public init(limit: Int, maxKeys: Int = FailureWindows.maxKeys) {
        self.limit = limit
        windows = Mutex(KeyedWindows(capacity: maxKeys))
    }

    public func isBlocked(_ address: IPAddress, at now: Int64) -> Bool {
        windows.withLock { $0.known(address, at: now, length: Self.window) > limit }
    }

    public func recordFailure(of address: IPAddress, at now: Int64) {
        windows.withLock { windows in
            windows.add(address, at: now, length: Self.window)
        }
    }
}

extension KeyedWindows {
    /// As ``used(_:at:length:)``, but 0 for a key that shares the overflow window.
    mutating func known(_ key: Key, at now: Int64, length: Int64) -> Int {
        contains(key) ? used(key, at: now, length: length) : 0
    }
}
