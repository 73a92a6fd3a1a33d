import GatewayPrimitives

/// Orchestration rules of one parameter (gateway-runtime.md, 3.6): its value makes a new parameter for the backend.
public final class OrchestrationPolicy: Sendable {
    /// A parameter that the rules can make. Its slot is behind those of the declared parameters, in the order of ``targets``.
    public struct Target: Sendable, Equatable {
        public enum Location: Sendable { case query, header }
        public let name: [UInt8]
        public let location: Location

        public init(name: [UInt8], location: Location) {
            self.name = name
            self.location = location
        }
    }

    /// What a value becomes.
    public enum Rule: Sendable {
        case list(ByteTrie<[UInt8]>)
        /// CRC-32 as a decimal number.
        case hash
        /// The value is a number within both ends; the first range that holds it.
        case range([Range])
        /// The same of the hash.
        case hashRange([Range])
        /// So many characters from the start.
        case head(Int)
        /// So many characters from the end.
        case tail(Int)
    }

    public struct Range: Sendable, Equatable {
        public let start, end: Int64
        public let value: [UInt8]

        public init(start: Int64, end: Int64, value: [UInt8]) {
            self.start = start
            self.end = end
            self.value = value
        }
    }

    public struct Step: Sendable {
        public let rule: Rule
        /// Number in ``targets``; nil: the result is the value for the steps that follow.
        public let target: Int?
        /// The result must be a number.
        public let isNumber: Bool

        public init(rule: Rule, target: Int?, isNumber: Bool) {
            self.rule = rule
            self.target = target
            self.isNumber = isNumber
        }
    }

    public struct Fixed: Sendable, Equatable {
        public let target: Int
        public let value: [UInt8]

        public init(target: Int, value: [UInt8]) {
            self.target = target
            self.value = value
        }
    }

    /// Slot of the parameter that the rules look at.
    public let slot: Int
    public let targets: [Target]
    /// For a request without the parameter; nil: it is refused.
    public let forNone: Fixed?
    /// Tried in order; the first that gives a value for the backend ends it.
    public let steps: [Step]
    /// When no step gave a value; nil: the request is refused.
    public let otherwise: Fixed?

    public init(slot: Int, targets: [Target], forNone: Fixed?, steps: [Step], otherwise: Fixed?) {
        self.slot = slot
        self.targets = targets
        self.forNone = forNone
        self.steps = steps
        self.otherwise = otherwise
    }
}
