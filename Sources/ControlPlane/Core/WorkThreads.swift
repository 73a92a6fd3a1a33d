import Dispatch
import Foundation
import Glibc
import Synchronization

/// Threads for everything that is no traffic: where there is not enough of the machine for all, the system lets the gateway's event
/// loops go first (docs/decisions/0036). They are started when there is work for them, and end when nobody holds this any more.
///
/// Work is begun in the order in which it came; with one thread it is serial. Work may block. Any thread.
public final class WorkThreads: TaskExecutor, Sendable {
    public typealias Work = @Sendable () -> Void

    /// By how much these threads stand back: 10 steps of nice(2), which is a tenth of what an event loop gets where both want all.
    public static let niceness: CInt = 10

    private let core: Core
    private let name: String
    private let limit: Int

    /// - Parameters:
    ///   - name: as the system shows the threads; 15 bytes.
    ///   - limit: most threads, at least 1.
    public init(_ name: String, limit: Int) {
        core = Core()
        self.name = name
        self.limit = max(1, limit)
    }

    deinit { core.end() }

    public func run(_ work: @escaping Work) {
        guard core.add(work, limit: limit) else { return }
        // Threads keep the work they do alive, not this.
        let thread = Thread { [core] in
            Self.standBack()
            while let work = core.take() { work() }
        }
        thread.name = name
        thread.start()
    }

    /// Jobs of tasks that prefer this executor (SE-0417).
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// The calling thread stands back from now on. There is no way back without rights.
    public static func standBack() {
        // 0 is the calling thread: nice values are a thread's own here. A system that refuses it has one order less, and no fault.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }

    /// What the threads share.
    private final class Core: Sendable {
        private struct State {
            var waiting: [Work] = []
            /// Of `waiting`, what is taken next.
            var next = 0
            var idle = 0
            var started = 0
            var isEnding = false
        }

        private let state = Mutex(State())
        /// One signal for each thread that was idle and has something to do.
        private let calls = DispatchSemaphore(value: 0)

        /// Returns whether a further thread is wanted.
        func add(_ work: @escaping Work, limit: Int) -> Bool {
            let (wakes, starts) = state.withLock { state in
                state.waiting.append(work)
                if state.idle > 0 {
                    state.idle -= 1
                    return (true, false)
                }
                guard state.started < limit else { return (false, false) }
                state.started += 1
                return (false, true)
            }
            if wakes { calls.signal() }
            return starts
        }

        /// Waits for work; nil at the end.
        func take() -> Work? {
            while true {
                let (work, isEnd): (Work?, Bool) = state.withLock { state in
                    guard state.next < state.waiting.count else {
                        if state.isEnding { return (nil, true) }
                        state.idle += 1
                        return (nil, false)
                    }
                    let work = state.waiting[state.next]
                    state.next += 1
                    if state.next == state.waiting.count {
                        state.waiting.removeAll(keepingCapacity: state.next < 1024)
                        state.next = 0
                    } else if state.next == 1024 {
                        state.waiting.removeFirst(state.next)
                        state.next = 0
                    }
                    return (work, false)
                }
                if let work { return work }
                if isEnd { return nil }
                calls.wait()
            }
        }

        func end() {
            let idle = state.withLock { state in
                state.isEnding = true
                defer { state.idle = 0 }
                return state.idle
            }
            for _ in 0..<idle { calls.signal() }
        }
    }
}
