import GatewayPrimitives
import Snapshot

/// Declared parameters (gateway-runtime.md, 3.1): those that must be there are, and what is checked is right.
public enum ParameterStage {
    /// - Parameter captures: of the route that was matched.
    /// - Returns: false when a required parameter is missing or the first value of one breaks its rule.
    public static func accepts(_ policy: ParameterPolicy, _ values: RequestValues, _ captures: RouteCaptures) -> Bool {
        policy.checks.allSatisfy { check in
            switch check.source {
            case .path(let index):
                guard index < captures.count else { return !check.isRequired }
                let range = captures[index]
                return accepts(check, values.facts.path.slice(range.lowerBound, range.upperBound))
            case .header(let name): return accepts(check, values.facts.header(name))
            case .query(let name):
                guard let value = values.facts.queryValue(name) else { return !check.isRequired }
                return value.withUnsafeBytes { accepts(check, ByteView($0)) }
            }
        }
    }

    private static func accepts(_ check: ParameterCheck, _ value: ByteView?) -> Bool {
        guard let value else { return !check.isRequired }
        return check.rule?.accepts(value.buffer) ?? true
    }
}
