import Synchronization

/// Calls of one application in the window of its quota, over all APIs. Any thread.
///
/// With a reset time windows follow the wall clock; a clock that steps back stays in the window that it has reached, so that a step
/// gives nobody a fresh one. Without, they follow the monotonic clock from their first call.
public final class AppQuotaState: Sendable {
    private struct Count {
        var free = FixedWindow()
        /// Number of the window since the anchor.
        var number = Int64.min
        var calls = 0
    }

    private let count = Mutex(Count())

    public init() {}

    /// Counts a call if the quota allows it; a refused call consumes nothing.
    /// - Parameters:
    ///   - now: milliseconds of a monotonic clock.
    ///   - wall: milliseconds since 1970.
    ///   - counts: false: only looks.
    public func admit(_ policy: AppQuotaPolicy, at now: Int64, wall: Int64, counts: Bool = true) -> Bool {
        count.withLock { count in
            guard let anchor = policy.anchor else {
                guard count.free.used(at: now, length: policy.window) < policy.limit else { return false }
                if counts { count.free.add(at: now, length: policy.window) }
                return true
            }
            let passed = wall - anchor
            let number = passed >= 0 ? passed / policy.window : (passed + 1) / policy.window - 1
            if number > count.number {
                count.number = number
                count.calls = 0
            }
            guard count.calls < policy.limit else { return false }
            if counts { count.calls += 1 }
            return true
        }
    }
}
