import GatewayPrimitives

/// Persistent map from byte strings: a change copies one path of a hash trie and shares the rest, so that its cost grows with the
/// logarithm of the size, and a version that somebody still reads stays as it is.
///
/// A lookup allocates nothing. The hash is the standard library's, seeded anew in every process: a client that chooses host names
/// cannot choose collisions.
public struct ByteTrie<Value: Sendable>: Sendable {
    @usableFromInline
    let root: TrieNode<Value>?
    /// Number of keys.
    public let count: Int

    public init() {
        root = nil
        count = 0
    }

    private init(root: TrieNode<Value>?, count: Int) {
        self.root = root
        self.count = count
    }

    public var isEmpty: Bool { count == 0 }

    @inlinable
    public func value(for key: UnsafeRawBufferPointer) -> Value? {
        guard let root else { return nil }
        return root.value(for: ByteView(key), hash: trieHash(key))
    }

    @inlinable
    public func value(for key: ByteView) -> Value? { value(for: key.buffer) }

    public func value(for key: [UInt8]) -> Value? { key.withUnsafeBytes { value(for: $0) } }

    /// The map with `key` bound to `value`, or without `key` when `value` is nil. O(log count).
    public func setting(_ key: [UInt8], to value: Value?) -> ByteTrie {
        let hash = key.withUnsafeBytes { trieHash($0) }
        if let value {
            let leaf = TrieLeaf(hash: hash, key: key, value: value)
            guard let root else { return ByteTrie(root: TrieNode(leaf: leaf, shift: 0), count: 1) }
            let (node, isNew) = root.inserting(leaf, shift: 0)
            return ByteTrie(root: node, count: isNew ? count + 1 : count)
        }
        guard let root, self.value(for: key) != nil else { return self }
        return ByteTrie(root: root.removing(key, hash: hash, shift: 0), count: count - 1)
    }

    /// All keys and values, in no order; not for the request path.
    public var all: [(key: [UInt8], value: Value)] {
        var result: [(key: [UInt8], value: Value)] = []
        root?.collect(into: &result)
        return result
    }
}

@usableFromInline
func trieHash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: key)
    return UInt64(bitPattern: Int64(hasher.finalize()))
}

@usableFromInline
final class TrieLeaf<Value: Sendable>: Sendable {
    @usableFromInline let hash: UInt64
    @usableFromInline let key: [UInt8]
    @usableFromInline let value: Value

    init(hash: UInt64, key: [UInt8], value: Value) {
        self.hash = hash
        self.key = key
        self.value = value
    }
}

/// A node has a slot for each of the 32 values of five bits of the hash; only the used ones are stored.
///
/// Behind the last bits of the hash there are nodes without slots, whose leaves all have the same hash.
@usableFromInline
final class TrieNode<Value: Sendable>: Sendable {
    @usableFromInline let leafMap: UInt32
    @usableFromInline let nodeMap: UInt32
    /// In the order of their slots.
    @usableFromInline let leaves: ContiguousArray<TrieLeaf<Value>>
    @usableFromInline let nodes: ContiguousArray<TrieNode<Value>>

    @usableFromInline static var bits: UInt64 { 5 }
    @usableFromInline static var hashBits: UInt64 { 64 }

    init(
        leafMap: UInt32, nodeMap: UInt32, leaves: ContiguousArray<TrieLeaf<Value>>,
        nodes: ContiguousArray<TrieNode<Value>>
    ) {
        self.leafMap = leafMap
        self.nodeMap = nodeMap
        self.leaves = leaves
        self.nodes = nodes
    }

    convenience init(leaf: TrieLeaf<Value>, shift: UInt64) {
        let map: UInt32 = shift >= Self.hashBits ? 0 : 1 << UInt32((leaf.hash >> shift) & 31)
        self.init(leafMap: map, nodeMap: 0, leaves: [leaf], nodes: [])
    }

    @usableFromInline
    func value(for key: ByteView, hash: UInt64) -> Value? {
        var node = self
        var shift: UInt64 = 0
        while shift < Self.hashBits {
            let bit: UInt32 = 1 << UInt32((hash >> shift) & 31)
            if node.leafMap & bit != 0 {
                let leaf = node.leaves[(node.leafMap & (bit &- 1)).nonzeroBitCount]
                return leaf.hash == hash && key.equals(leaf.key) ? leaf.value : nil
            }
            guard node.nodeMap & bit != 0 else { return nil }
            node = node.nodes[(node.nodeMap & (bit &- 1)).nonzeroBitCount]
            shift += Self.bits
        }
        for leaf in node.leaves where key.equals(leaf.key) { return leaf.value }
        return nil
    }

    func inserting(_ leaf: TrieLeaf<Value>, shift: UInt64) -> (node: TrieNode, isNew: Bool) {
        guard shift < Self.hashBits else {
            var leaves = leaves
            if let index = leaves.firstIndex(where: { $0.key == leaf.key }) {
                leaves[index] = leaf
                return (TrieNode(leafMap: 0, nodeMap: 0, leaves: leaves, nodes: []), false)
            }
            leaves.append(leaf)
            return (TrieNode(leafMap: 0, nodeMap: 0, leaves: leaves, nodes: []), true)
        }
        let bit: UInt32 = 1 << UInt32((leaf.hash >> shift) & 31)
        let leafIndex = (leafMap & (bit &- 1)).nonzeroBitCount
        let nodeIndex = (nodeMap & (bit &- 1)).nonzeroBitCount
        var leaves = leaves
        var nodes = nodes
        if nodeMap & bit != 0 {
            let (child, isNew) = nodes[nodeIndex].inserting(leaf, shift: shift + Self.bits)
            nodes[nodeIndex] = child
            return (TrieNode(leafMap: leafMap, nodeMap: nodeMap, leaves: leaves, nodes: nodes), isNew)
        }
        if leafMap & bit != 0 {
            let old = leaves[leafIndex]
            if old.key == leaf.key {
                leaves[leafIndex] = leaf
                return (TrieNode(leafMap: leafMap, nodeMap: nodeMap, leaves: leaves, nodes: nodes), false)
            }
            let child = TrieNode(leaf: old, shift: shift + Self.bits).inserting(leaf, shift: shift + Self.bits).node
            leaves.remove(at: leafIndex)
            nodes.insert(child, at: nodeIndex)
            return (TrieNode(leafMap: leafMap & ~bit, nodeMap: nodeMap | bit, leaves: leaves, nodes: nodes), true)
        }
        leaves.insert(leaf, at: leafIndex)
        return (TrieNode(leafMap: leafMap | bit, nodeMap: nodeMap, leaves: leaves, nodes: nodes), true)
    }

    /// The node without `key`, which it holds; nil when nothing is left. A child with a single leaf is folded into its parent, so that
    /// what remains is what inserting only the rest would have made.
    func removing(_ key: [UInt8], hash: UInt64, shift: UInt64) -> TrieNode? {
        var leaves = leaves
        var nodes = nodes
        guard shift < Self.hashBits else {
            leaves.removeAll { $0.key == key }
            return leaves.isEmpty ? nil : TrieNode(leafMap: 0, nodeMap: 0, leaves: leaves, nodes: [])
        }
        let bit: UInt32 = 1 << UInt32((hash >> shift) & 31)
        let leafIndex = (leafMap & (bit &- 1)).nonzeroBitCount
        let nodeIndex = (nodeMap & (bit &- 1)).nonzeroBitCount
        if leafMap & bit != 0 {
            leaves.remove(at: leafIndex)
            if leaves.isEmpty && nodes.isEmpty { return nil }
            return TrieNode(leafMap: leafMap & ~bit, nodeMap: nodeMap, leaves: leaves, nodes: nodes)
        }
        guard nodeMap & bit != 0 else { return self }
        let child = nodes[nodeIndex].removing(key, hash: hash, shift: shift + Self.bits)
        if let child, child.nodes.isEmpty, child.leaves.count == 1 {
            leaves.insert(child.leaves[0], at: leafIndex)
            nodes.remove(at: nodeIndex)
            return TrieNode(leafMap: leafMap | bit, nodeMap: nodeMap & ~bit, leaves: leaves, nodes: nodes)
        }
        if let child {
            nodes[nodeIndex] = child
            return TrieNode(leafMap: leafMap, nodeMap: nodeMap, leaves: leaves, nodes: nodes)
        }
        nodes.remove(at: nodeIndex)
        if leaves.isEmpty && nodes.isEmpty { return nil }
        return TrieNode(leafMap: leafMap, nodeMap: nodeMap & ~bit, leaves: leaves, nodes: nodes)
    }

    func collect(into result: inout [(key: [UInt8], value: Value)]) {
        for leaf in leaves { result.append((leaf.key, leaf.value)) }
        for node in nodes { node.collect(into: &result) }
    }
}
