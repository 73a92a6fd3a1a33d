import Foundation
import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot
import SnapshotCompiler
import Store

/// Reads what the compiler needs: published definitions with everything bound to them, hosts of groups, settings of instances.
struct PublicationLoader {
    enum Selection {
        case all
        case some([String])
    }

    let reading: Reading
    let settings: ControlPlaneSettings

    /// Published APIs with their bindings; an id that is offline or gone is left out.
    func publishedAPIs(_ selection: Selection) throws -> [PublishedAPI] {
        switch selection {
        case .all:
            return try load("", [])
        case .some(let ids):
            // Bounded, because databases bound the number of parameters of a statement.
            var found: [PublishedAPI] = []
            for start in stride(from: 0, to: ids.count, by: 500) {
                let chunk = ids[start..<min(start + 500, ids.count)]
                let marks = Array(repeating: "?", count: chunk.count).joined(separator: ", ")
                found += try load("p.id IN (\(marks))", chunk.map(SQLValue.text))
            }
            return found
        }
    }

    private func load(_ condition: String, _ arguments: [SQLValue]) throws -> [PublishedAPI] {
        let sql = reading.sql
        let restricted = condition.isEmpty ? "" : " AND \(condition)"
        let rows = try sql.query(
            """
            SELECT p.id, p.api_id, p.instance_id, p.env_id, v.definition, g.id AS group_id, g.name AS group_name,
              e.name AS env_name
            FROM publications p
              JOIN api_versions v ON v.id = p.version_id
              JOIN api_groups g ON g.id = p.group_id
              JOIN environments e ON e.instance_id = p.instance_id AND e.id = p.env_id
            WHERE p.version_id IS NOT NULL\(restricted)
            """, arguments)
        guard !rows.isEmpty else { return [] }
        let decoder = JSONDecoder()
        var apis = try rows.map { row in
            PublishedAPI(
                publicationID: try row.text("id"), apiID: try row.text("api_id"), instanceID: try row.text("instance_id"),
                groupID: try row.text("group_id"), groupName: try row.text("group_name"),
                environmentID: try row.text("env_id"), environmentName: try row.text("env_name"),
                definition: try decoder.decode(APIDefinition.self, from: Data(try row.text("definition").utf8)))
        }
        let places = Dictionary(uniqueKeysWithValues: apis.enumerated().map { ($1.publicationID, $0) })
        let filter = condition.isEmpty ? "" : " WHERE \(condition.replacing("p.id", with: "b.publication_id"))"
        for row in try sql.query(
            "SELECT b.publication_id, \(SignatureKeyRow.columnList("s")) FROM sign_bindings b JOIN signs s ON s.id = b.sign_id\(filter)",
            arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].signatureKey = try SignatureKeyRow(row: row).model(box: reading.box)
        }
        try addSignatureSecrets(to: &apis)
        for row in try sql.query(
            "SELECT b.publication_id, \(AccessControlPolicy.columnList("a")) FROM acl_bindings b JOIN acls a ON a.id = b.acl_id\(filter) ORDER BY b.entity_type",
            arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].accessPolicies.append(try AccessControlPolicy(row: row))
        }
        for row in try sql.query(
            "SELECT b.publication_id, \(PluginRow.columnList("u")) FROM plugin_bindings b JOIN plugins u ON u.id = b.plugin_id\(filter) ORDER BY b.plugin_type",
            arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].plugins.append(try PluginRow(row: row).model(box: reading.box))
        }
        // What a response chose that is gone is the default of the group again.
        let responses = try responses(ofGroups: condition.isEmpty ? nil : Array(Set(apis.map(\.groupID))))
        for place in apis.indices where !responses.isEmpty {
            let own = responses[apis[place].groupID] ?? []
            let chosen = apis[place].definition.responseID
            apis[place].groupResponse = own.first { $0.id == chosen } ?? own.first(where: \.isDefault)
        }
        for row in try sql.query(
            "SELECT b.publication_id, \(ThrottlePolicy.columnList("t")) FROM throttle_bindings b JOIN throttles t ON t.id = b.throttle_id\(filter)",
            arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].throttle = BoundThrottle(policy: try ThrottlePolicy(row: row))
        }
        for row in try sql.query(
            "SELECT b.publication_id, \(ThrottleSpecial.columnList("s")) FROM throttle_bindings b JOIN throttle_specials s ON s.throttle_id = b.throttle_id\(filter)",
            arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].throttle?.specials.append(try ThrottleSpecial(row: row))
        }
        for row in try sql.query(
            """
            SELECT p.id AS publication_id, u.app_id, u.visit_params FROM publications p
              JOIN app_auths u ON u.api_id = p.api_id AND u.env_id = p.env_id
            WHERE p.version_id IS NOT NULL\(restricted)
            """, arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            apis[place].authorizedApplications[try row.text("app_id")] = try row.text("visit_params")
        }
        try addDefinitionParts(to: &apis, places, restricted, arguments)
        try addChannels(to: &apis, places, filter, arguments)
        return apis
    }

    func publications(ofSignatureKey id: String) throws -> [String] {
        try ids("SELECT publication_id AS id FROM sign_bindings WHERE sign_id = ?", [.text(id)])
    }

    func publications(ofAccessPolicy id: String) throws -> [String] {
        try ids("SELECT publication_id AS id FROM acl_bindings WHERE acl_id = ?", [.text(id)])
    }

    func publications(ofPlugin id: String) throws -> [String] {
        try ids("SELECT publication_id AS id FROM plugin_bindings WHERE plugin_id = ?", [.text(id)])
    }

    /// APIs whose version in force, or a plug-in of which, sends requests to the channel.
    func publications(ofChannel id: String) throws -> [String] {
        try ids(
            """
            SELECT publication_id AS id FROM publication_channels WHERE channel_id = ?
            UNION SELECT b.publication_id AS id FROM plugin_channels c JOIN plugin_bindings b ON b.plugin_id = c.plugin_id
              WHERE c.channel_id = ?
            """, [.text(id), .text(id)])
    }

    func publications(ofAPI id: String, environmentID: String) throws -> [String] {
        try ids(
            "SELECT id FROM publications WHERE api_id = ? AND env_id = ? AND version_id IS NOT NULL",
            [.text(id), .text(environmentID)])
    }

    func publications(ofThrottle id: String) throws -> [String] {
        try ids("SELECT publication_id AS id FROM throttle_bindings WHERE throttle_id = ?", [.text(id)])
    }

    func publications(ofGroup id: String) throws -> [String] {
        try ids("SELECT id FROM publications WHERE group_id = ? AND version_id IS NOT NULL", [.text(id)])
    }

    func publications(ofEnvironment id: String, instanceID: String) throws -> [String] {
        try ids(
            "SELECT id FROM publications WHERE instance_id = ? AND env_id = ? AND version_id IS NOT NULL",
            [.text(instanceID), .text(id)])
    }

    private func ids(_ sql: String, _ arguments: [SQLValue]) throws -> [String] {
        try reading.sql.query(sql, arguments).map { try $0.text("id") }
    }

    /// - Parameters:
    ///   - ids: nil for all groups.
    ///   - tolerates: a certificate that cannot be used is left out instead of being refused.
    func groups(ids: [String]?, _ compiler: inout DomainCompiler, tolerates: Bool) throws -> [SnapshotChange] {
        var condition = Condition()
        if let ids { condition.isIn("id", ids) }
        let domains = try domains(ofGroups: ids)
        let responses = try responses(ofGroups: ids)
        let suites = domains.isEmpty ? [:] : try cipherSuites()
        let withoutHTTP2 = domains.isEmpty ? [] : try instancesWithoutHTTP2()
        return try reading.sql.all(APIGroup.self, where: condition).map { group in
            let rules: [DomainRules]
            do throws(CompileDiagnostic) {
                rules = try compiler.compile(
                    groupID: group.id, domains[group.id] ?? [], cipherSuites: suites[group.instanceID] ?? [],
                    offersHTTP2: !withoutHTTP2.contains(group.instanceID), tolerates: tolerates)
            } catch let diagnostic {
                throw OperationError.cannotServe(field: diagnostic.field, reason: diagnostic.reason)
            }
            return .group(
                id: group.id, name: group.name, instanceID: group.instanceID, hosts: try hosts(of: group), domains: rules,
                failures: responses[group.id]?.first(where: \.isDefault).flatMap(FailureShapes.compile))
        }
    }

    private func isFirst(_ instanceID: String) throws -> Bool {
        try reading.sql.first("SELECT id FROM instances ORDER BY created_at, id LIMIT 1", [])?.text("id") == instanceID
    }

    private func hosts(of group: APIGroup) throws -> [String] {
        let own = group.slDomainAccessEnabled ? ["\(group.id).\(settings.groupHostSuffix)".lowercased()] : []
        // Only one group can answer at the gateway's bare address: the DEFAULT group of the instance that was made first.
        guard group.isDefault else { return own }
        return own + (try isFirst(group.instanceID) ? settings.gatewayAddresses : []) + (try reading.trustedHosts(of: group.instanceID))
    }

    /// Domains with their certificates, by group.
    private func domains(ofGroups ids: [String]?) throws -> [String: [DomainCompiler.Input]] {
        var condition = Condition()
        if let ids { condition.isIn("group_id", ids) }
        let domains = try reading.sql.all(BoundDomain.self, where: condition, order: "created_at, id")
        guard !domains.isEmpty else { return [:] }
        var certificates: [String: [ManagedCertificate]] = [:]
        for row in try reading.sql.query(
            """
            SELECT b.domain_id, \(CertificateRow.columnList("c"))
            FROM url_domains d JOIN domain_certificates b ON b.domain_id = d.id JOIN certificates c ON c.id = b.certificate_id
            \(condition.sql) ORDER BY b.algorithm_type
            """, condition.arguments)
        {
            certificates[try row.text("domain_id"), default: []].append(
                try CertificateRow(row: row).model(box: reading.box))
        }
        return Dictionary(
            grouping: domains.map { .init(domain: $0, certificates: certificates[$0.id] ?? []) }, by: \.domain.groupID)
    }

    /// Feature `ssl_ciphers`, by instance; nothing for those that have not restricted anything.
    private func cipherSuites() throws -> [String: [CipherSuite]] {
        var own = Condition()
        own.equal("name", ConfigurableFeature.sslCiphers.rawValue)
        var result: [String: [CipherSuite]] = [:]
        for feature in try reading.sql.all(Feature.self, where: own) where feature.enabled {
            if case .sslCiphers(let suites) = FeatureSetting(.sslCiphers, config: feature.config) { result[feature.instanceID] = suites }
        }
        return result
    }

    /// Feature `request_custom_config`.
    private func instancesWithoutHTTP2() throws -> Set<String> {
        var own = Condition()
        own.equal("name", ConfigurableFeature.requestCustomConfig.rawValue)
        var result: Set<String> = []
        for feature in try reading.sql.all(Feature.self, where: own) where feature.enabled {
            if case .requestCustomConfig(http2: false, _) = FeatureSetting(.requestCustomConfig, config: feature.config) {
                result.insert(feature.instanceID)
            }
        }
        return result
    }

    /// Responses that change something, by group.
    private func responses(ofGroups ids: [String]?) throws -> [String: [GroupResponse]] {
        var condition = Condition()
        if let ids { condition.isIn("group_id", ids) }
        let found = try reading.sql.all(GroupResponseRow.self, where: condition).map(\.response)
        return Dictionary(grouping: found, by: \.groupID)
    }

    /// Public keys that instances serve to backends; a key that no backend could verify with is not served.
    ///
    /// - Parameter ids: nil for all instances.
    func publicKeys(ids: [String]?) throws -> [SnapshotChange] {
        var condition = Condition()
        if let ids { condition.isIn("id", ids) }
        return try reading.sql.all(Instance.self, where: condition).map { instance in
            var own = Condition()
            own.equal("instance_id", instance.id)
            own.equal("sign_type", SignatureType.publicKey.rawValue)
            var keys: [String: PublicKeyText] = [:]
            let rows = try reading.sql.all(SignatureKeyRow.self, where: own).map { try $0.model(box: reading.box) }
            let secrets = try signatureSecrets(rows)
            for key in rows {
                var texts: [PublicKeyText.Part] = []
                // The one that signs comes first: who reads one key alone can verify.
                let replaced = secrets[key.id]?.retired ?? []
                for old in replaced {
                    guard let pem = try? RSAKeyText.publicKeyPEM(privateKey: old.secret) else { continue }
                    texts.append(.init(pem: Array(pem.utf8), signsUntil: (old.signsUntil?.nanoseconds ?? 0) / 1_000_000, endsAt: old.endsAt.nanoseconds / 1_000_000))
                }
                guard let pem = try? RSAKeyText.publicKeyPEM(privateKey: key.secret) else { continue }
                keys[key.name] = PublicKeyText(present: Array(pem.utf8), replaced: texts)
            }
            return .publicKeys(instanceID: instance.id, keys)
        }
    }

    /// - Parameter ids: nil for all instances.
    /// - Parameters:
    ///   - prepare: makes contexts of the TLS library.
    ///   - tolerates: as in ``InstanceSettingsCompiler``.
    func instanceSettings(ids: [String]?, prepare: @escaping TLSPreparation, tolerates: Bool) throws -> [InstanceSettings] {
        var condition = Condition()
        if let ids { condition.isIn("id", ids) }
        let instances = try reading.sql.all(Instance.self, where: condition, order: "created_at, id")
        return try instances.map { instance in
            var own = Condition()
            own.equal("instance_id", instance.id)
            let secrets = try reading.featureSecrets(own)
            var features = try reading.sql.all(Feature.self, where: own)
            for place in features.indices {
                guard let secret = secrets[features[place].name] else { continue }
                features[place].config = FeatureSecrets.opened(
                    features[place].config, of: features[place].name, secret: secret.revealed)
            }
            let addresses = try isFirst(instance.id) ? settings.gatewayAddresses : []
            do throws(CompileDiagnostic) {
                return try InstanceSettingsCompiler.compile(
                    instanceID: instance.id, features: features, addresses: addresses, prepare: prepare,
                    tolerates: tolerates)
            } catch {
                throw OperationError.cannotServe(field: error.field, reason: error.reason)
            }
        }
    }
}
