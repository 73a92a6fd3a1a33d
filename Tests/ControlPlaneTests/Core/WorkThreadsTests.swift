import ControlPlane
import Dispatch
import Glibc
import Synchronization
import Testing

/// What management works on: threads that stand back behind those of the gateway.
@Suite struct WorkThreadsTests {
    private func niceness() -> CInt { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

    @Test func workStandsBackAndNobodyElseDoes() async {
        let before = niceness()
        let threads = WorkThreads("test", limit: 2)
        let there = await withCheckedContinuation { continuation in
            threads.run { continuation.resume(returning: getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)) }
        }
        #expect(there == WorkThreads.niceness)
        #expect(before == niceness())
    }

    @Test func aTaskThatPrefersThemRunsThere() async {
        let threads = WorkThreads("test", limit: 2)
        let found = await withTaskExecutorPreference(threads) {
            await Task.yield()
            return await withTaskGroup(of: CInt.self) { group in
                for _ in 0..<20 { group.addTask { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(found == Array(repeating: WorkThreads.niceness, count: 20))
    }

    /// One thread: one after the other, in order, however much waits.
    @Test func oneThreadIsSerial() async {
        let threads = WorkThreads("test", limit: 1)
        let seen = Mutex<[Int]>([])
        let gate = DispatchSemaphore(value: 0)
        threads.run { gate.wait() }
        for number in 0..<5000 { threads.run { seen.withLock { $0.append(number) } } }
        gate.signal()
        await withCheckedContinuation { continuation in threads.run { continuation.resume() } }
        #expect(seen.withLock { $0 } == Array(0..<5000))
    }

    /// Work that blocks holds up no other as long as there are threads.
    @Test func workIsDoneSideBySideUpToTheLimit() async {
        let threads = WorkThreads("test", limit: 3)
        let (first, second) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let done = await withCheckedContinuation { continuation in
            // Each waits for what a later one does.
            threads.run {
                first.wait()
                continuation.resume(returning: true)
            }
            threads.run {
                second.wait()
                first.signal()
            }
            threads.run { second.signal() }
        }
        #expect(done)
    }

    /// What waits is still done when nobody holds the threads any more.
    @Test func whatWaitsIsDone() async {
        let count = Mutex(0)
        let (done, end) = AsyncStream<Void>.makeStream()
        do {
            let threads = WorkThreads("test", limit: 1)
            for _ in 0..<100 { threads.run { count.withLock { $0 += 1 } } }
            threads.run { end.finish() }
        }
        for await _ in done {}
        #expect(count.withLock { $0 } == 100)
    }
}
