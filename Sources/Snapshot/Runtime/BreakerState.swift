import Synchronization

/// When a breaker opens and for how long. Milliseconds.
public struct BreakerThreshold: Sendable, Equatable {
    public enum Mode: Sendable, Equatable {
        /// At once, when this many calls of a window have failed.
        case counter(failures: Int)
        /// At the window's end, when of at least `calls` calls `percent` of a hundred have failed.
        case percentage(calls: Int, percent: Int)
    }
    public let mode: Mode
    public let window: Int64
    public let open: Int64

    public init(mode: Mode, window: Int64, open: Int64) {
        self.mode = mode
        self.window = window
        self.open = open
    }
}

/// The state of one breaker: closed, open for its time, closed again; there is no half-open phase (gateway-runtime.md, 8.4).
///
/// A window starts with its first call. Times come from a monotonic clock, in milliseconds. Any thread.
public final class BreakerState: Sendable {
    /// A call that was let through, to be reported with its outcome.
    public struct Permit: Sendable, Equatable {
        fileprivate let generation: UInt64
    }

    private struct Machine {
        /// Goes up whenever the breaker opens, so that calls from before do not count afterwards.
        var generation: UInt64 = 0
        var openUntil: Int64?
        var windowStart: Int64?
        var calls = 0
        var failures = 0

        /// Brings the machine to `now`: a window that is over is judged, an open breaker whose time is over closes.
        mutating func advance(to now: Int64, _ threshold: BreakerThreshold) {
            if let start = windowStart, now - start >= threshold.window {
                // Judged as of its end, also when nobody called then.
                if case .percentage(let minimum, let percent) = threshold.mode, calls >= minimum, failures * 100 >= percent * calls {
                    open(at: start + threshold.window, threshold)
                }
                windowStart = nil
                calls = 0
                failures = 0
            }
            if let until = openUntil, now >= until { openUntil = nil }
        }

        mutating func open(at moment: Int64, _ threshold: BreakerThreshold) {
            openUntil = moment + threshold.open
            generation += 1
            windowStart = nil
            calls = 0
            failures = 0
        }
    }

    private let machine = Mutex(Machine())

    public init() {}

    /// Lets a call through, or not: nil while the breaker is open.
    public func admit(at now: Int64, _ threshold: BreakerThreshold) -> Permit? {
        machine.withLock { machine in
            machine.advance(to: now, threshold)
            return machine.openUntil == nil ? Permit(generation: machine.generation) : nil
        }
    }

    /// Counts the outcome of a call.
    public func record(_ permit: Permit, failed: Bool, at now: Int64, _ threshold: BreakerThreshold) {
        machine.withLock { machine in
            machine.advance(to: now, threshold)
            guard permit.generation == machine.generation, machine.openUntil == nil else { return }
            if machine.windowStart == nil { machine.windowStart = now }
            machine.calls += 1
            if failed { machine.failures += 1 }
            if case .counter(let limit) = threshold.mode, machine.failures >= limit { machine.open(at: now, threshold) }
        }
    }
}
