/// What requests of a route must bring (gateway-runtime.md, 3.1). Only routes that check something have one.
public struct ParameterPolicy: Sendable {
    public let checks: [ParameterCheck]

    public init(checks: [ParameterCheck]) { self.checks = checks }
}

/// One declared parameter.
public struct ParameterCheck: Sendable {
    public enum Source: Sendable, Equatable {
        /// Index among the parameters of the route's path.
        case path(Int)
        /// Decoded name.
        case query([UInt8])
        /// Lower case.
        case header([UInt8])
    }

    public let source: Source
    public let isRequired: Bool
    /// nil: any value will do.
    public let rule: ValueRule?

    public init(source: Source, isRequired: Bool, rule: ValueRule?) {
        self.source = source
        self.isRequired = isRequired
        self.rule = rule
    }
}

/// What the first value of a parameter must be; nil and empty parts ask for nothing.
public struct ValueRule: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Characters, both ends included; one of the texts.
        case text(least: Int?, most: Int?, allowed: [[UInt8]])
        /// A decimal number, both ends included; equal to one of the numbers.
        case number(least: Double?, most: Double?, allowed: [Double])
    }

    public let kind: Kind

    public init(_ kind: Kind) { self.kind = kind }

    /// - Parameter value: decoded bytes, UTF-8 or not.
    public func accepts(_ value: UnsafeRawBufferPointer) -> Bool {
        switch kind {
        case .text(let least, let most, let allowed):
            if least != nil || most != nil {
                // Bytes that begin a character.
                let count = value.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
                if let least, count < least { return false }
                if let most, count > most { return false }
            }
            return allowed.isEmpty || allowed.contains { $0.elementsEqual(value) }
        case .number(let least, let most, let allowed):
            guard let number = Self.number(value) else { return false }
            if let least, number < least { return false }
            if let most, number > most { return false }
            return allowed.isEmpty || allowed.contains(number)
        }
    }

    /// `-12`, `3.5`, `2e3`: decimal digits with at most a sign, a fraction and an exponent, 64 bytes in all.
    public static func number(_ text: UnsafeRawBufferPointer) -> Double? {
        guard (1...64).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else {
            return nil
        }
        return Double(String(decoding: text, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
    }
}
