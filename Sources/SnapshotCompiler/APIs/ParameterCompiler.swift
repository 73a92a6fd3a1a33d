import GatewayModel
import GatewayPrimitives
import Snapshot

extension ParameterPolicy {
    /// - Returns: nil when no parameter of the definition is checked: such a route costs nothing.
    init?(compiling definition: APIDefinition, front: PathTemplate) {
        let checks = definition.requestParameters.compactMap { parameter -> ParameterCheck? in
            // The path has matched: what it consists of is there.
            let isRequired = parameter.required && parameter.location != .path
            let rule = parameter.validates ? ValueRule(compiling: parameter) : nil
            guard isRequired || rule != nil else { return nil }
            switch parameter.location {
            case .path:
                guard let index = front.parameterNames.firstIndex(of: parameter.name) else { return nil }
                return ParameterCheck(source: .path(index), isRequired: false, rule: rule)
            case .query: return ParameterCheck(source: .query(Array(parameter.name.utf8)), isRequired: isRequired, rule: rule)
            case .header:
                return ParameterCheck(
                    source: .header(Array(parameter.name.lowercased().utf8)), isRequired: isRequired, rule: rule)
            }
        }
        if checks.isEmpty { return nil }
        self.init(checks: checks)
    }
}

extension ValueRule {
    /// Limits of 0 and 0 are none (gateway-runtime.md, 3.1).
    fileprivate init?(compiling parameter: RequestParameter) {
        let words = (parameter.enumerations ?? "").split(separator: ",").map(String.init)
        if parameter.type == "NUMBER" {
            let isBounded = parameter.minNumber ?? 0 != 0 || parameter.maxNumber ?? 0 != 0
            self.init(
                .number(
                    least: isBounded ? parameter.minNumber.map(Double.init) : nil,
                    most: isBounded ? parameter.maxNumber.map(Double.init) : nil, allowed: words.compactMap { Double($0) }))
            return
        }
        let least = parameter.minSize.flatMap { $0 > 0 ? $0 : nil }
        let most = parameter.maxSize.flatMap { $0 > 0 ? $0 : nil }
        if least == nil, most == nil, words.isEmpty { return nil }
        self.init(.text(least: least, most: most, allowed: words.map { Array($0.utf8) }))
    }
}
