/// A rule that makes a new parameter of a request parameter's value (gateway-runtime.md, 3.6).
public struct OrchestrationRule: Codable, Sendable, Equatable {
    public enum Strategy: String, Codable, Sendable, CaseIterable {
        case list, hash, range
        case hashRange = "hash_range"
        case noneValue = "none_value"
        case `default`
        case headN = "head_n"
        case tailN = "tail_n"
    }

    /// The parameter that the backend gets.
    public struct MappedParameter: Codable, Sendable, Equatable, Hashable {
        public enum Kind: String, Codable, Sendable { case string, number }
        public enum Location: String, Codable, Sendable { case query, header }

        public var name: String
        public var kind: Kind
        public var location: Location

        public init(name: String, kind: Kind, location: Location) {
            self.name = name
            self.kind = kind
            self.location = location
        }
    }

    /// One line of a rule; which parts it has depends on the strategy.
    public struct Entry: Codable, Sendable, Equatable {
        public var list: [String]?
        public var rangeStart: Int64?
        public var rangeEnd: Int64?
        public var mappedValue: String?
        public var interceptLength: Int?

        public init(
            list: [String]? = nil, rangeStart: Int64? = nil, rangeEnd: Int64? = nil, mappedValue: String? = nil,
            interceptLength: Int? = nil
        ) {
            self.list = list
            self.rangeStart = rangeStart
            self.rangeEnd = rangeEnd
            self.mappedValue = mappedValue
            self.interceptLength = interceptLength
        }
    }

    public let id: String
    public let instanceID: String
    public var name: String
    public var strategy: Strategy
    /// nil: of a preprocessing rule, whose value only feeds the next rule.
    public var mapped: MappedParameter?
    public var isPreprocessing: Bool
    /// First match wins.
    public var entries: [Entry]
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, strategy: Strategy, mapped: MappedParameter?, isPreprocessing: Bool,
        entries: [Entry], createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.strategy = strategy
        self.mapped = mapped
        self.isPreprocessing = isPreprocessing
        self.entries = entries
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What a rule must look like. Names of fields are the wire's.
public enum OrchestrationRules {
    /// - Throws: ``InvalidField`` with the first field that breaks a rule.
    public static func check(_ rule: OrchestrationRule) throws(InvalidField) {
        let closing = rule.strategy == .noneValue || rule.strategy == .default
        if closing, rule.isPreprocessing { throw InvalidField("is_preprocessing") }
        if !rule.isPreprocessing, rule.mapped == nil { throw InvalidField("orchestration_mapped_param") }
        if let mapped = rule.mapped, !isParameterName(mapped.name) { throw InvalidField("mapped_param_name") }
        switch rule.strategy {
        case .hash:
            guard rule.entries.isEmpty else { throw InvalidField("orchestration_map") }
        case .noneValue, .default, .headN, .tailN:
            guard rule.entries.count == 1 else { throw InvalidField("orchestration_map") }
        case .list, .range, .hashRange:
            guard (1...300).contains(rule.entries.count) else { throw InvalidField("orchestration_map") }
        }
        var listed: Set<String> = []
        for entry in rule.entries { try check(entry, of: rule, &listed) }
    }

    private static func check(
        _ entry: OrchestrationRule.Entry, of rule: OrchestrationRule, _ listed: inout Set<String>
    ) throws(InvalidField) {
        let takesList = rule.strategy == .list
        let takesRange = rule.strategy == .range || rule.strategy == .hashRange
        let takesLength = rule.strategy == .headN || rule.strategy == .tailN
        if let list = entry.list, takesList, !list.isEmpty {
            for value in list {
                guard isWord(value), listed.insert(value).inserted, listed.count <= 3000 else {
                    throw InvalidField("map_param_list")
                }
            }
        } else if takesList || entry.list?.isEmpty == false {
            throw InvalidField("map_param_list")
        }
        if takesRange {
            guard let start = entry.rangeStart, start >= 0 else { throw InvalidField("range_start") }
            guard let end = entry.rangeEnd, end >= start else { throw InvalidField("range_end") }
        } else if entry.rangeStart != nil || entry.rangeEnd != nil {
            throw InvalidField("map_param_range")
        }
        if takesLength {
            guard let length = entry.interceptLength, (1...100).contains(length) else { throw InvalidField("intercept_length") }
            guard entry.mappedValue == nil else { throw InvalidField("mapped_param_value") }
        } else {
            guard entry.interceptLength == nil else { throw InvalidField("intercept_length") }
            guard let value = entry.mappedValue, isWord(value),
                rule.mapped?.kind != .number || rule.isPreprocessing || Double(value) != nil
            else { throw InvalidField("mapped_param_value") }
        }
    }

    /// 3 to 64 letters, digits and underscores, a letter first.
    public static func isName(_ text: String) -> Bool {
        (3...64).contains(text.utf8.count) && starts(text) && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F }
    }

    /// 1 to 128 letters, digits and hyphens, a letter first.
    static func isParameterName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && starts(text) && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D }
    }

    /// 1 to 128 letters, digits, hyphens and underscores.
    static func isWord(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x5F }
    }

    private static func starts(_ text: String) -> Bool { text.utf8.first.map { isLetterOrDigit($0) && $0 > 0x39 } ?? false }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension InvalidField {
    fileprivate init(_ field: String) { self.init(field: field, reason: "does not fit the strategy of the rule") }
}
