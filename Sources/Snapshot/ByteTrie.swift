import GatewayPrimitives

/// A persistent map from byte strings: a hash trie of 32-way nodes. A change copies the nodes on one path, about
/// log32(n) of them; all other nodes are shared with the value before. Looking up allocates nothing.
public struct ByteTrie<Value: Sendable>: Sendable {
    // Looking up is inlinable: requests do it in other modules, and a generic call there costs more than the search.
    @usableFromInline
    final class Leaf: Sendable {
        @usableFromInline let hash: UInt64
        @usableFromInline let key: [UInt8]
        @usableFromInline let value: Value

        init(hash: UInt64, key: [UInt8], value: Value) {
            self.hash = hash
            self.key = key
            self.value = value
        }
    }

    @usableFromInline
    enum Slot: Sendable {
        case leaf(Leaf)
        case branch(Branch)
        /// Keys whose 64 bits of hash are all equal.
        case collision([Leaf])
    }

    @usableFromInline
    final class Branch: Sendable {
        /// Bit i is set when there is a slot for the hash bits i of this level.
        @usableFromInline let occupied: UInt32
        @usableFromInline let slots: ContiguousArray<Slot>

        init(occupied: UInt32, slots: ContiguousArray<Slot>) {
            self.occupied = occupied
            self.slots = slots
        }
    }

    @inlinable static var bitsPerLevel: UInt64 { 5 }
    @usableFromInline var root: Branch?
    /// How many keys there are.
    public private(set) var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    /// Any thread; no allocation.
    @inlinable
    public func value(for key: UnsafeRawBufferPointer) -> Value? {
        guard var branch = root else { return nil }
        let hash = ByteHash.hash(key)
        var shift: UInt64 = 0
        while true {
            let bit: UInt32 = 1 << UInt32((hash >> shift) & 31)
            guard branch.occupied & bit != 0 else { return nil }
            switch branch.slots[(branch.occupied & (bit - 1)).nonzeroBitCount] {
            case .leaf(let leaf):
                return leaf.hash == hash && ByteView(key).equals(leaf.key) ? leaf.value : nil
            case .branch(let next):
                branch = next
                shift += Self.bitsPerLevel
            case .collision(let leaves):
                return leaves.first { ByteView(key).equals($0.key) }?.value
            }
        }
    }

    public func value(for key: [UInt8]) -> Value? { key.withUnsafeBytes { value(for: $0) } }

    /// The map with `value` for `key`, or without the key when `value` is nil.
    public func setting(_ key: [UInt8], to value: Value?) -> ByteTrie {
        let hash = key.withUnsafeBytes { ByteHash.hash($0) }
        var result = self
        if let value {
            let leaf = Leaf(hash: hash, key: key, value: value)
            guard let root else {
                result.root = Branch(occupied: 1 << UInt32(hash & 31), slots: [.leaf(leaf)])
                result.count = 1
                return result
            }
            var added = false
            result.root = Self.inserting(leaf, into: root, shift: 0, added: &added)
            if added { result.count += 1 }
        } else if let root, self.value(for: key) != nil {
            result.root = Self.removing(key, hash: hash, from: root, shift: 0)
            result.count -= 1
        }
        return result
    }

    /// All values, in no order.
    public var values: [Value] {
        var found: [Value] = []
        func visit(_ branch: Branch) {
            for slot in branch.slots {
                switch slot {
                case .leaf(let leaf): found.append(leaf.value)
                case .branch(let next): visit(next)
                case .collision(let leaves): found += leaves.map(\.value)
                }
            }
        }
        if let root { visit(root) }
        return found
    }

    private static func inserting(_ leaf: Leaf, into branch: Branch, shift: UInt64, added: inout Bool) -> Branch {
        let bit: UInt32 = 1 << UInt32((leaf.hash >> shift) & 31)
        let index = (branch.occupied & (bit - 1)).nonzeroBitCount
        var slots = branch.slots
        guard branch.occupied & bit != 0 else {
            slots.insert(.leaf(leaf), at: index)
            added = true
            return Branch(occupied: branch.occupied | bit, slots: slots)
        }
        switch slots[index] {
        case .leaf(let old) where old.key == leaf.key:
            slots[index] = .leaf(leaf)
        case .leaf(let old):
            added = true
            slots[index] = joined(old, leaf, shift: shift + bitsPerLevel)
        case .branch(let next):
            slots[index] = .branch(inserting(leaf, into: next, shift: shift + bitsPerLevel, added: &added))
        case .collision(var leaves):
            if let same = leaves.firstIndex(where: { $0.key == leaf.key }) {
                leaves[same] = leaf
            } else {
                added = true
                leaves.append(leaf)
            }
            slots[index] = .collision(leaves)
        }
        return Branch(occupied: branch.occupied, slots: slots)
    }

    /// Two leaves of different keys below one slot.
    private static func joined(_ a: Leaf, _ b: Leaf, shift: UInt64) -> Slot {
        // Beyond the 64 bits only whole keys tell them apart. Twelve levels use 60 bits, the thirteenth the last four.
        guard shift < 64 else { return .collision([a, b]) }
        let left = UInt32((a.hash >> shift) & 31)
        let right = UInt32((b.hash >> shift) & 31)
        if left == right {
            return .branch(Branch(occupied: 1 << left, slots: [joined(a, b, shift: shift + bitsPerLevel)]))
        }
        return .branch(
            Branch(occupied: (1 << left) | (1 << right), slots: left < right ? [.leaf(a), .leaf(b)] : [.leaf(b), .leaf(a)]))
    }

    /// - Returns: nil when nothing is left. The key is known to be there.
    private static func removing(_ key: [UInt8], hash: UInt64, from branch: Branch, shift: UInt64) -> Branch? {
        let bit: UInt32 = 1 << UInt32((hash >> shift) & 31)
        let index = (branch.occupied & (bit - 1)).nonzeroBitCount
        var slots = branch.slots
        var remaining: Slot?
        switch slots[index] {
        case .leaf: remaining = nil
        case .branch(let next):
            let smaller = removing(key, hash: hash, from: next, shift: shift + bitsPerLevel)
            // A branch that holds one leaf only is that leaf: the trie's form depends on its keys, not on its history.
            if let smaller, smaller.slots.count == 1, case .leaf = smaller.slots[0] {
                remaining = smaller.slots[0]
            } else {
                remaining = smaller.map(Slot.branch)
            }
        case .collision(let leaves):
            let others = leaves.filter { $0.key != key }
            remaining = others.count == 1 ? .leaf(others[0]) : .collision(others)
        }
        if let remaining {
            slots[index] = remaining
            return Branch(occupied: branch.occupied, slots: slots)
        }
        guard slots.count > 1 else { return nil }
        slots.remove(at: index)
        return Branch(occupied: branch.occupied & ~bit, slots: slots)
    }
}

/// A 64-bit hash of bytes, seeded anew by each process: multiply and fold eight bytes at a time.
@usableFromInline
enum ByteHash {
    private static let seed = UInt64.random(in: .min ... .max)

    @usableFromInline
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= bytes.count {
            state = fold(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var tail: UInt64 = 0
        while index < bytes.count {
            tail = tail << 8 | UInt64(bytes[index])
            index += 1
        }
        return fold(fold(state ^ tail))
    }

    private static func fold(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}
