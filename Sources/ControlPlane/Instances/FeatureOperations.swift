import CertificateReading
import Crypto
import Foundation
import GatewayModel
import GatewayPrimitives
import Store

/// A feature as it stands for an instance.
public struct FeatureState: Sendable, Equatable {
    /// The same before and after the first configuration.
    public let id: String
    public let instanceID: String
    public let name: String
    public let enabled: Bool
    public let config: String
    /// Nil while nobody has configured it.
    public let updatedAt: Timestamp?
}

extension ControlPlane {
    /// Configures a feature, an upsert by name; in force for all requests of the instance.
    ///
    /// A feature that this gateway does not carry out, or that is simply there, can only be "changed" to what it is; anything
    /// else is refused instead of being stored without effect.
    ///
    /// - Parameter config: nil or empty: as it is, or what `enabled` means for a feature never configured.
    /// - Throws: ``OperationError``: instance or name unknown, config of the wrong form, feature not supported, changed too
    ///   soon, and ``OperationError/cannotServe(field:reason:)`` when a published API contradicts it.
    public func setFeature(
        _ call: Call, name: String, enabled: Bool, config: String?
    ) async throws -> Written<FeatureState> {
        let interval = settings.featureIntervalSeconds
        let addresses = settings.gatewayAddresses
        return try await write(call) { w in
            try w.checkInstance(of: call)
            guard let description = FeatureCatalogue.named(name) else {
                throw OperationError.unrecognizedFeature(name: name)
            }
            let given = config.flatMap { $0.isEmpty ? nil : $0 }
            guard case .configurable(let feature) = description.kind else {
                let asItIs = given == nil || given == description.defaultConfig
                guard enabled == description.enabledByDefault, asItIs || given == (enabled ? "on" : "off") else {
                    throw OperationError.conflict(.featureNotSupported)
                }
                return FeatureState(description, of: call)
            }
            let old = try w.sql.find(Feature.self, key: call.instanceID, name)
            let oldSecret = try w.featureSecret(name, of: call)
            let secret = oldSecret?.revealed ?? ""
            // With its secret in the clear.
            var text = given.map { FeatureSecrets.completed($0, of: name, stored: old?.config, secret: secret) }
                ?? old.map { FeatureSecrets.opened($0.config, of: name, secret: secret) }
                ?? (enabled ? feature.enabledConfig : feature.defaultConfig)
            guard let setting = FeatureSetting(feature, config: text) else { throw OperationError.invalid(field: "config") }
            if case .backendClientCertificate(let certificate) = setting { try w.check(certificate) }
            if let old, interval > 0, w.now.seconds - old.updatedAt.seconds < interval {
                throw OperationError.conflict(.featureChangedTooSoon)
            }
            if case .appToken(true, let token) = setting, enabled, token.key.revealed.isEmpty {
                // Two ids are 256 random bits.
                text = FeatureSecrets.opened(text, of: name, secret: w.newID() + w.newID())
            }
            let (config, newSecret) = FeatureSecrets.separated(text, of: name)
            let id = FeatureState.id(of: name, in: call.instanceID)
            let new = Feature(
                id: id, instanceID: call.instanceID, name: name, enabled: enabled, config: config, updatedAt: w.now)
            if old == nil { try w.sql.insert(new) } else { try w.sql.update(new) }
            try w.storeFeatureSecret(newSecret, old: oldSecret, name: name, of: call)
            try w.record(.feature, id: id, before: old, after: new)
            w.touch(.instance(call.instanceID))
            if feature == .sslCiphers || feature == .requestCustomConfig { try w.touchDomains(of: call) }
            if feature == .appRoute {
                if try w.isOn(.appRoute, of: call) { try w.checkAppClaims(of: call) }
                try w.touchPublications(of: call)
            }
            if feature == .defaultGroupHostTrustlist { try w.checkTrustedHosts(addresses, of: call) }
            switch feature {
            case .backendTimeout, .requestBodySize, .rateLimit, .backendClientCertificate: try w.touchPublications(of: call)
            default: break
            }
            return FeatureState(new)
        }
    }

    /// Every feature, configured or not, in the order of the catalogue.
    public func features(_ call: Call, page: Page) async throws -> Listing<FeatureState> {
        try await read { r in
            try r.checkInstance(of: call)
            var own = Condition()
            own.equal("instance_id", call.instanceID)
            let rows = try r.sql.all(Feature.self, where: own)
            let configured = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })
            let all = FeatureCatalogue.all
            let shown = all.dropFirst(page.offset).prefix(page.limit).map { description in
                configured[description.name].map { FeatureState($0) } ?? FeatureState(description, of: call)
            }
            return Listing(total: all.count, items: shown)
        }
    }
}

extension FeatureState {
    init(_ feature: Feature) {
        self.init(
            id: feature.id, instanceID: feature.instanceID, name: feature.name, enabled: feature.enabled,
            config: feature.config, updatedAt: feature.updatedAt)
    }

    init(_ description: FeatureDescription, of call: Call) {
        self.init(
            id: Self.id(of: description.name, in: call.instanceID), instanceID: call.instanceID, name: description.name,
            enabled: description.enabledByDefault, config: description.defaultConfig, updatedAt: nil)
    }

    /// Derived, so that a feature has its id before it has a row.
    static func id(of name: String, in instanceID: String) -> String {
        SHA256.hash(data: Data("\(instanceID)/\(name)".utf8)).prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}

extension Reading {
    /// Whether a feature is switched on by its flag and by its config.
    func isOn(_ feature: ConfigurableFeature, of call: Call) throws -> Bool {
        guard let row = try sql.find(Feature.self, key: call.instanceID, feature.rawValue) else {
            return feature.enabledByDefault
        }
        return row.enabled && FeatureSetting(feature, config: row.config)?.isOn == true
    }
}

extension Writing {
    /// An address leads to one group alone, and there is nothing to trust in one that is the gateway's own.
    ///
    /// - Throws: ``OperationError/invalid(field:)``.
    fileprivate func checkTrustedHosts(_ gateway: [String], of call: Call) throws {
        let hosts = try trustedHosts(of: call.instanceID)
        for row in try sql.query("SELECT id FROM instances WHERE id <> ?", [.text(call.instanceID)]) {
            let others = try trustedHosts(of: row.text("id"))
            guard !hosts.contains(where: others.contains) else { throw OperationError.invalid(field: "config") }
        }
        guard !hosts.contains(where: gateway.contains) else { throw OperationError.invalid(field: "config") }
        for row in try sql.query("SELECT id FROM api_groups WHERE instance_id = ? AND is_default = 1", [.text(call.instanceID)]) {
            touch(.hosts(group: try row.text("id")))
        }
    }

    /// Certificates that could not be shown, or believed, are refused before they are stored.
    fileprivate func check(_ certificate: FeatureSetting.BackendCertificate) throws(OperationError) {
        do {
            try BackendCredentials.check(
                chain: certificate.chain, key: certificate.key, authorities: certificate.authorities, now: now.seconds)
        } catch {
            throw .invalid(field: "config")
        }
    }

    /// Compiles all published APIs of the instance again: what they and their plug-ins may say depends on a limit.
    fileprivate func touchPublications(of call: Call) throws {
        let rows = try sql.query(
            "SELECT id FROM publications WHERE instance_id = ? AND version_id IS NOT NULL", [.text(call.instanceID)])
        for row in rows { touch(.publication(try row.text("id"))) }
    }
}
