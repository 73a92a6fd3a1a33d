import NIOConcurrencyHelpers
import NIOCore
import Snapshot
import Sockets

/// What the server's owner and publishers share; never touched by a request.
struct NIOLockedState: Sendable {
    struct Content {
        var listeners: [Listener] = []
        /// From the beginning of the end on: a listener that ends is not opened again.
        var isStopping = false
        /// What was counted before the event loops ended, for who asks then.
        var traffic: [TrafficSample] = []
        var uses: [UseSample] = []
        var isDown = false
    }

    private let box = NIOLockedValueBox(Content())

    func withLock<T>(_ body: (inout Content) throws -> T) rethrows -> T { try box.withLockedValue(body) }
}

/// Counts acknowledgements of event loops.
struct NIOLockedCount: Sendable {
    private let box: NIOLockedValueBox<Int>

    init(_ count: Int) { box = NIOLockedValueBox(count) }

    /// True for the last one.
    func countDown() -> Bool {
        box.withLockedValue { count in
            count -= 1
            return count == 0
        }
    }
}
