import GatewayPrimitives

/// The fields of one message as they were decoded: names and values one behind the other in memory that is used again and again.
/// Confined to one event loop.
public final class HTTP2FieldList {
    private struct Entry {
        var start: Int
        var nameCount: Int
        var valueCount: Int
    }

    private var bytes: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    private var entries: ContiguousArray<Entry> = []
    /// As RFC 9113, 6.5.2 counts: names, values and 32 for each field.
    private(set) var size = 0

    private static let keptCapacity = 16 * 1024

    public init() {
        capacity = 4096
        bytes = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { bytes.deallocate() }

    public var count: Int { entries.count }

    /// Valid until the list is reset.
    public func name(at index: Int) -> ByteView {
        let entry = entries[index]
        return ByteView(start: UnsafeRawPointer(bytes) + entry.start, count: entry.nameCount)
    }

    public func value(at index: Int) -> ByteView {
        let entry = entries[index]
        return ByteView(start: UnsafeRawPointer(bytes) + entry.start + entry.nameCount, count: entry.valueCount)
    }

    public func reset() {
        if capacity > Self.keptCapacity {
            bytes.deallocate()
            capacity = Self.keptCapacity
            bytes = .allocate(byteCount: capacity, alignment: 8)
            entries = []
        } else {
            entries.removeAll(keepingCapacity: true)
        }
        used = 0
        size = 0
    }

    /// Room for so many bytes behind what was appended.
    func reserve(_ more: Int) -> UnsafeMutableRawPointer {
        if used + more > capacity {
            let larger = max(capacity * 2, used + more)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
            moved.copyMemory(from: bytes, byteCount: used)
            bytes.deallocate()
            bytes = moved
            capacity = larger
        }
        return bytes + used
    }

    /// Makes bytes that were written into reserved room part of the list.
    func advance(_ count: Int) { used += count }

    public func append(_ view: ByteView) {
        reserve(view.count).copyMemory(from: view.start, byteCount: view.count)
        used += view.count
    }

    /// A name and a value were appended, in this order.
    /// - Returns: false when the list has become longer than it may.
    public func close(nameCount: Int, valueCount: Int) -> Bool {
        entries.append(Entry(start: used - nameCount - valueCount, nameCount: nameCount, valueCount: valueCount))
        size += nameCount + valueCount + 32
        return size <= HTTP2Limits.headerList
    }
}
