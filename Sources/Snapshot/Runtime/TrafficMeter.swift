/// Sums of one API's requests. Times in microseconds, sizes in bytes.
public struct TrafficCounts: Sendable, Equatable, Codable {
    public var requests: Int64 = 0
    public var successes: Int64 = 0
    /// Answers of 400...499, and requests whose client left before there was an answer.
    public var clientErrors: Int64 = 0
    /// Answers of 500...599, and answers that broke off.
    public var serverErrors: Int64 = 0
    /// From the request's head to the last byte of its answer.
    public var latencySum: Int64 = 0
    public var latencyMax: Int64 = 0
    /// What of it was not spent waiting for the backend.
    public var innerSum: Int64 = 0
    public var innerMax: Int64 = 0
    /// Requests that reached for a backend, and their time from there to the end.
    public var backendRequests: Int64 = 0
    public var backendSum: Int64 = 0
    public var backendMax: Int64 = 0
    /// Heads and bodies from clients.
    public var bytesIn: Int64 = 0
    /// Heads and bodies to clients.
    public var bytesOut: Int64 = 0

    public init() {}

    /// - Parameter backend: microseconds; nil when no backend was asked.
    @inline(__always)
    public mutating func add(status: Int, latency: Int64, backend: Int64?, bytesIn: Int64, bytesOut: Int64) {
        requests &+= 1
        switch status {
        case 101, 200..<300: successes &+= 1
        case 500...: serverErrors &+= 1
        case 0, 400..<500: clientErrors &+= 1
        default: break
        }
        latencySum &+= latency
        latencyMax = max(latencyMax, latency)
        let inner = max(0, latency - (backend ?? 0))
        innerSum &+= inner
        innerMax = max(innerMax, inner)
        if let backend {
            backendRequests &+= 1
            backendSum &+= backend
            backendMax = max(backendMax, backend)
        }
        self.bytesIn &+= bytesIn
        self.bytesOut &+= bytesOut
    }

    public static func += (sum: inout TrafficCounts, more: TrafficCounts) {
        sum.requests &+= more.requests
        sum.successes &+= more.successes
        sum.clientErrors &+= more.clientErrors
        sum.serverErrors &+= more.serverErrors
        sum.latencySum &+= more.latencySum
        sum.latencyMax = max(sum.latencyMax, more.latencyMax)
        sum.innerSum &+= more.innerSum
        sum.innerMax = max(sum.innerMax, more.innerMax)
        sum.backendRequests &+= more.backendRequests
        sum.backendSum &+= more.backendSum
        sum.backendMax = max(sum.backendMax, more.backendMax)
        sum.bytesIn &+= more.bytesIn
        sum.bytesOut &+= more.bytesOut
    }
}

/// What one event loop counted of one API in one minute.
public struct TrafficSample: Sendable, Equatable, Codable {
    public let instanceID, groupID, apiID: String
    /// Minutes since 1970.
    public let minute: Int64
    public let counts: TrafficCounts

    public init(instanceID: String, groupID: String, apiID: String, minute: Int64, counts: TrafficCounts) {
        self.instanceID = instanceID
        self.groupID = groupID
        self.apiID = apiID
        self.minute = minute
        self.counts = counts
    }
}

/// Whose requests a route counts. All environments of an API share it, and it outlives the snapshots that know it.
///
/// `@unchecked Sendable`: each event loop reads and writes the place that has its number, and no other; nobody else does.
public final class TrafficMeter: @unchecked Sendable {
    public let instanceID, groupID, apiID: String
    private let places: UnsafeMutablePointer<UInt32>
    private let loops: Int

    public static let noPlace = UInt32.max

    public init(instanceID: String, groupID: String, apiID: String, loops: Int) {
        self.instanceID = instanceID
        self.groupID = groupID
        self.apiID = apiID
        self.loops = loops
        places = .allocate(capacity: max(1, loops))
        places.initialize(repeating: Self.noPlace, count: max(1, loops))
    }

    deinit { places.deallocate() }

    /// Whether the meter was made for this event loop too.
    public func covers(_ loop: Int) -> Bool { loop < loops }

    /// Where a covered event loop keeps this meter's counts. On that loop only.
    public subscript(loop: Int) -> UInt32 {
        get { places[loop] }
        set { places[loop] = newValue }
    }
}

/// Finds the meter of an API while a route holds it. Any thread.
public struct TrafficMeters: Sendable {
    private let registry = RuntimeRegistry()
    private let loops: Int

    /// - Parameter loops: event loops of the gateway; 0: nothing is counted.
    public init(loops: Int) { self.loops = loops }

    public func meter(instanceID: String, groupID: String, apiID: String) -> TrafficMeter? {
        guard loops > 0 else { return nil }
        return registry.state("\(instanceID)/\(groupID)/\(apiID)") {
            TrafficMeter(instanceID: instanceID, groupID: groupID, apiID: apiID, loops: loops)
        }
    }
}
