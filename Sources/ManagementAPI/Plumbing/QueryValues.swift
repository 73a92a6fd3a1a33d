import WireContract

/// The query of a request, checked against the contract. Empty values count as absent
/// (management-api.md, 1.6); unknown parameters are ignored; of a repeated one the first counts.
public struct QueryValues: Sendable, Equatable {
    /// Pairs of one query; more are refused.
    static let pairLimit = 256

    private let texts: [String: String]
    private let integers: [String: Int]
    private let flags: [String: Bool]

    static let none = QueryValues(texts: [:], integers: [:], flags: [:])

    private init(texts: [String: String], integers: [String: Int], flags: [String: Bool]) {
        self.texts = texts
        self.integers = integers
        self.flags = flags
    }

    /// The value, nil when absent or empty.
    public func text(_ name: String) -> String? { texts[name] }
    public func integer(_ name: String) -> Int? { integers[name] }
    public func flag(_ name: String) -> Bool? { flags[name] }

    /// Whether `precise_search` names the filter, which then matches exactly.
    public func isPrecise(_ name: String) -> Bool {
        texts["precise_search"].map { $0.split(separator: ",").contains { $0 == name } } ?? false
    }

    /// Decoded pairs in order. `+` is a space.
    /// - Throws: `ManagementFailure.badQuery` for broken escapes.
    static func pairs(_ query: some StringProtocol) throws(ManagementFailure) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(halves[0]) else { throw .badQuery(parameter: "query") }
            guard pairs.count < pairLimit else { throw .badQuery(parameter: String(name.prefix(64))) }
            guard let value = halves.count > 1 ? decoded(halves[1]) : "" else {
                throw .badQuery(parameter: String(name.prefix(64)))
            }
            pairs.append((name, value))
        }
        return pairs
    }

    /// - Throws: `Refusal` naming the first wrong parameter in the order of the contract.
    static func read(
        _ query: some StringProtocol, for operation: ContractOperation, alias: PathAlias = .apic
    ) throws -> QueryValues {
        var given: [String: String] = [:]
        for pair in try pairs(query) where !pair.value.isEmpty && given[pair.name] == nil { given[pair.name] = pair.value }

        var texts: [String: String] = [:]
        var integers: [String: Int] = [:]
        var flags: [String: Bool] = [:]
        for parameter in operation.shape.query where parameter.name != "action" {
            guard let value = given[parameter.name] else {
                if parameter.required { throw FieldErrorCodes.refusal(operation, field: parameter.name, rule: .missing) }
                if case .integer(_, let standard?) = parameter.kind { integers[parameter.name] = standard }
                continue
            }
            switch parameter.kind {
            case .text(let length):
                guard length.contains(value.unicodeScalars.count) else {
                    throw FieldErrorCodes.malformed(operation, parameter: parameter.name)
                }
                texts[parameter.name] = value
            case .integer(let range, _):
                guard var number = wholeNumber(value) else {
                    throw FieldErrorCodes.malformed(operation, parameter: parameter.name)
                }
                if parameter.name == "offset" { number = max(number, 0) }
                guard range.contains(number) else { throw FieldErrorCodes.malformed(operation, parameter: parameter.name) }
                integers[parameter.name] = number
            case .flag:
                switch value.lowercased() {
                case "true": flags[parameter.name] = true
                case "false": flags[parameter.name] = false
                default: throw FieldErrorCodes.malformed(operation, parameter: parameter.name)
                }
            }
        }
        // The page of this operation answers a bad `api_name`, which it does not take otherwise (management-api.md, 6.3).
        if operation == .listSignatureKeysBindedToApiV2, let name = given["api_name"], !isNamePart(name) {
            throw FieldErrorCodes.malformed(operation, parameter: "api_name")
        }
        // A client of the twin product writes it in capitals.
        let said = alias == .apigw ? given["action"]?.lowercased() : given["action"]
        if let action = try BatchAction.read(said, for: operation) { texts["action"] = action }
        return QueryValues(texts: texts, integers: integers, flags: flags)
    }

    /// Whether a text can be a name or a part of one.
    static func isNamePart(_ text: String) -> Bool {
        text.unicodeScalars.count <= 255 && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "<" && $0 != ">" }
    }

    private static func wholeNumber(_ text: String) -> Int? {
        guard text.utf8.count <= 32, !text.hasPrefix("+") else { return nil }
        // A number too large for 64 bits is a number all the same: past every end.
        if let number = Int(text) { return number }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return text.hasPrefix("-") ? Int.min : Int.max
    }

    /// Percent-decoded text, nil when an escape is broken or the bytes are not UTF-8.
    static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hex), let low = rest.next().flatMap(hex) else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}

/// `?action=` of batch operations, whose refusals have texts of their own (management-api.md, 1.10).
/// The backslashes belong to the texts.
enum BatchAction {
    static func read(_ value: String?, for operation: ContractOperation) throws -> String? {
        switch operation {
        case .batchDeleteAclV2, .batchDeleteApiAclBindingV2:
            guard value == "delete" else {
                throw Refusal(.apig2011, text: #"Invalid parameter value: parameter action should be \"delete\""#)
            }
        case .batchDisassociateThrottlingPolicyV2:
            guard value == "delete" else {
                throw Refusal(.apig2011, text: #"parameter action should be \"delete\""#)
            }
        case .batchPublishOrOfflineApiV2:
            guard value == "online" || value == "offline" else {
                throw Refusal(
                    .apig2011, text: #"Invalid parameter value: parameter action should be \"online\" or \"offline\""#)
            }
        default: break
        }
        return value
    }
}
