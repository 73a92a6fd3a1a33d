/// The rules of one request parameter in the order in which they are tried (gateway-runtime.md, 3.6).
public struct OrchestrationChain: Sendable {
    /// For a parameter without a value; before all others.
    public let forNone: OrchestrationRule?
    /// Tried in order.
    public let rules: [OrchestrationRule]
    /// When no rule gave a value.
    public let otherwise: OrchestrationRule?
    /// At most one rule for no value and one for no match were given.
    private let isSound: Bool

    public init(_ all: [OrchestrationRule]) {
        let none = all.filter { $0.strategy == .noneValue }
        let others = all.filter { $0.strategy == .default }
        forNone = none.first
        otherwise = others.first
        rules = all.filter { $0.strategy != .noneValue && $0.strategy != .default }
        isSound = none.count <= 1 && others.count <= 1
    }

    /// Parameters that the chain can make, each once.
    public var mapped: [OrchestrationRule.MappedParameter] {
        var seen: Set<OrchestrationRule.MappedParameter> = []
        return ([forNone].compactMap(\.self) + rules + [otherwise].compactMap(\.self))
            .compactMap { $0.isPreprocessing ? nil : $0.mapped }.filter { seen.insert($0).inserted }
    }

    /// Whether the chain always ends in a value for the backend, under names that the definition does not use itself.
    public func fits(beside definition: APIDefinition) -> Bool {
        guard isSound, rules.last?.isPreprocessing != true else { return false }
        return mapped.allSatisfy { made in
            !definition.requestParameters.contains { parameter in
                switch (parameter.location, made.location) {
                case (.query, .query): parameter.name == made.name
                case (.header, .header): parameter.name.lowercased() == made.name.lowercased()
                default: false
                }
            }
        }
    }
}

extension OrchestrationRule.MappedParameter {
    /// A condition of a backend policy asks for it.
    public func isMeant(by condition: BackendCondition) -> Bool {
        condition.mappedParameterName == name
            && (condition.mappedParameterLocation == nil || condition.mappedParameterLocation == location.rawValue)
    }
}
