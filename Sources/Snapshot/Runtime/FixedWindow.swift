/// Calls counted in a window that starts with its first call (gateway-runtime.md, O23). Milliseconds of a monotonic clock.
struct FixedWindow: Sendable {
    private var start: Int64 = 0
    private var count = 0

    /// Calls so far in the window of `now`; 0 when it is over.
    func used(at now: Int64, length: Int64) -> Int { isOver(now, length) ? 0 : count }

    mutating func add(at now: Int64, length: Int64) {
        if isOver(now, length) {
            start = now
            count = 0
        }
        count += 1
    }

    private func isOver(_ now: Int64, _ length: Int64) -> Bool { count == 0 || now - start >= length }
}

/// Windows of many keys in bounded memory.
///
/// Kept in two generations. When a window's length has passed, every window of the older generation is over, so it is dropped
/// as a whole: no sweep, constant work a call. While a generation is full, keys that are not in it share one window.
struct KeyedWindows<Key: Hashable & Sendable>: Sendable {
    private let capacity: Int
    private var young: [Key: FixedWindow] = [:]
    private var old: [Key: FixedWindow] = [:]
    private var generationStart: Int64 = 0
    private var overflow = FixedWindow()

    init(capacity: Int) { self.capacity = capacity }

    /// Keys kept at present.
    var count: Int { young.count + old.count }

    func contains(_ key: Key) -> Bool { young[key] != nil || old[key] != nil }

    /// Calls of `key` so far, or of all that share the overflow window when it is one of them.
    mutating func used(_ key: Key, at now: Int64, length: Int64) -> Int {
        advance(to: now, length: length)
        if let window = young[key] ?? old[key] { return window.used(at: now, length: length) }
        return young.count < capacity ? 0 : overflow.used(at: now, length: length)
    }

    mutating func add(_ key: Key, at now: Int64, length: Int64) {
        advance(to: now, length: length)
        if let index = young.index(forKey: key) {
            young.values[index].add(at: now, length: length)
        } else if var window = old[key], window.used(at: now, length: length) > 0 {
            // Stays in its generation, where it ends in time.
            window.add(at: now, length: length)
            old[key] = window
        } else if young.count < capacity {
            old[key] = nil
            var window = FixedWindow()
            window.add(at: now, length: length)
            young[key] = window
        } else {
            overflow.add(at: now, length: length)
        }
    }

    private mutating func advance(to now: Int64, length: Int64) {
        let passed = now - generationStart
        guard passed >= length else { return }
        // All windows of `young` began before this moment, so they are over one length from now at the latest.
        old = passed >= 2 * length ? [:] : young
        young = [:]
        generationStart = now
    }
}
