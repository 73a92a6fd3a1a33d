/// One rule of the contract that one field of a body breaks.
public struct FieldViolation: Sendable, Equatable {
    /// What is broken. Lengths are in Unicode scalars, counts in elements.
    public enum Rule: String, Sendable, CaseIterable {
        case missing, tooShort, tooLong, pattern, notInEnum, tooSmall, tooLarge, tooFew, tooMany
    }

    /// Wire name of the field itself, the innermost one: what error texts call `parameterName`.
    public var name: String
    /// Wire names from the body down to the field, parted by dots.
    public var path: String
    public var rule: Rule

    public init(name: String, path: String, rule: Rule) {
        self.name = name
        self.path = path
        self.rule = rule
    }
}

/// A body whose fields can be checked against the limits of the contract.
public protocol FieldChecked {
    /// Reports every broken rule, fields in the order of the contract.
    func check(_ fields: inout FieldChecks)
}

extension FieldChecked {
    /// The broken rules, missing fields first, then in the order of the contract; at most
    /// `FieldChecks.limit`. `requiring: false` leaves out missing fields (partial updates).
    public func violations(requiring: Bool = true) -> [FieldViolation] {
        var fields = FieldChecks(requiring: requiring)
        check(&fields)
        return fields.found.filter { $0.rule == .missing } + fields.found.filter { $0.rule != .missing }
    }
}

/// Collects violations while a body is checked.
public struct FieldChecks: Sendable {
    /// Violations after which checking stops, so that a large hostile body has a short answer.
    public static let limit = 16

    public private(set) var found: [FieldViolation] = []
    private let requiring: Bool
    private var path: [String] = []

    public init(requiring: Bool = true) { self.requiring = requiring }

    /// False once `limit` violations are known.
    public var wantsMore: Bool { found.count < FieldChecks.limit }

    private mutating func report(_ name: String, _ rule: FieldViolation.Rule) {
        guard wantsMore else { return }
        found.append(FieldViolation(name: name, path: (path + [name]).joined(separator: "."), rule: rule))
    }

    mutating func require(_ name: String, _ present: Bool) {
        // A member of a list or of a nested object is never a partial update of that member.
        if !present, requiring || !path.isEmpty { report(name, .missing) }
    }

    mutating func text(
        _ name: String, _ value: String?, length: ClosedRange<Int>, pattern: @autoclosure () -> FieldPattern? = nil,
        oneOf words: [String] = [], caseless: Bool = false
    ) {
        guard let value, wantsMore else { return }
        if !words.isEmpty {
            let known = words.contains(value) || (caseless && value.utf8.count < 64 && words.contains(value.uppercased()))
            if !known { report(name, .notInEnum) }
            return
        }
        // A scalar has at most four bytes: most texts need no count.
        let bytes = value.utf8.count
        let count = bytes > length.upperBound || bytes < 4 * length.lowerBound ? value.unicodeScalars.count : length.lowerBound
        if count < length.lowerBound {
            report(name, .tooShort)
        } else if count > length.upperBound {
            report(name, .tooLong)
        } else if let pattern = pattern(), !pattern.matches(value) {
            report(name, .pattern)
        }
    }

    mutating func number(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) {
        guard let value else { return }
        if value < range.lowerBound { report(name, .tooSmall) }
        if value > range.upperBound { report(name, .tooLarge) }
    }

    mutating func number(_ name: String, _ value: Int?, oneOf values: [Int]) {
        if let value, !values.contains(value) { report(name, .notInEnum) }
    }

    mutating func count(_ name: String, _ count: Int?, _ range: ClosedRange<Int>) {
        guard let count else { return }
        if count < range.lowerBound { report(name, .tooFew) }
        if count > range.upperBound { report(name, .tooMany) }
    }

    mutating func nested(_ name: String, _ value: (some FieldChecked)?) {
        guard let value, wantsMore else { return }
        path.append(name)
        value.check(&self)
        path.removeLast()
    }

    mutating func each(_ name: String, _ values: [some FieldChecked]?) {
        guard let values else { return }
        path.append(name)
        for value in values where wantsMore { value.check(&self) }
        path.removeLast()
    }
}
