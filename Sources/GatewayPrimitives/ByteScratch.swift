/// A growing byte area that is emptied and filled again, so that steady use allocates nothing.
///
/// Confined to one thread or event loop; not `Sendable`.
public final class ByteScratch {
    @usableFromInline var memory: UnsafeMutableRawBufferPointer
    public internal(set) var count: Int {
        @inlinable get { used }
        set { used = newValue }
    }
    @usableFromInline var used = 0

    /// - Parameter capacity: bytes to hold before the first growth.
    public init(capacity: Int = 4096) {
        memory = .allocate(byteCount: max(capacity, 64), alignment: 16)
    }
    deinit { memory.deallocate() }

    /// What was written since the last ``removeAll()``; valid until the next change.
    @inlinable
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[0..<used]) }
    public var array: [UInt8] { Array(bytes) }

    /// Bytes that it holds without growing.
    public var capacity: Int { memory.count }

    /// Forgets the content and keeps the memory.
    @inlinable
    public func removeAll() { used = 0 }

    /// Forgets what was written after the first `count` bytes.
    public func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

    @inlinable
    public func append(_ byte: UInt8) {
        if used == memory.count { grow(by: 1) }
        memory[used] = byte
        used &+= 1
    }

    @inlinable
    public func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        if memory.count - used < source.count { grow(by: source.count) }
        (memory.baseAddress.unsafelyUnwrapped + used).copyMemory(from: start, byteCount: source.count)
        used &+= source.count
    }

    @inlinable
    public func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }
    @inlinable
    public func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends `count` bytes that `fill` writes.
    @inlinable
    public func append(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        if memory.count - used < count { grow(by: count) }
        fill(UnsafeMutableRawBufferPointer(rebasing: memory[used..<(used + count)]))
        used += count
    }

    /// Where `count` more bytes may be written at most; those that were become part of the content with ``advance(by:)``.
    @inlinable
    public func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if memory.count - used < count { grow(by: count) }
        return memory.baseAddress.unsafelyUnwrapped + used
    }

    /// - Parameter count: no more than was reserved.
    @inlinable
    public func advance(by count: Int) {
        precondition(count >= 0 && count <= memory.count - used)
        used &+= count
    }

    @usableFromInline
    func grow(by needed: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(memory.count * 2, count + needed), alignment: 16)
        larger.baseAddress!.copyMemory(from: memory.baseAddress!, byteCount: count)
        memory.deallocate()
        memory = larger
    }
}
