import GatewayPrimitives
import Snapshot

/// Header changes of a set_resp_headers plug-in, on backend answers and the gateway's own (gateway-runtime.md, 8.2).
public enum ResponseHeaderStage {
    public static func apply(
        _ policy: ResponseHeaderPolicy, _ values: RequestValues, _ answer: AnswerValues, to response: ResponseHead
    ) {
        for rule in policy.rules {
            switch rule.action {
            case .delete: remove(rule, response)
            case .override:
                let line = line(rule, values, answer)
                remove(rule, response)
                response.add(line)
            case .add: response.add(line(rule, values, answer))
            case .skip: if !exists(rule, response) { response.add(line(rule, values, answer)) }
            case .append:
                let line = joined(rule, line(rule, values, answer), response)
                remove(rule, response)
                response.add(line)
            }
        }
    }

    private static func line(_ rule: ResponseHeaderPolicy.Rule, _ values: RequestValues, _ answer: AnswerValues) -> HeaderLine {
        switch rule.value {
        case .constant(let value): return HeaderLine(name: rule.name, value: value)
        case .system(let parameter):
            // What a client or an API's name put into the value must not end the line.
            let value = values.bytes(of: parameter, answer: answer).array.map { ByteClass.isForbiddenInValue($0) ? 0x20 : $0 }
            return HeaderLine(name: rule.name, value: value)
        }
    }

    private static func exists(_ rule: ResponseHeaderPolicy.Rule, _ response: ResponseHead) -> Bool {
        response.value(named: rule.lowercaseName) != nil || response.added.contains { isNamed($0, rule) }
    }

    private static func remove(_ rule: ResponseHeaderPolicy.Rule, _ response: ResponseHead) {
        rule.lowercaseName.withUnsafeBytes { response.remove(named: ByteView($0)) }
        response.removeAdded(named: rule.lowercaseName)
    }

    /// All values there are and the new one, in one line.
    private static func joined(
        _ rule: ResponseHeaderPolicy.Rule, _ line: HeaderLine, _ response: ResponseHead
    ) -> HeaderLine {
        var value: [UInt8] = []
        func append(_ part: some Collection<UInt8>) {
            if !value.isEmpty { value.append(UInt8(ascii: ",")) }
            value.append(contentsOf: part)
        }
        for index in 0..<response.fieldCount
        where !response.isRemoved(at: index) && response.name(at: index).equalsIgnoringCase(rule.lowercaseName) {
            append(response.value(at: index).buffer)
        }
        for added in response.added where isNamed(added, rule) { append(added.value) }
        append(line.value)
        return HeaderLine(name: rule.name, value: value)
    }

    private static func isNamed(_ line: HeaderLine, _ rule: ResponseHeaderPolicy.Rule) -> Bool {
        line.name.withUnsafeBytes { ByteView($0).equalsIgnoringCase(rule.lowercaseName) }
    }
}
