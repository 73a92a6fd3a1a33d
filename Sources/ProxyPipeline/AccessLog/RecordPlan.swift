import GatewayPrimitives
import Snapshot

/// A field of a record under the name that it has there.
typealias RecordMember = (name: StaticString, field: RecordField)

/// What makes records alike: those of one route that went the same way differ in few fields.
struct RecordShape: Hashable {
    let route: UInt64
    /// Whose members they have.
    let members: UInt64
    private let traits: UInt32

    private static let hasRoute: UInt32 = 1 << 0
    private static let usesTLS: UInt32 = 1 << 1
    private static let hasHead: UInt32 = 1 << 2
    private static let isHTTP2: UInt32 = 1 << 3
    private static let isHTTP10: UInt32 = 1 << 4
    private static let hasFailed: UInt32 = 1 << 5
    private static let hasCaller: UInt32 = 1 << 6
    private static let isProxied: UInt32 = 1 << 7
    private static let isCompressed: UInt32 = 1 << 8
    private static let hasFunction: UInt32 = 1 << 9
    private static let hasProvider: UInt32 = 1 << 10
    private static let hasUpstream: UInt32 = 1 << 11
    private static let hasUpstreamTLS: UInt32 = 1 << 12
    private static let isRemote: UInt32 = 1 << 13
    private static let isCall: UInt32 = 1 << 14
    /// Number of the instance's own fields, at most ten.
    private static let customShift: UInt32 = 16

    init(_ record: AccessRecord, members: UInt64) {
        var traits: UInt32 = 0
        func mark(_ trait: UInt32, _ isSet: Bool) { if isSet { traits |= trait } }
        if let route = record.route {
            self.route = route.serial
            traits |= Self.hasRoute
        } else {
            route = 0
        }
        self.members = members
        if let head = record.head {
            traits |= Self.hasHead
            if record.isHTTP2 { traits |= Self.isHTTP2 } else { mark(Self.isHTTP10, head.isHTTP10) }
        }
        if let upstream = record.upstream {
            traits |= Self.hasUpstream
            mark(Self.hasUpstreamTLS, upstream.endpoint.usesTLS)
        }
        mark(Self.usesTLS, record.usesTLS)
        mark(Self.hasFailed, record.failure != nil)
        mark(Self.hasCaller, record.caller != nil)
        mark(Self.isProxied, record.isProxied)
        mark(Self.isCompressed, record.gzipWritten > 0)
        mark(Self.hasFunction, !record.functionURN.isEmpty)
        mark(Self.hasProvider, !record.providerName.isEmpty)
        mark(Self.isRemote, record.isRemote)
        mark(Self.isCall, record.isCall)
        if let instance = record.instance {
            traits |= UInt32(truncatingIfNeeded: min(instance.settings.logFields.count, 10)) << Self.customShift
        }
        self.traits = traits
    }

    private func has(_ trait: UInt32) -> Bool { traits & trait != 0 }

    /// Records of this shape show calls of gRPC.
    var isCall: Bool { has(Self.isCall) }

    /// All records of this shape have the same value there.
    func fixes(_ field: RecordField) -> Bool {
        switch field {
        case .region, .proxyVNI, .proxyEndpointID, .scheme, .serverProtocol, .responseSource, .authentication, .accessModel1,
            .accessModel2, .matchMode, .apiID, .apiName, .providerAppID, .upstreamScheme:
            true
        case .groupID: has(Self.hasRoute)
        case .errorType, .errorCode: !has(Self.hasFailed)
        case .userID, .appID, .appName, .userName: !has(Self.hasCaller)
        case .proxyAddress: !has(Self.isProxied)
        case .gzipRatio: !has(Self.isCompressed)
        case .functionURN: !has(Self.hasFunction)
        case .providerAppName: !has(Self.hasProvider)
        case .upstreamAddress, .upstreamTarget, .upstreamStatus, .upstreamConnectTime, .upstreamHeaderTime, .upstreamTime,
            .allUpstreamTime:
            !has(Self.hasUpstream)
        case .custom1, .custom2, .custom3, .custom4, .custom5, .custom6, .custom7, .custom8, .custom9, .custom10:
            field.customIndex >= Int(traits >> Self.customShift)
        case .remoteAddress, .requestID, .localTime, .requestTime, .method, .host, .target, .status, .bytesSent, .requestLength,
            .userAgent, .forwardedFor, .innerTime, .bodyBytes, .startTime, .clientAddress, .callStatus:
            false
        }
    }
}

extension ByteScratch {
    /// Appends a short text without a call for it.
    ///
    /// - Parameter start: of `count` bytes, behind which ``RecordPlan/wordBytes`` more may be read.
    fileprivate func append(wordsAt start: UnsafeRawPointer, count: Int) {
        let place = reserve(count + RecordPlan.wordBytes)
        var offset = 0
        while offset < count {
            let word = start.loadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
            place.storeBytes(of: word, toByteOffset: offset, as: SIMD2<UInt64>.self)
            offset += RecordPlan.wordBytes
        }
        advance(by: count)
    }
}

/// The members of records of one shape: what is the same in all of them as it is written, and between it the fields that are not.
private final class RecordPlan {
    /// Of ``text``, which is copied in pieces of so many bytes.
    static let wordBytes = 16

    let shape: RecordShape
    private var text: [UInt8] = []
    private var textCount = 0
    /// Fields to be written, each behind the text up to `end`.
    private var fields: [(end: Int, field: RecordField)] = []

    init(_ shape: RecordShape, _ members: [RecordMember], _ writer: RecordFieldWriter, like record: AccessRecord) {
        self.shape = shape
        let out = ByteScratch(capacity: 2048)
        var line = JSONLine(continuing: out, isFirst: true)
        for (name, field) in members {
            line.name(name)
            if shape.fixes(field) { writer.write(field, record, record.head, line) } else { fields.append((out.count, field)) }
        }
        textCount = out.count
        text = out.array + [UInt8](repeating: 0, count: RecordPlan.wordBytes)
    }

    func write(_ record: AccessRecord, _ writer: RecordFieldWriter, to out: ByteScratch) {
        let line = JSONLine(continuing: out, isFirst: false)
        let head = record.head
        text.withUnsafeBytes { text in
            guard let start = text.baseAddress else { return }
            var from = 0
            for (end, field) in fields {
                out.append(wordsAt: start + from, count: end - from)
                from = end
                writer.write(field, record, head, line)
            }
            out.append(wordsAt: start + from, count: textCount - from)
        }
    }
}

/// Writes the members of records. Shapes that come again are written from a plan that was made once, with the same bytes as come of
/// writing one member after the other. Confined to one event loop.
final class RecordMembers {
    private let writer: RecordFieldWriter
    private var plans: [RecordShape: RecordPlan] = [:]
    /// Records tend to be followed by more of the same.
    private var last: RecordPlan?
    /// Records without a plan since there is no room for more of them.
    private var unplanned = 0

    /// Most plans at a time; one has about 1 KB.
    static let bound = 2048

    init(region: String) { writer = RecordFieldWriter(region: region) }

    /// - Parameters:
    ///   - id: tells these members from others; ``KafkaLogPolicy/serial``, or 0 for the access log's.
    ///   - members: asked for where there is no plan.
    func write(
        _ record: AccessRecord, nowMilliseconds: Int64, id: UInt64, to out: ByteScratch, members: (RecordShape) -> [RecordMember]
    ) {
        writer.begin(nowMilliseconds: nowMilliseconds)
        let shape = RecordShape(record, members: id)
        if let last, last.shape == shape { return last.write(record, writer, to: out) }
        if let known = plans[shape] {
            last = known
            return known.write(record, writer, to: out)
        }
        if plans.count >= Self.bound {
            unplanned += 1
            guard unplanned > Self.bound else {
                return writeEach(of: members(shape), record, to: out)
            }
            // Others have come into use; plans of routes that are gone go with the rest.
            plans.removeAll(keepingCapacity: true)
            unplanned = 0
        }
        let plan = RecordPlan(shape, members(shape), writer, like: record)
        plans[shape] = plan
        last = plan
        plan.write(record, writer, to: out)
    }

    /// One member after the other.
    private func writeEach(of members: [RecordMember], _ record: AccessRecord, to out: ByteScratch) {
        var line = JSONLine(continuing: out, isFirst: true)
        for (name, field) in members {
            line.name(name)
            writer.write(field, record, record.head, line)
        }
    }

    /// The same without a plan.
    func writePlainly(_ record: AccessRecord, nowMilliseconds: Int64, _ members: [RecordMember], to out: ByteScratch) {
        writer.begin(nowMilliseconds: nowMilliseconds)
        writeEach(of: members, record, to: out)
    }
}
