/// A set_resp_headers plug-in bound to an API (gateway-runtime.md, 8.2).
public final class ResponseHeaderPolicy: Sendable {
    public enum Action: UInt8, Sendable { case override, append, delete, skip, add }

    public enum Value: Sendable, Equatable {
        case constant([UInt8])
        case system(SystemParameter)
    }

    public struct Rule: Sendable, Equatable {
        /// As configured.
        public let name: [UInt8]
        public let lowercaseName: [UInt8]
        public let value: Value
        public let action: Action

        public init(name: [UInt8], lowercaseName: [UInt8], value: Value, action: Action) {
            self.name = name
            self.lowercaseName = lowercaseName
            self.value = value
            self.action = action
        }
    }

    /// At most 10, names unique.
    public let rules: [Rule]

    public init(rules: [Rule]) { self.rules = rules }
}
