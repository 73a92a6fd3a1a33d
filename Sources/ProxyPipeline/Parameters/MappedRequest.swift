import GatewayPrimitives
import Snapshot

/// The parameters of one request as its route reads them, and what its backend gets of them (gateway-runtime.md, section 3).
///
/// `read` and `orchestrate` when the request may come in, `map` for the backend that was chosen; ``RequestWriter`` and
/// ``BackendRequest`` take the result from here. Confined to an event loop; reused from request to request. Views that it gives
/// are valid until its next change, and no longer than the request's head.
public final class MappedRequest {
    /// Bytes that mapping may add to a request; one that would become larger is refused.
    public static let limit = 512 * 1024

    /// A value: where it lies in ``bytes``, and the next one of its slot, -1 for the last.
    private struct Entry {
        var place: Place
        var next: Int
    }

    struct Place {
        var start: Int
        var count: Int
    }

    /// A pair of the received query and the number of its name, -1 for one that nobody asks for.
    struct Pair {
        var start: Int
        var end: Int
        var name: Int
    }

    struct HeaderLine {
        var target: Int
        var value: Place
    }

    private let bytes = ByteScratch(capacity: 1024)
    private let name = ByteScratch(capacity: 64)
    private var entries: [Entry] = []
    /// First and last entry of each slot, -1 without a value.
    private var firsts: [Int] = []
    private var lasts: [Int] = []
    /// By slot: the request has no value of its own.
    private var isDefault: [Bool] = []
    private(set) var pairs: [Pair] = []
    /// Number of each received field's name, -1 for one that nobody asks for.
    private var fields: [Int] = []
    /// Bytes before anything was mapped.
    private var readCount = 0
    private(set) var reading: ParameterReading?

    public private(set) var mapping: ParameterMapping?
    private(set) var query: [HeaderLine] = []
    private(set) var headers: [HeaderLine] = []
    private(set) var path: [Place] = []
    /// Lower-case names of the mapping's headers.
    private var names: [Place] = []
    private(set) var host: Place?
    /// No more bytes than these come from mapping.
    private(set) var bound = 0

    public init() {}

    /// Too much memory to be kept for the next request.
    public var isLarge: Bool { bytes.count > 16 * 1024 || pairs.capacity > 1024 || entries.capacity > 1024 }

    func view(_ place: Place) -> ByteView { ByteView(bytes.bytes).slice(place.start, place.start + place.count) }

    // MARK: Reading

    /// Takes the values of the route's declared parameters, defaults included.
    public func read(_ reading: ParameterReading, _ facts: RequestFacts, _ captures: RouteCaptures) {
        self.reading = reading
        mapping = nil
        bytes.removeAll()
        entries.removeAll(keepingCapacity: true)
        pairs.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        firsts.removeAll(keepingCapacity: true)
        lasts.removeAll(keepingCapacity: true)
        isDefault.removeAll(keepingCapacity: true)
        for _ in 0..<reading.slotCount {
            firsts.append(-1)
            lasts.append(-1)
            isDefault.append(false)
        }
        if !reading.queryNames.isEmpty, let query = facts.query { readQuery(reading, query) }
        if !reading.headerNames.isEmpty { readFields(reading, facts.head) }
        for (slot, source) in reading.sources.enumerated() {
            if case .path(let index) = source.location, index < captures.count {
                let range = captures[index]
                add(facts.path.slice(range.lowerBound, range.upperBound), to: slot)
            }
            if firsts[slot] < 0, let value = source.defaultValue {
                value.withUnsafeBytes { add(ByteView($0), to: slot) }
                isDefault[slot] = true
            }
        }
        readCount = bytes.count
    }

    private func readQuery(_ reading: ParameterReading, _ query: ByteView) {
        QueryParameters(query).forEach { rawName, rawValue in
            name.removeAll()
            PercentEncoding.decode(rawName.buffer, plusIsBlank: true, to: name)
            let number = reading.queryNames.value(for: name.bytes) ?? -1
            let start = rawName.start - query.start
            pairs.append(Pair(start: start, end: max(start + rawName.count, rawValue.start + rawValue.count - query.start), name: number))
            if number >= 0, reading.querySlots[number] >= 0 {
                let start = bytes.count
                PercentEncoding.decode(rawValue.buffer, plusIsBlank: true, to: bytes)
                add(Place(start: start, count: bytes.count - start), to: reading.querySlots[number])
            }
            return true
        }
    }

    private func readFields(_ reading: ParameterReading, _ head: RequestHead) {
        for index in 0..<head.fieldCount {
            guard !head.isRemoved(at: index) else {
                fields.append(-1)
                continue
            }
            name.removeAll()
            for byte in head.name(at: index).buffer { name.append(asciiLowercase(byte)) }
            let number = reading.headerNames.value(for: name.bytes) ?? -1
            fields.append(number)
            if number >= 0, reading.headerSlots[number] >= 0 { add(head.value(at: index), to: reading.headerSlots[number]) }
        }
    }

    /// - Parameter value: outside of ``bytes``.
    private func add(_ value: ByteView, to slot: Int) {
        let start = bytes.count
        bytes.append(value.buffer)
        add(Place(start: start, count: value.count), to: slot)
    }

    private func add(_ place: Place, to slot: Int) {
        entries.append(Entry(place: place, next: -1))
        if firsts[slot] < 0 { firsts[slot] = entries.count - 1 } else { entries[lasts[slot]].next = entries.count - 1 }
        lasts[slot] = entries.count - 1
    }

    /// The first value of a slot, nil without one.
    func first(_ slot: Int) -> ByteView? { firsts[slot] < 0 ? nil : view(entries[firsts[slot]].place) }

    // MARK: Orchestration

    /// Makes the parameters of the route's orchestration rules.
    ///
    /// - Returns: nil, or why the request cannot go on.
    public func orchestrate() -> GatewayFailure? {
        guard let reading, let policy = reading.orchestration else { return nil }
        defer { readCount = bytes.count }
        func give(_ value: Place, to target: Int) { add(value, to: reading.sources.count + target) }
        guard firsts[policy.slot] >= 0 else {
            guard let none = policy.forNone else { return .orchestrationParameterMissing }
            give(copy(none.value), to: none.target)
            return nil
        }
        var value = entries[firsts[policy.slot]].place
        for step in policy.steps {
            guard let result = apply(step.rule, to: value) else { continue }
            guard let target = step.target else {
                value = result
                continue
            }
            if step.isNumber, ValueRule.number(view(result).buffer) == nil { return .orchestrationFailed }
            give(result, to: target)
            return nil
        }
        guard let otherwise = policy.otherwise else { return .orchestrationFailed }
        give(copy(otherwise.value), to: otherwise.target)
        return nil
    }

    private func copy(_ value: [UInt8]) -> Place {
        bytes.append(value)
        return Place(start: bytes.count - value.count, count: value.count)
    }

    /// nil: the rule has nothing for the value.
    private func apply(_ rule: OrchestrationPolicy.Rule, to place: Place) -> Place? {
        let value = view(place)
        switch rule {
        case .list(let words): return words.value(for: value.buffer).map(copy)
        case .hash:
            // Written away from the value: appending may move it.
            return copy(Array(String(CRC32.of(value.buffer)).utf8))
        case .range(let ranges):
            guard let number = Self.number(value) else { return nil }
            return ranges.first { $0.start <= number && number <= $0.end }.map { copy($0.value) }
        case .hashRange(let ranges):
            let number = Int64(CRC32.of(value.buffer))
            return ranges.first { $0.start <= number && number <= $0.end }.map { copy($0.value) }
        case .head(let count):
            var end = 0
            var seen = 0
            while end < value.count {
                if !Self.continues(value[end]) { seen += 1 }
                if seen > count { break }
                end += 1
            }
            return Place(start: place.start, count: end)
        case .tail(let count):
            var start = value.count
            var seen = 0
            while start > 0, seen < count {
                start -= 1
                if !Self.continues(value[start]) { seen += 1 }
            }
            return Place(start: place.start + start, count: value.count - start)
        }
    }

    /// A byte within a UTF-8 character.
    private static func continues(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// Decimal digits alone, up to 9,223,372,036,854,775,807.
    private static func number(_ text: ByteView) -> Int64? {
        guard (1...64).contains(text.count) else { return nil }
        var number: Int64 = 0
        for byte in text.buffer {
            guard (0x30...0x39).contains(byte) else { return nil }
            let (ten, first) = number.multipliedReportingOverflow(by: 10)
            let (sum, second) = ten.addingReportingOverflow(Int64(byte - 0x30))
            if first || second { return nil }
            number = sum
        }
        return number
    }

    // MARK: Mapping

    /// Names the mapping that `map` will be called with when the member is known.
    public func expect(_ mapping: ParameterMapping) { self.mapping = mapping }

    /// Puts together what the backend gets.
    ///
    /// - Returns: nil, or why the request cannot be sent: a value that does not fit its place.
    public func map(_ mapping: ParameterMapping, _ values: RequestValues, _ captures: RouteCaptures) -> GatewayFailure? {
        self.mapping = mapping
        bytes.truncate(to: readCount)
        query.removeAll(keepingCapacity: true)
        headers.removeAll(keepingCapacity: true)
        path.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        host = nil
        bound = 64
        let head = values.facts.head
        for (target, parameter) in mapping.query.enumerated() {
            forEach(parameter.value, values) { place in
                query.append(HeaderLine(target: target, value: place))
                bound += parameter.name.count + 2 + 3 * place.count
            }
        }
        var isValid = true
        for (target, parameter) in mapping.headers.enumerated() {
            names.append(copy(parameter.lowercase))
            // What a plug-in says about the call is not replaced by what the call says about itself.
            guard head.added.isEmpty || !head.added.contains(where: { Self.same($0.name, parameter.lowercase) }) else { continue }
            forEach(parameter.value, values) { place in
                if !ByteClass.isFieldValue(view(place)) { isValid = false }
                headers.append(HeaderLine(target: target, value: place))
                bound += parameter.name.count + 4 + place.count
            }
        }
        if let value = mapping.host {
            forEach(value, values) { if host == nil { host = $0 } }
            if let host {
                if !Self.isHost(view(host)) { isValid = false }
                bound += host.count
            }
        }
        if let pieces = mapping.path, !take(pieces, values, captures) { isValid = false }
        return isValid && bound <= Self.limit ? nil : .parameterRejected
    }

    /// - Returns: false when a value is missing, or the path could be read as another one.
    private func take(_ pieces: [ParameterMapping.PathPiece], _ values: RequestValues, _ captures: RouteCaptures) -> Bool {
        var scan = DotSegments()
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                scan.take(literal)
                bound += literal.count
            case .capture(let index):
                guard index < captures.count else { return false }
                let value = values.facts.path.slice(captures[index].lowerBound, captures[index].upperBound)
                take(value, values.facts.head.keepsEscapes, &scan)
                bound += 3 * value.count
            case .tail:
                let tail = values.facts.path.dropFirst(captures.tailStart)
                scan.take(tail.buffer)
                bound += 3 * tail.count
            case .value(let value):
                var found: Place?
                forEach(value, values) { if found == nil { found = $0 } }
                guard let found, found.count > 0 else { return false }
                path.append(found)
                bound += 3 * found.count
                take(view(found), keepsEscapes(value, values.facts.head), &scan)
            }
        }
        return !scan.finish()
    }

    private func take(_ value: ByteView, _ isEncoded: Bool, _ scan: inout DotSegments) {
        guard isEncoded else { return scan.take(value.buffer) }
        name.removeAll()
        PercentEncoding.decode(value.buffer, to: name)
        scan.take(name.bytes)
    }

    /// With `api_uri_no_escape` a value of the path still is encoded; encoding it again in a path would change it.
    func keepsEscapes(_ value: ParameterMapping.Value, _ head: RequestHead) -> Bool {
        guard head.keepsEscapes, case .slot(let slot) = value, let reading, slot < reading.sources.count,
            case .path = reading.sources[slot].location
        else { return false }
        return true
    }

    /// Gives all values; those that are not in ``bytes`` yet are put there.
    private func forEach(_ value: ParameterMapping.Value, _ values: RequestValues, _ body: (Place) -> Void) {
        switch value {
        case .slot(let slot):
            var entry = firsts[slot]
            while entry >= 0 {
                body(entries[entry].place)
                entry = entries[entry].next
            }
        case .fallback(let slot):
            if isDefault[slot], firsts[slot] >= 0 { body(entries[firsts[slot]].place) }
        case .constant(let constant): body(copy(constant))
        case .system(let parameter): body(copy(values.bytes(of: parameter, answer: nil)))
        case .authorizer(let side, let name):
            let context = side == .frontend ? values.frontendContext : values.backendContext
            if let value = context?[name] { body(copy(value)) }
        }
    }

    private func copy(_ value: ByteView) -> Place {
        bytes.append(value.buffer)
        return Place(start: bytes.count - value.count, count: value.count)
    }

    private static func same(_ name: [UInt8], _ lowercase: [UInt8]) -> Bool {
        name.withUnsafeBytes { ByteView($0).equalsIgnoringCase(lowercase) }
    }

    private static func isHost(_ value: ByteView) -> Bool {
        guard (1...HTTPLimits.host + 6).contains(value.count) else { return false }
        return value.buffer.allSatisfy { hostBytes.contains($0) }
    }

    private static let hostBytes = ByteSet.lettersAndDigits.union(ByteSet("-._~:[]"))

    // MARK: What goes on

    /// Lower-case name of a header of the mapping, valid as the values are.
    func name(ofHeader target: Int) -> ByteView { view(names[target]) }

    /// The received field does not reach the backend.
    func holds(field index: Int) -> Bool {
        guard let mapping, index < fields.count, fields[index] >= 0 else { return false }
        return mapping.heldHeaders[fields[index]]
    }

    func holds(_ pair: Pair) -> Bool { pair.name >= 0 && (mapping?.heldQueries[pair.name] ?? false) }

    /// A header of this name is put on the request by the mapping.
    func sets(_ known: KnownHeader) -> Bool {
        guard let mapping else { return false }
        return headers.contains { line in
            mapping.headers[line.target].lowercase.withUnsafeBytes { KnownHeader.named(ByteView($0)) == known }
        }
    }

    /// Calls `body` with raw name and value of each received pair that goes on, or name and value as they are of a mapped one.
    func forEachPair(_ received: ByteView?, _ body: (_ name: ByteView, _ value: ByteView, _ isRaw: Bool) -> Void) {
        guard let mapping else { return }
        if let received {
            var index = 0
            QueryParameters(received).forEach { name, value in
                defer { index += 1 }
                if index >= pairs.count || !holds(pairs[index]) { body(name, value, true) }
                return true
            }
        }
        for line in query { mapping.query[line.target].name.withUnsafeBytes { body(ByteView($0), view(line.value), false) } }
    }

    /// Calls `body` with each header that the mapping puts on the request.
    func forEachHeader(_ body: (_ name: ByteView, _ value: ByteView) -> Void) {
        guard let mapping else { return }
        for line in headers { mapping.headers[line.target].name.withUnsafeBytes { body(ByteView($0), view(line.value)) } }
    }
}
