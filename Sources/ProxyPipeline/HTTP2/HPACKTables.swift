import GatewayPrimitives

/// Fields that have an index from the start (RFC 7541, appendix A).
enum HPACKStaticTable {
    static let count = 61

    /// - Parameter index: 1...61
    static func field(_ index: Int) -> (name: ByteView, value: ByteView) {
        let field = fields[index - 1]
        return (ByteView(field.name), ByteView(field.value))
    }

    private static let fields: [(name: StaticString, value: StaticString)] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"),
        (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
        (":status", "404"), (":status", "500"), ("accept-charset", ""), ("accept-encoding", "gzip, deflate"),
        ("accept-language", ""), ("accept-ranges", ""), ("accept", ""), ("access-control-allow-origin", ""), ("age", ""),
        ("allow", ""), ("authorization", ""), ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""),
        ("content-language", ""), ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
        ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""),
        ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""),
        ("link", ""), ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""),
        ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
        ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
        ("www-authenticate", ""),
    ]
}

/// Fields that the other side has given an index (RFC 7541, 2.3.2 and 4): newest first, within ``bound`` bytes.
///
/// The bytes lie one behind the other in twice that room; when its end is reached, those still known move to its start.
struct HPACKDynamicTable: ~Copyable {
    /// The size that every receiver begins with and this one keeps: names and values, and 32 for each field.
    static let bound = 4096
    private static let capacity = 2 * bound
    private static let places = bound / 32

    private struct Entry {
        var start: Int
        var nameCount: Int
        var valueCount: Int
        var size: Int { nameCount + valueCount + 32 }
    }

    /// Nothing is allocated for clients that index nothing.
    private var bytes: UnsafeMutableRawPointer?
    private var entries: UnsafeMutablePointer<Entry>?
    private var oldest = 0
    private(set) var count = 0
    private var size = 0
    private var limit = bound
    private var end = 0

    init() {}

    deinit {
        bytes?.deallocate()
        entries?.deallocate()
    }

    /// - Parameter index: 0 is the newest.
    /// - Returns: nil when there is none; valid until the next change.
    func field(_ index: Int) -> (name: ByteView, value: ByteView)? {
        guard index >= 0, index < count, let bytes, let entries else { return nil }
        let entry = entries[(oldest + count - 1 - index) % Self.places]
        let start = UnsafeRawPointer(bytes) + entry.start
        return (ByteView(start: start, count: entry.nameCount), ByteView(start: start + entry.nameCount, count: entry.valueCount))
    }

    /// False when more is asked for than was offered.
    mutating func resize(_ limit: Int) -> Bool {
        guard limit <= Self.bound else { return false }
        self.limit = limit
        evict(for: 0)
        return true
    }

    /// - Parameters: neither may lie in the table.
    mutating func insert(_ name: ByteView, _ value: ByteView) {
        let entry = Entry(start: 0, nameCount: name.count, valueCount: value.count)
        guard entry.size <= limit else {
            count = 0
            size = 0
            return
        }
        evict(for: entry.size)
        let bytes = bytes ?? .allocate(byteCount: Self.capacity, alignment: 8)
        self.bytes = bytes
        let entries = entries ?? .allocate(capacity: Self.places)
        self.entries = entries
        if count == 0 { end = 0 }
        if end + name.count + value.count > Self.capacity { compact(bytes, entries) }
        (bytes + end).copyMemory(from: name.start, byteCount: name.count)
        (bytes + end + name.count).copyMemory(from: value.start, byteCount: value.count)
        (entries + (oldest + count) % Self.places).initialize(
            to: Entry(start: end, nameCount: name.count, valueCount: value.count))
        end += name.count + value.count
        count += 1
        size += entry.size
    }

    private mutating func evict(for more: Int) {
        guard let entries else { return }
        while count > 0, size + more > limit {
            size -= entries[oldest].size
            oldest = (oldest + 1) % Self.places
            count -= 1
        }
    }

    private mutating func compact(_ bytes: UnsafeMutableRawPointer, _ entries: UnsafeMutablePointer<Entry>) {
        let start = entries[oldest].start
        bytes.copyMemory(from: bytes + start, byteCount: end - start)
        for place in 0..<count { entries[(oldest + place) % Self.places].start -= start }
        end -= start
    }
}
