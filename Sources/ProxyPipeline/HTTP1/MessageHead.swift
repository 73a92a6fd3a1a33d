import GatewayPrimitives
import Snapshot

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One header line of a received head, as offsets into the head's own bytes.
struct HeaderField {
    var nameStart: UInt32
    var valueStart: UInt32
    var nameCount: UInt16
    var valueCount: UInt16
    var known: KnownHeader
    /// Not to be seen by anybody any more: hop-by-hop, or removed by a stage.
    var removed: Bool
}

/// How the body after a head ends.
public enum BodyFraming: Equatable, Sendable {
    case none
    case length(Int)
    case chunked
    /// Answers only: the body ends with the connection.
    case untilClose

    /// Whether a request of this framing brings at least a body that may hold something.
    public var hasBody: Bool {
        switch self {
        case .none: false
        case .length(let count): count > 0
        case .chunked, .untilClose: true
        }
    }
}

/// What `feed` found.
public enum HeadProgress: Equatable, Sendable {
    /// All input was taken, the head is not complete.
    case needsMore
    /// The head is complete; so many bytes of this input belong to it, the rest is what follows.
    case complete(consumed: Int)
    case refused(HeadRefusal)
}

/// Why a head is not acceptable; the connection cannot be used further because nobody knows where the message ends.
public enum HeadRefusal: Equatable, Sendable {
    /// 400, with the reason for the log.
    case malformed(HeadDefect)
    /// 414
    case targetTooLong
    /// 494
    case headersTooLarge
}

/// What makes a head malformed. For logs and tests: a client is told no more than "Bad request."
public enum HeadDefect: Equatable, Sendable {
    case lineEnd, startLine, method, target, pathEscape, version, fieldName, fieldValue, foldedLine
    case host, contentLength, transferEncoding, lengthAndTransferEncoding, connectionOptions, leadingLines, status, expectation
}

/// The incremental scanner and the field table that request and answer heads share.
///
/// The head copies what it is fed into memory of its own, so that views of it stay valid until `reset()`, whatever becomes of
/// the input. Each byte is looked at once however the input is cut: the search for a line end resumes where it stopped.
/// Objects are reused for many messages and are confined to one event loop.
public class MessageHead {
    final var bytes: UnsafeMutableRawPointer
    final private var capacity: Int
    /// Bytes of the head received so far.
    final var count = 0
    /// The same, for whoever counts traffic.
    final public var byteCount: Int { count }
    final var fields: UnsafeMutablePointer<HeaderField>
    final public internal(set) var fieldCount = 0
    /// Lines that stages add behind the received ones; shared values, so that adding a prepared line copies nothing.
    final public private(set) var added: [HeaderLine] = []
    /// Index of the first field of each known name, `absent` if there is none.
    final private let firstKnown: UnsafeMutablePointer<UInt16>

    final private var lineStart = 0
    final private var searchFrom = 0
    final private var fieldsStart = 0
    final private var startLineDone = false
    final public private(set) var isComplete = false
    final private var leadingLines = 0

    private static let absent = UInt16.max
    private static let initialCapacity = 2048
    /// Memory that a head keeps between messages at most; larger heads are rare.
    private static let keptCapacity = 16 * 1024

    init() {
        capacity = Self.initialCapacity
        bytes = .allocate(byteCount: capacity, alignment: 8)
        fields = .allocate(capacity: HTTPLimits.fieldCount)
        firstKnown = .allocate(capacity: KnownHeader.count)
        firstKnown.initialize(repeating: Self.absent, count: KnownHeader.count)
    }

    deinit {
        bytes.deallocate()
        fields.deallocate()
        firstKnown.deallocate()
    }

    // MARK: What differs between requests and answers

    /// Reads the start line; nil when it is good.
    func readStartLine(_ line: ByteView) -> HeadRefusal? { .malformed(.startLine) }

    /// Checks the finished head and finds the framing; nil when it is good.
    func finish() -> HeadRefusal? { nil }

    /// Longest start line that is collected, and what is answered beyond.
    var startLineLimit: (count: Int, refusal: HeadRefusal) { (HTTPLimits.statusLine, .malformed(.startLine)) }

    var skipsLeadingEmptyLines: Bool { false }

    // MARK: Scanning

    /// Forgets the message, so that the next one can be fed. All views of this head become invalid.
    func reset() {
        if capacity > Self.keptCapacity {
            bytes.deallocate()
            capacity = Self.initialCapacity
            bytes = .allocate(byteCount: capacity, alignment: 8)
        }
        count = 0
        fieldCount = 0
        if !added.isEmpty { added.removeAll(keepingCapacity: true) }
        firstKnown.update(repeating: Self.absent, count: KnownHeader.count)
        lineStart = 0
        searchFrom = 0
        startLineDone = false
        isComplete = false
        leadingLines = 0
    }

    /// True when nothing of a message has arrived.
    public final var isUntouched: Bool { count == 0 }

    /// Takes the next input. After `complete` or `refused` nothing more may be fed until `reset()`.
    public final func feed(_ input: UnsafeRawBufferPointer) -> HeadProgress {
        var taken = 0
        while taken < input.count {
            // Pieces, because most of a large read is body, which is not to be copied here.
            let piece = min(input.count - taken, 4096)
            reserve(piece)
            (bytes + count).copyMemory(from: input.baseAddress.unsafelyUnwrapped + taken, byteCount: piece)
            let before = count
            count += piece
            switch scanLines() {
            case .needsMore: taken += piece
            case .complete: return .complete(consumed: taken + count - before)
            case .refused(let refusal): return .refused(refusal)
            }
        }
        return .needsMore
    }

    private final func reserve(_ more: Int) {
        guard count + more > capacity else { return }
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        moved.copyMemory(from: bytes, byteCount: count)
        bytes.deallocate()
        bytes = moved
        capacity = larger
    }

    private final func scanLines() -> HeadProgress {
        while let found = memchr(bytes + searchFrom, 0x0A, count - searchFrom) {
            let lineFeed = UnsafeMutableRawPointer(found) - bytes
            guard lineFeed > lineStart, bytes.load(fromByteOffset: lineFeed - 1, as: UInt8.self) == 0x0D else {
                return .refused(.malformed(.lineEnd))
            }
            let line = ByteView(start: UnsafeRawPointer(bytes) + lineStart, count: lineFeed - 1 - lineStart)
            let start = lineStart
            lineStart = lineFeed + 1
            searchFrom = lineStart
            if !startLineDone {
                if line.isEmpty, skipsLeadingEmptyLines {
                    leadingLines += 1
                    if leadingLines > HTTPLimits.leadingEmptyLines { return .refused(.malformed(.leadingLines)) }
                    continue
                }
                if line.count > startLineLimit.count { return .refused(startLineLimit.refusal) }
                if let refusal = readStartLine(line) { return .refused(refusal) }
                startLineDone = true
                fieldsStart = lineStart
            } else if line.isEmpty {
                // What follows belongs to the body: it is given back to the caller.
                count = lineStart
                isComplete = true
                if let refusal = finish() { return .refused(refusal) }
                return .complete(consumed: 0)
            } else if let refusal = readField(line, at: start) {
                return .refused(refusal)
            }
        }
        searchFrom = count
        let pending = count - lineStart
        if !startLineDone {
            if pending > startLineLimit.count + 1 { return .refused(startLineLimit.refusal) }
        } else if pending > HTTPLimits.headerLine + 1 || count - fieldsStart > HTTPLimits.headers {
            return .refused(.headersTooLarge)
        }
        return .needsMore
    }

    @inline(__always)
    private final func readField(_ line: ByteView, at offset: Int) -> HeadRefusal? {
        if line.count > HTTPLimits.headerLine || lineStart - fieldsStart > HTTPLimits.headers { return .headersTooLarge }
        if fieldCount == HTTPLimits.fieldCount { return .headersTooLarge }
        var colon = 0
        while colon < line.count, ByteClass.isToken(line.start.load(fromByteOffset: colon, as: UInt8.self)) { colon += 1 }
        guard colon < line.count, colon > 0, line[colon] == UInt8(ascii: ":") else {
            let isFolded = line[0] == 0x20 || line[0] == 0x09
            return .malformed(isFolded ? .foldedLine : .fieldName)
        }
        let value = line.dropFirst(colon + 1).trimmed()
        guard ByteClass.isFieldValue(value) else { return .malformed(.fieldValue) }
        let known = KnownHeader.named(line.slice(0, colon))
        (fields + fieldCount).initialize(
            to: HeaderField(
                nameStart: UInt32(truncatingIfNeeded: offset),
                valueStart: UInt32(truncatingIfNeeded: value.start - UnsafeRawPointer(bytes)),
                nameCount: UInt16(truncatingIfNeeded: colon), valueCount: UInt16(truncatingIfNeeded: value.count),
                known: known, removed: known.isHopByHop))
        let slot = Int(known.rawValue)
        if firstKnown[slot] == Self.absent { firstKnown[slot] = UInt16(truncatingIfNeeded: fieldCount) }
        fieldCount += 1
        return nil
    }

    // MARK: Fields

    @inline(__always)
    final func view(_ start: Int, _ count: Int) -> ByteView { ByteView(start: UnsafeRawPointer(bytes) + start, count: count) }

    /// Name of the field at `index` in `0 ..< fieldCount`, as received.
    @inline(__always)
    public final func name(at index: Int) -> ByteView {
        view(Int(fields[index].nameStart), Int(fields[index].nameCount))
    }

    /// Value of the field at `index` in `0 ..< fieldCount`, without surrounding blanks.
    @inline(__always)
    public final func value(at index: Int) -> ByteView {
        view(Int(fields[index].valueStart), Int(fields[index].valueCount))
    }

    public final func known(at index: Int) -> KnownHeader { fields[index].known }

    /// Hop-by-hop, listed by `Connection`, or taken away by a stage: neither read nor forwarded.
    public final func isRemoved(at index: Int) -> Bool { fields[index].removed }

    public final func remove(at index: Int) { fields[index].removed = true }

    /// Index of the first field of that name, removed or not; nil if there is none. Constant time.
    @inline(__always)
    public final func firstIndex(_ known: KnownHeader) -> Int? {
        let index = firstKnown[Int(known.rawValue)]
        return index == Self.absent ? nil : Int(index)
    }

    /// Value of the first field of that name that is not removed; constant time when there is none.
    @inline(__always)
    public final func value(_ known: KnownHeader) -> ByteView? {
        guard let first = firstIndex(known) else { return nil }
        for index in first ..< fieldCount where fields[index].known == known && !fields[index].removed {
            return value(at: index)
        }
        return nil
    }

    /// Value of the first field with this name (lower case) that is not removed.
    public final func value(named lowercase: ByteView) -> ByteView? {
        for index in 0 ..< fieldCount where !fields[index].removed && name(at: index).equalsIgnoringCase(lowercase) {
            return value(at: index)
        }
        return nil
    }

    public final func value(named lowercase: [UInt8]) -> ByteView? {
        lowercase.withUnsafeBytes { value(named: ByteView($0)) }
    }

    /// The one value of a header (lower case), whether or not it will be forwarded; nil when it is absent or was sent twice, which can
    /// be read in two ways.
    public final func onlyValue(named lowercase: ByteView) -> ByteView? {
        var found: ByteView?
        for index in 0 ..< fieldCount where name(at: index).equalsIgnoringCase(lowercase) {
            guard found == nil else { return nil }
            found = value(at: index)
        }
        return found
    }

    /// Removes all fields with this name (lower case).
    public final func remove(named lowercase: ByteView) {
        for index in 0 ..< fieldCount where name(at: index).equalsIgnoringCase(lowercase) { fields[index].removed = true }
    }

    public final func remove(_ known: KnownHeader) {
        guard let first = firstIndex(known) else { return }
        for index in first ..< fieldCount where fields[index].known == known { fields[index].removed = true }
    }

    public final func add(_ line: HeaderLine) { added.append(line) }

    /// Takes back what stages have added with this name (lower case).
    public final func removeAdded(named lowercase: [UInt8]) {
        added.removeAll { line in line.name.withUnsafeBytes { ByteView($0).equalsIgnoringCase(lowercase) } }
    }

    /// Brings back fields that are hop-by-hop unless the message is about an upgrade.
    final func restore(_ known: KnownHeader) {
        guard let first = firstIndex(known) else { return }
        for index in first ..< fieldCount where fields[index].known == known { fields[index].removed = false }
    }

    // MARK: Rules that both sides share

    /// How many fields there are of this name.
    final func occurrences(_ known: KnownHeader) -> Int {
        guard let first = firstIndex(known) else { return 0 }
        var result = 1
        for index in first + 1 ..< max(fieldCount, first + 1) where fields[index].known == known { result += 1 }
        return result
    }

    struct ConnectionOptions {
        var close = false
        var keepAlive = false
        var upgrade = false
    }

    /// Reads all `Connection` lines and removes the fields that they name; nil when there are too many options.
    final func readConnectionOptions() -> ConnectionOptions? {
        var result = ConnectionOptions()
        guard let first = firstIndex(.connection) else { return result }
        var options = 0
        for index in first ..< fieldCount where fields[index].known == .connection {
            let list = value(at: index)
            var from = 0
            while from <= list.count {
                let to = list.firstIndex(of: UInt8(ascii: ","), from: from) ?? list.count
                let option = list.slice(from, to).trimmed()
                from = to + 1
                if option.isEmpty { continue }
                options += 1
                if options > HTTPLimits.connectionOptions { return nil }
                if option.equalsIgnoringCase("close") {
                    result.close = true
                } else if option.equalsIgnoringCase("keep-alive") {
                    result.keepAlive = true
                } else if option.equalsIgnoringCase("upgrade") {
                    result.upgrade = true
                } else {
                    removeListed(option)
                }
            }
        }
        return result
    }

    private final func removeListed(_ option: ByteView) {
        for index in 0 ..< fieldCount where !fields[index].known.staysWhenListed {
            let name = name(at: index)
            guard name.count == option.count else { continue }
            var same = true
            for byte in 0 ..< name.count where asciiLowercase(name[byte]) != asciiLowercase(option[byte]) {
                same = false
                break
            }
            if same { fields[index].removed = true }
        }
    }

    /// `Content-Length` and `Transfer-Encoding` as one plain framing (RFC 9112, 6.3); everything doubtful is refused, because two
    /// readers that disagree about the end of a message are how requests are smuggled.
    final func readFraming(isHTTP10: Bool) -> Result<BodyFraming?, FramingError> {
        let lengths = occurrences(.contentLength)
        let encodings = occurrences(.transferEncoding)
        if lengths > 0 && encodings > 0 { return .failure(.init(defect: .lengthAndTransferEncoding)) }
        if lengths > 1 { return .failure(.init(defect: .contentLength)) }
        if let index = firstIndex(.contentLength) {
            guard let length = value(at: index).decimal else { return .failure(.init(defect: .contentLength)) }
            return .success(.length(length))
        }
        if let index = firstIndex(.transferEncoding) {
            guard encodings == 1, !isHTTP10, value(at: index).equalsIgnoringCase("chunked") else {
                return .failure(.init(defect: .transferEncoding))
            }
            return .success(.chunked)
        }
        return .success(nil)
    }

    struct FramingError: Error { let defect: HeadDefect }
}
