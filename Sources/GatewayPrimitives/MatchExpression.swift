/// A condition on named values of a call, as rate_limit, breaker and third_auth plug-ins write them
/// (gateway-runtime.md, 7.5): a leaf `["name","op","value"]` or a node `["AND"|"OR", expression, ...]`.
///
/// Names are resolved to slots when the text is read; evaluation allocates nothing and takes at most
/// ``Limits/leaves`` comparisons.
public struct MatchExpression: Sendable {
    /// Bounds on an expression.
    public enum Limits {
        /// Bytes of the text.
        public static let length = 16 * 1024
        /// Nodes within nodes, the leaf included.
        public static let depth = 8
        public static let leaves = 200
        /// Regular expressions, which cost most.
        public static let patterns = 20
        /// Entries of one `in` list.
        public static let listEntries = 500
    }

    /// Operators of a leaf. An absent value is the empty string.
    public enum Comparison: String, Sendable, CaseIterable {
        case equal = "=="
        case notEqual = "~="
        /// Other spelling of ``notEqual`` (management-api.md, 3.14).
        case unequal = "!="
        /// Regular expression found anywhere in the value.
        case pattern = "~~"
        /// Member of a comma list; blanks around an entry do not count.
        case among = "in"
        /// Both sides are decimal numbers and the value is the greater.
        case greater = ">"
    }

    private enum Test: Sendable {
        case equal([UInt8])
        case notEqual([UInt8])
        case pattern(PatternMatcher)
        case among([[UInt8]])
        case greater(Double)
    }

    private enum Node: Sendable {
        /// A node and the index behind its last descendant.
        case all(end: Int)
        case any(end: Int)
        case leaf(slot: Int, Test)
    }

    /// The tree in prefix order.
    private let nodes: [Node]

    /// Reads the text.
    /// - Parameter slot: slot of a name, nil for a name that is not declared.
    public init(parsing text: some StringProtocol, slot: (String) -> Int?) throws(MatchExpressionError) {
        let value: JSONValue
        do {
            value = try JSONValue(
                parsing: text, limits: .init(length: Limits.length, depth: Limits.depth, values: Limits.leaves * 8))
        } catch {
            throw .notJSON(error)
        }
        var nodes: [Node] = []
        var budget = Budget()
        try Self.append(value, slot: slot, to: &nodes, budget: &budget)
        self.nodes = nodes
    }

    private struct Budget {
        var leaves = 0
        var patterns = 0
    }

    private static func append(
        _ value: JSONValue, slot: (String) -> Int?, to nodes: inout [Node], budget: inout Budget
    ) throws(MatchExpressionError) {
        guard case .array(let elements) = value, case .string(let head)? = elements.first else { throw .notAnExpression }
        // A leaf whose parameter is called AND has text in second place, a node has an array.
        if let isAll = ["AND": true, "OR": false][head], elements.count >= 2, case .array = elements[1] {
            let index = nodes.count
            nodes.append(.all(end: 0))
            for element in elements.dropFirst() { try append(element, slot: slot, to: &nodes, budget: &budget) }
            nodes[index] = isAll ? .all(end: nodes.count) : .any(end: nodes.count)
            return
        }
        guard elements.count == 3, case .string(let name) = elements[1] else { throw .notAnExpression }
        guard let comparison = Comparison(rawValue: name) else { throw .unknownOperator(name) }
        guard let slot = slot(head) else { throw .unknownName(head) }
        let operand: String
        switch elements[2] {
        case .string(let text): operand = text
        case .number(let number): operand = number.text
        default: throw .invalidOperand(name: head)
        }
        budget.leaves += 1
        guard budget.leaves <= Limits.leaves else { throw .tooManyLeaves }
        nodes.append(.leaf(slot: slot, try test(comparison, operand, name: head, budget: &budget)))
    }

    private static func test(
        _ comparison: Comparison, _ operand: String, name: String, budget: inout Budget
    ) throws(MatchExpressionError) -> Test {
        switch comparison {
        case .equal: return .equal(Array(operand.utf8))
        case .notEqual, .unequal: return .notEqual(Array(operand.utf8))
        case .pattern:
            budget.patterns += 1
            guard budget.patterns <= Limits.patterns else { throw .tooManyPatterns }
            do {
                return .pattern(try PatternMatcher(operand))
            } catch {
                throw .invalidPattern(error)
            }
        case .among:
            let entries = operand.utf8.split(separator: 0x2C, omittingEmptySubsequences: false).map { entry in
                Array(entry.drop { $0 == 0x20 }.reversed().drop { $0 == 0x20 }.reversed())
            }
            guard entries.count <= Limits.listEntries else { throw .tooManyListEntries }
            return .among(entries)
        case .greater:
            guard let bound = Array(operand.utf8).withUnsafeBytes({ Self.decimal($0) }) else {
                throw .invalidOperand(name: name)
            }
            return .greater(bound)
        }
    }

    /// The answer for one call.
    /// - Parameter value: the bytes of a slot; the empty string when it is absent. They are used before the next call of
    ///   `value` and not kept.
    public func evaluate(_ value: (Int) -> UnsafeRawBufferPointer) -> MatchOutcome {
        var index = 0
        return evaluate(&index, value)
    }

    private func evaluate(_ index: inout Int, _ value: (Int) -> UnsafeRawBufferPointer) -> MatchOutcome {
        switch nodes[index] {
        case .leaf(let slot, let test):
            index += 1
            return Self.evaluate(test, value(slot))
        case .all(let end):
            index += 1
            var result = MatchOutcome.match
            while index < end {
                let next = evaluate(&index, value)
                if next == .noMatch {
                    result = .noMatch
                    index = end
                } else if next == .undetermined {
                    result = .undetermined
                }
            }
            return result
        case .any(let end):
            index += 1
            var result = MatchOutcome.noMatch
            while index < end {
                let next = evaluate(&index, value)
                if next == .match {
                    result = .match
                    index = end
                } else if next == .undetermined {
                    result = .undetermined
                }
            }
            return result
        }
    }

    private static func evaluate(_ test: Test, _ value: UnsafeRawBufferPointer) -> MatchOutcome {
        switch test {
        case .equal(let operand): MatchOutcome(value.elementsEqual(operand))
        case .notEqual(let operand): MatchOutcome(!value.elementsEqual(operand))
        case .pattern(let matcher): matcher.match(value)
        case .among(let entries): MatchOutcome(entries.contains { value.elementsEqual($0) })
        case .greater(let bound): MatchOutcome(decimal(value).map { $0 > bound } ?? false)
        }
    }

    /// A decimal number of at most 32 bytes: sign, digits, fraction; no exponent.
    private static func decimal(_ text: UnsafeRawBufferPointer) -> Double? {
        guard (1...32).contains(text.count) else { return nil }
        let isNegative = text[0] == 0x2D
        var value = 0.0
        var scale = 1.0
        var digits = 0
        var inFraction = false
        for byte in text.dropFirst(isNegative ? 1 : 0) {
            if byte == 0x2E, !inFraction, digits > 0 {
                inFraction = true
                digits = 0
            } else if (0x30...0x39).contains(byte) {
                digits += 1
                value = value * 10 + Double(byte - 0x30)
                if inFraction { scale *= 10 }
            } else {
                return nil
            }
        }
        guard digits > 0 else { return nil }
        return (isNegative ? -value : value) / scale
    }
}

/// Why a text is not a match expression.
public enum MatchExpressionError: Error, Equatable, Sendable {
    case notJSON(JSONReadError)
    /// Neither a leaf of three nor a node with at least one expression.
    case notAnExpression
    case unknownOperator(String)
    /// The name is none of the declared parameters.
    case unknownName(String)
    /// Not text or a number, or not a number where one is compared.
    case invalidOperand(name: String)
    case invalidPattern(PatternError)
    case tooManyLeaves, tooManyPatterns, tooManyListEntries
}
