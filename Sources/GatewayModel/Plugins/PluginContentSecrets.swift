import GatewayPrimitives

/// The passwords inside of plug-in contents: `sasl_config.sasl_password` of kafka_log. Answers, records and logs show masks.
public enum PluginContentSecrets {
    /// The content with masks in place of passwords; texts without any are returned as they are.
    public static func masked(_ content: String, type: PluginType) -> String {
        replacingPassword(in: content, type: type) { Secret($0).masked }
    }

    /// The content with the stored password where it carries that password's mask: what a client read, it may write back.
    public static func unmasked(_ content: String, type: PluginType, stored: String) -> String {
        guard let password = password(in: stored, type: type) else { return content }
        return replacingPassword(in: content, type: type) { $0 == Secret(password).masked ? password : $0 }
    }

    private static func password(in content: String, type: PluginType) -> String? {
        guard type == .kafkaLog, let value = try? JSONValue(parsing: content, limits: .pluginContent),
            case .string(let password) = value["sasl_config"]?["sasl_password"], !password.isEmpty
        else { return nil }
        return password
    }

    private static func replacingPassword(in content: String, type: PluginType, _ change: (String) -> String) -> String {
        guard let password = password(in: content, type: type) else { return content }
        let changed = change(password)
        guard changed != password, let value = try? JSONValue(parsing: content, limits: .pluginContent) else { return content }
        return value.replacing(["sasl_config", "sasl_password"][...], with: .string(changed)).text
    }
}

extension JSONValue {
    fileprivate func replacing(_ path: ArraySlice<String>, with value: JSONValue) -> JSONValue {
        guard let name = path.first else { return value }
        guard case .object(let members) = self else { return self }
        return .object(
            members.map { member in
                member.name == name
                    ? JSONMember(name: name, value: member.value.replacing(path.dropFirst(), with: value)) : member
            })
    }

    /// The value as compact JSON text.
    fileprivate var text: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): number.text
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

extension Plugin {
    /// The plug-in as it may be shown and recorded.
    public var masked: Plugin {
        var shown = self
        shown.content = PluginContentSecrets.masked(content, type: type)
        return shown
    }
}
