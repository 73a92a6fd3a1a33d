import Synchronization

/// Finds runtime state (counters, breakers) by stable key while something compiled holds it.
///
/// Held weakly: a rebuild of an unchanged policy finds the state of the old snapshot, which is alive until all loops have the
/// new one; when a policy is unbound nothing holds its state, and a later binding starts afresh. A key must hold
/// everything that makes two states different. Any thread.
public final class RuntimeRegistry: Sendable {
    private struct Entry: Sendable {
        weak var object: (any AnyObject & Sendable)?
    }

    private struct Storage {
        var entries: [String: Entry] = [:]
        var sweepAt = 64
    }

    private let storage = Mutex(Storage())

    public init() {}

    /// The state under `key`, made when there is none.
    public func state<State: AnyObject & Sendable>(_ key: String, make: () -> State) -> State {
        storage.withLock { storage in
            if let found = storage.entries[key]?.object as? State { return found }
            let made = make()
            if storage.entries.count >= storage.sweepAt {
                storage.entries = storage.entries.filter { $0.value.object != nil }
                storage.sweepAt = max(64, storage.entries.count * 2)
            }
            storage.entries[key] = Entry(object: made)
            return made
        }
    }

    /// Keys that are remembered, dead ones that wait to be swept included.
    public var count: Int { storage.withLock { $0.entries.count } }

    /// Keys whose state is alive.
    public var liveCount: Int {
        storage.withLock { storage in storage.entries.values.count { $0.object != nil } }
    }
}
