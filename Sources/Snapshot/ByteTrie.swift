/// Persistent map from byte strings; a change copies one path. First shape: to be replaced by a hash trie.
public struct ByteTrie<Value: Sendable>: Sendable {
    private var storage: [[UInt8]: Value] = [:]
    public init() {}
    public func value(for key: UnsafeRawBufferPointer) -> Value? { storage[Array(key)] }
    public func value(for key: [UInt8]) -> Value? { storage[key] }
    public func setting(_ key: [UInt8], to value: Value?) -> ByteTrie {
        var copy = self
        copy.storage[key] = value
        return copy
    }
    public var isEmpty: Bool { storage.isEmpty }
}
