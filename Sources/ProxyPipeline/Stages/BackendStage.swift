import GatewayPrimitives
import Snapshot

/// Which backend a request goes to (gateway-runtime.md, 4.6).
public enum BackendStage {
    /// - Parameter parameters: has been read when the route has a ``RouteBackends/reading``.
    public static func choose(
        _ backends: RouteBackends, _ values: RequestValues?, _ parameters: MappedRequest?
    ) -> BackendChoice {
        guard !backends.policies.isEmpty, let values else { return backends.standard }
        for policy in backends.policies {
            let holds =
                policy.needsAll
                ? policy.conditions.allSatisfy { Self.holds($0, values, parameters) }
                : policy.conditions.contains { Self.holds($0, values, parameters) }
            if holds {
                values.rehearsal?.pass(.backendPolicy, policy.name)
                return policy.choice
            }
        }
        values.rehearsal?.pass(.backendPolicy, "none fits: the API's own backend")
        return backends.standard
    }

    private static func holds(_ condition: ChoiceCondition, _ values: RequestValues, _ parameters: MappedRequest?) -> Bool {
        switch condition.subject {
        case .source:
            guard case .addresses(let set) = condition.test else { return false }
            return set.contains(values.facts.clientAddress)
        case .slot(let slot):
            guard let value = parameters?.first(slot) else { return false }
            return passes(condition.test, value)
        case .path: return passes(condition.test, values.facts.path)
        case .method: return passes(condition.test, values.facts.methodName)
        case .cookie(let name):
            guard let value = cookie(name, values.facts.head) else { return false }
            return passes(condition.test, value)
        case .authorizer(let side, let name):
            let context = side == .frontend ? values.frontendContext : values.backendContext
            guard let value = context?[name] else { return false }
            return value.withUnsafeBytes { passes(condition.test, ByteView($0)) }
        }
    }

    private static func passes(_ test: ChoiceCondition.Test, _ value: ByteView) -> Bool {
        switch test {
        case .equal(let text): value.equals(text)
        case .among(let texts): texts.contains { value.equals($0) }
        case .pattern(let pattern): pattern.match(value.buffer) == .match
        case .addresses: false
        }
    }

    /// The first cookie of this name in all `Cookie` lines (RFC 6265, 5.4), as it was sent.
    private static func cookie(_ name: [UInt8], _ head: RequestHead) -> ByteView? {
        for field in 0..<head.fieldCount where head.known(at: field) == .cookie && !head.isRemoved(at: field) {
            let line = head.value(at: field)
            var from = 0
            while from <= line.count {
                let to = line.firstIndex(of: UInt8(ascii: ";"), from: from) ?? line.count
                let pair = line.slice(from, to).trimmed()
                from = to + 1
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair.slice(0, equals).equals(name) else { continue }
                return pair.dropFirst(equals + 1)
            }
        }
        return nil
    }
}
