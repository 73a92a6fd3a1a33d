import GatewayPrimitives

/// Who used a credential last.
public enum UseOrigin: Sendable, Equatable, Codable {
    /// A caller.
    case address(IPAddress)
    /// The API whose request was signed with it.
    case api(String)

    public var text: String {
        switch self {
        case .address(let address): address.description
        case .api(let id): id
        }
    }
}

/// How often a credential proved something.
public struct UseCounts: Sendable, Equatable, Codable {
    public var calls: Int64 = 0
    /// Milliseconds since 1970 of the last time.
    public var lastAt: Int64 = 0
    public var lastBy: UseOrigin?

    public init() {}

    /// - Parameter wall: milliseconds since 1970.
    @inline(__always)
    public mutating func note(at wall: Int64, by origin: UseOrigin) {
        calls &+= 1
        lastAt = max(lastAt, wall)
        lastBy = origin
    }

    public static func += (sum: inout UseCounts, more: UseCounts) {
        sum.calls &+= more.calls
        guard more.lastAt >= sum.lastAt else { return }
        sum.lastAt = more.lastAt
        sum.lastBy = more.lastBy
    }
}

/// What one event loop counted of one credential.
public struct UseSample: Sendable, Equatable, Codable {
    public let kind: CredentialKind
    /// Of the credential, and of what it belongs to.
    public let id, ownerID: String
    public let counts: UseCounts

    public init(kind: CredentialKind, id: String, ownerID: String, counts: UseCounts) {
        self.kind = kind
        self.id = id
        self.ownerID = ownerID
        self.counts = counts
    }
}

/// Whose uses a compiled credential counts. It outlives the snapshots that know it.
///
/// `@unchecked Sendable`: each event loop reads and writes the place that has its number, and no other; nobody else does.
public final class UseMeter: @unchecked Sendable {
    public let kind: CredentialKind
    public let id, ownerID: String
    private let places: UnsafeMutablePointer<UInt32>
    private let loops: Int

    static let noPlace = UInt32.max

    public init(kind: CredentialKind, id: String, ownerID: String, loops: Int) {
        self.kind = kind
        self.id = id
        self.ownerID = ownerID
        self.loops = loops
        places = .allocate(capacity: max(1, loops))
        places.initialize(repeating: Self.noPlace, count: max(1, loops))
    }

    deinit { places.deallocate() }

    func covers(_ loop: Int) -> Bool { loop < loops }

    /// Where a covered event loop keeps this meter's counts. On that loop only.
    subscript(loop: Int) -> UInt32 {
        get { places[loop] }
        set { places[loop] = newValue }
    }
}

/// Finds the meter of a credential while something compiled holds it. Any thread.
public struct UseMeters: Sendable {
    private let registry = RuntimeRegistry()
    private let loops: Int

    /// - Parameter loops: event loops of the gateway; 0: nothing is counted.
    public init(loops: Int) { self.loops = loops }

    public func meter(_ kind: CredentialKind, id: String, ownerID: String) -> UseMeter? {
        guard loops > 0 else { return nil }
        return registry.state("\(kind.rawValue)/\(ownerID)/\(id)") {
            UseMeter(kind: kind, id: id, ownerID: ownerID, loops: loops)
        }
    }
}

/// What one event loop has counted since it was last asked. Confined to that loop.
///
/// Counting is an index and some additions; it allocates only while more credentials are used than ever before between two
/// takings.
public final class UseLedger {
    private struct Entry {
        let meter: UseMeter
        var counts: UseCounts
    }

    private let loop: Int
    private var entries: [Entry] = []

    /// - Parameter loop: number of the event loop, from 0.
    public init(loop: Int) { self.loop = loop }

    /// - Parameters:
    ///   - meter: nil: nobody wants to know.
    ///   - wall: milliseconds since 1970.
    public func note(_ meter: UseMeter?, at wall: Int64, by origin: UseOrigin) {
        guard let meter, meter.covers(loop) else { return }
        var place = Int(meter[loop])
        if place >= entries.count || entries[place].meter !== meter {
            place = entries.count
            entries.append(Entry(meter: meter, counts: UseCounts()))
            meter[loop] = UInt32(truncatingIfNeeded: place)
        }
        entries[place].counts.note(at: wall, by: origin)
    }

    /// Everything that was counted, which is forgotten here.
    public func take() -> [UseSample] {
        guard !entries.isEmpty else { return [] }
        let samples = entries.map { entry in
            entry.meter[loop] = UseMeter.noPlace
            return UseSample(
                kind: entry.meter.kind, id: entry.meter.id, ownerID: entry.meter.ownerID, counts: entry.counts)
        }
        entries.removeAll(keepingCapacity: true)
        return samples
    }
}
