import GatewayPrimitives

/// Secrets in the `config` of features: sealed in the store, an empty text wherever they are shown.
public enum FeatureSecrets {
    /// Where a feature has its secret, and the member without whose change an empty secret stands for the stored one.
    private static let places: [String: (member: String, kept: String?)] = [
        // `app_token` keeps its key in a table of its own.
        "backend_client_certificate": ("key", "content")
    ]

    private static let limits = JSONValue.Limits(length: 2 * FeatureSetting.certificateConfigBytes, depth: 4, values: 64)

    /// The same config with another text in place of its secret; byte for byte the same without one.
    public static func replacing(
        in config: String, of feature: String, _ replacement: (String) throws -> String
    ) rethrows -> String {
        guard let member = places[feature]?.member, let value = try? JSONValue(parsing: config, limits: limits),
            case .string(let secret)? = value[member], !secret.isEmpty
        else { return config }
        let other = try replacement(secret)
        return value.replacing([member]) { _ in .string(other) }.text
    }

    /// Changed config as it is to be stored: an empty secret, which is what an answer showed, stands for the stored one.
    ///
    /// - Parameter stored: with its secret in the clear.
    public static func carried(from stored: String, into config: String, of feature: String) -> String {
        guard let place = places[feature], let old = try? JSONValue(parsing: stored, limits: limits),
            let new = try? JSONValue(parsing: config, limits: limits), let secret = old[place.member],
            new[place.member] == .string("")
        else { return config }
        if let kept = place.kept, old[kept] != new[kept] { return config }
        return new.replacing([place.member]) { _ in secret }.text
    }
}

extension Feature {
    /// As it may be shown and recorded.
    public var withoutSecrets: Feature {
        var shown = self
        shown.config = FeatureSecrets.replacing(in: config, of: name) { _ in "" }
        return shown
    }
}
