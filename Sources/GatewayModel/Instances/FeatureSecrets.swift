import GatewayPrimitives

/// The one secret that the `config` of a feature can hold. It lies sealed in a table of its own; the stored config, which is also
/// what answers and change records show, has a text in its place.
public enum FeatureSecrets {
    private struct Place {
        let member: String
        /// What stands in stored configs for a secret.
        let shown: String
        /// Without the member the stored secret stays, too.
        let mayBeAbsent: Bool
        /// The member without whose change the stored secret stays.
        let kept: String?
    }

    private static let places: [String: Place] = [
        "app_token": Place(member: "app_token_key", shown: FeatureSetting.AppToken.mask, mayBeAbsent: true, kept: nil),
        "backend_client_certificate": Place(member: "key", shown: "", mayBeAbsent: false, kept: "content"),
    ]

    private static let limits = JSONValue.Limits(length: 2 * FeatureSetting.certificateConfigBytes, depth: 4, values: 64)

    /// A config as somebody sent it, with its secret in the clear: an empty secret, or what an answer showed, stands for the
    /// stored one.
    ///
    /// - Parameters:
    ///   - stored: the config as stored; nil: none.
    ///   - secret: the stored one; empty: none.
    public static func completed(_ config: String, of feature: String, stored: String?, secret: String) -> String {
        guard let place = places[feature], let new = try? JSONValue(parsing: config, limits: limits) else { return config }
        switch new[place.member] {
        case nil where place.mayBeAbsent: break
        case .string("")?, .string(place.shown)?: break
        default: return config
        }
        if let kept = place.kept, let stored, let old = try? JSONValue(parsing: stored, limits: limits), old[kept] != new[kept] {
            return config
        }
        return setting(secret, in: new, place)
    }

    /// A stored config with its secret in the clear.
    public static func opened(_ config: String, of feature: String, secret: String) -> String {
        guard let place = places[feature], let value = try? JSONValue(parsing: config, limits: limits) else { return config }
        return setting(secret, in: value, place)
    }

    /// The config as it is stored and shown, and its secret; nil when it has none.
    public static func separated(_ config: String, of feature: String) -> (config: String, secret: String?) {
        guard let place = places[feature], let value = try? JSONValue(parsing: config, limits: limits),
            case .string(let secret)? = value[place.member], !secret.isEmpty, secret != place.shown
        else { return (config, nil) }
        return (setting(place.shown, in: value, place), secret)
    }

    private static func setting(_ secret: String, in config: JSONValue, _ place: Place) -> String {
        if config[place.member] != nil { return config.replacing([place.member]) { _ in .string(secret) }.text }
        guard case .object(let members) = config else { return config.text }
        return JSONValue.object(members + [JSONMember(name: place.member, value: .string(secret))]).text
    }
}
