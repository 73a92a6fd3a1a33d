import GatewayPrimitives

/// The one secret that a plug-in's content can hold: `sasl_config.sasl_password` of kafka_log.
public enum PluginSecrets {
    private static let path = ["sasl_config", "sasl_password"]

    /// The content as answers, audits and logs show it: the password is an empty string (gateway-runtime.md, 8.3).
    /// Content without a password comes back as it is, byte for byte.
    public static func hidden(_ content: String, type: PluginType) -> String {
        guard type == .kafkaLog, let value = try? JSONValue(parsing: content, limits: .pluginContent),
            let password = value[path[0]]?[path[1]], password != .string("")
        else { return content }
        return value.replacing(path) { _ in .string("") }.text
    }

    /// Changed content as it is to be stored: an empty password, which is what an answer showed, stands for the stored one
    /// as long as the user name stays.
    public static func carried(from stored: String, into content: String, type: PluginType) -> String {
        guard type == .kafkaLog, let old = try? JSONValue(parsing: stored, limits: .pluginContent),
            let new = try? JSONValue(parsing: content, limits: .pluginContent), let password = old[path[0]]?[path[1]],
            new[path[0]]?[path[1]] == .string(""), old[path[0]]?["sasl_username"] == new[path[0]]?["sasl_username"]
        else { return content }
        return new.replacing(path) { _ in password }.text
    }
}

extension Plugin {
    /// The plug-in as it may be shown and recorded.
    public var withoutSecrets: Plugin {
        var shown = self
        shown.content = PluginSecrets.hidden(content, type: type)
        return shown
    }
}
