import ControlPlane
import Foundation
import GatewayModel
import ProxyServer
import Yams

/// What `gatehouse serve` runs with: flags win over the settings file, the settings file over the defaults
/// (docs/settings.md).
struct ServeSettings: Sendable, Equatable {
    var dataFolder: String
    var management = Address(host: "127.0.0.1", port: 8700)
    var gateway = Address(host: "127.0.0.1", port: 8780)
    var gatewayTLS = Address(host: "127.0.0.1", port: 8743)
    /// The process that runs on the data folder ends, and its sockets go on here.
    var takesOver = false
    /// Event loops that carry traffic.
    var gatewayThreads: Int = max(1, ProcessInfo.processInfo.activeProcessorCount)
    /// Name of the region and, as clients expect, of the first project.
    var region = "local-1"
    var domainName = "gatehouse"
    var groupHostSuffix = "apic.localhost"
    /// Where clients reach the management port when that differs from its address, such as `https://apic.example.com`.
    var publicURL: String?
    /// Check the certificates of HTTPS backends against the system's roots.
    var verifiesBackendCertificates = false
    /// Connections of these listeners begin with a PROXY header.
    var gatewayProxyProtocol = false
    var gatewayTLSProxyProtocol = false
    /// Clients may speak HTTP/2 on the plain listener, without having asked.
    var gatewayH2C = false
    /// How long a tunnel (WebSocket) may be silent.
    var tunnelIdleSeconds = 3600
    /// How long a stop waits for requests that are under way.
    var drainSeconds = 10
    var featureIntervalSeconds = 0
    /// Revisions whose state can be told and restored.
    var historyRevisions = 10_000
    var tokenLifeSeconds = 86_400
    /// Client connections open at a time, and those of one client; 0: no limit of its own.
    var maxConnections = 50_000
    var maxConnectionsPerClient = 0
    var quotas = Quotas()
    var functions = FunctionRegistry()
    var logLevel = "info"
    /// nil: requests are not logged. The path may be relative to the data folder.
    var accessLog: AccessLogSettings?
    /// nil: nothing is traced.
    var tracing: TraceSettings?
    /// What may wait for the brokers of one Kafka log, and the bytes of bodies that requests under way may hold for their records.
    var kafkaQueueRecords = 100_000
    var kafkaQueueBytes = 67_108_864
    var kafkaBodyBytes = 67_108_864

    init(dataFolder: String) { self.dataFolder = dataFolder }

    /// - Throws: ``PlainFailure`` that names the file and the setting.
    mutating func apply(file path: String) throws {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw PlainFailure("cannot read the settings file \(path)")
        }
        let file: SettingsFile
        do {
            file = try YAMLDecoder().decode(SettingsFile.self, from: text.isEmpty ? "{}" : text)
        } catch {
            throw PlainFailure("\(path): \(Self.reason(error))")
        }
        if let value = file.management { management = try Self.address(value, "management", path) }
        if let value = file.gateway { gateway = try Self.address(value, "gateway", path) }
        if let value = file.gatewayTLS { gatewayTLS = try Self.address(value, "gateway_tls", path) }
        if let value = file.gatewayThreads { gatewayThreads = value }
        if let value = file.region { region = value }
        if let value = file.domainName { domainName = value }
        if let value = file.groupHostSuffix { groupHostSuffix = value.lowercased() }
        if let value = file.publicURL { publicURL = value }
        if let value = file.verifyBackendCertificates { verifiesBackendCertificates = value }
        if let value = file.gatewayProxyProtocol { gatewayProxyProtocol = value }
        if let value = file.gatewayTLSProxyProtocol { gatewayTLSProxyProtocol = value }
        if let value = file.gatewayH2C { gatewayH2C = value }
        if let value = file.tunnelIdleSeconds { tunnelIdleSeconds = value }
        if let value = file.drainSeconds { drainSeconds = value }
        if let value = file.featureIntervalSeconds { featureIntervalSeconds = value }
        if let value = file.historyRevisions { historyRevisions = value }
        if let value = file.tokenLifeSeconds { tokenLifeSeconds = value }
        if let value = file.maxConnections { maxConnections = value }
        if let value = file.maxConnectionsPerClient { maxConnectionsPerClient = value }
        if let value = file.logLevel { logLevel = value }
        if let value = file.accessLog { accessLog = try Self.accessLog(value, path) }
        if let value = file.kafkaLog {
            kafkaQueueRecords = value.queueRecords ?? kafkaQueueRecords
            kafkaQueueBytes = value.queueBytes ?? kafkaQueueBytes
            kafkaBodyBytes = value.bodyBytes ?? kafkaBodyBytes
        }
        if let value = file.tracing { tracing = try TraceSettings(value, path) }
        if let value = file.functions { functions = try Self.functions(value, path) }
        for (name, value) in file.quotas ?? [:] {
            guard let place = SettingsFile.quotas[name] else { throw PlainFailure("\(path): unknown quota \(name)") }
            guard (1...10_000_000).contains(value) else { throw PlainFailure("\(path): quota \(name) is outside 1 to 10000000") }
            quotas[keyPath: place] = value
        }
    }

    /// - Throws: ``PlainFailure`` for a value outside its range.
    func check() throws {
        func require(_ condition: Bool, _ text: String) throws { if !condition { throw PlainFailure(text) } }
        try require((1...256).contains(gatewayThreads), "gateway_threads is outside 1 to 256")
        try require((0...3600).contains(drainSeconds), "drain_seconds is outside 0 to 3600")
        try require((1...86_400).contains(tunnelIdleSeconds), "tunnel_idle_seconds is outside 1 to 86400")
        try require((1...1_000_000).contains(maxConnections), "max_connections is outside 1 to 1000000")
        try require((0...1_000_000).contains(maxConnectionsPerClient), "max_connections_per_client is outside 0 to 1000000")
        try require((0...86_400).contains(featureIntervalSeconds), "feature_interval_seconds is outside 0 to 86400")
        try require((0...10_000_000).contains(historyRevisions), "history_revisions is outside 0 to 10000000")
        try require((1...5_000_000).contains(kafkaQueueRecords), "kafka_log.queue_records is outside 1 to 5000000")
        try require((1024...1_073_741_824).contains(kafkaQueueBytes), "kafka_log.queue_bytes is outside 1024 to 1073741824")
        try require((0...1_073_741_824).contains(kafkaBodyBytes), "kafka_log.body_bytes is outside 0 to 1073741824")
        try require((1...86_400).contains(tokenLifeSeconds), "token_life_seconds is outside 1 to 86400")
        try require(
            !groupHostSuffix.isEmpty && groupHostSuffix.utf8.count <= 200
                && groupHostSuffix.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 46 },
            "group_host_suffix is not a host name")
        try require(!region.isEmpty && region.utf8.count <= 64, "region is outside 1 to 64 characters")
        try require(!domainName.isEmpty && domainName.utf8.count <= 64, "domain_name is outside 1 to 64 characters")
        try require(
            ["trace", "debug", "info", "notice", "warning", "error", "critical"].contains(logLevel),
            "log_level is none of trace, debug, info, notice, warning, error, critical")
    }

    private static func address(_ text: String, _ name: String, _ path: String) throws -> Address {
        guard let address = Address(argument: text) else { throw PlainFailure("\(path): \(name) is not HOST:PORT") }
        return address
    }

    private static func accessLog(_ file: SettingsFile.AccessLog, _ path: String) throws -> AccessLogSettings {
        var settings = AccessLogSettings(path: file.path)
        func apply(_ value: Int?, _ name: String, _ range: ClosedRange<Int>, _ place: WritableKeyPath<AccessLogSettings, Int>) throws {
            guard let value else { return }
            guard range.contains(value) else {
                throw PlainFailure("\(path): access_log.\(name) is outside \(range.lowerBound) to \(range.upperBound)")
            }
            settings[keyPath: place] = value
        }
        guard !file.path.isEmpty, !file.path.utf8.contains(0) else { throw PlainFailure("\(path): access_log.path is no path") }
        try apply(file.maxBytes, "max_bytes", 0...1_000_000_000_000, \.maxBytes)
        try apply(file.keptFiles, "kept_files", 1...1000, \.keptFiles)
        try apply(file.queueBytes, "queue_bytes", 65_536...1_073_741_824, \.queueBytes)
        return settings
    }

    /// - Throws: ``PlainFailure`` that names the URN whose URL is none.
    private static func functions(_ urls: [String: String], _ path: String) throws -> FunctionRegistry {
        var endpoints: [String: FunctionEndpoint] = [:]
        for (urn, url) in urls {
            guard (1...255).contains(urn.utf8.count), let endpoint = FunctionEndpoint(url) else {
                throw PlainFailure("\(path): functions: \(urn) is not mapped to an http:// or https:// URL")
            }
            endpoints[urn] = endpoint
        }
        return FunctionRegistry(endpoints)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted(let context): context.debugDescription
        case DecodingError.typeMismatch(_, let context): "\(context.codingPath.map(\.stringValue).joined(separator: ".")) has the wrong type"
        default: "is not YAML: \(error)".replacing("\n", with: " ")
        }
    }
}

/// The settings file as written; a name that it does not know is an error, so that a typing mistake is not a silent default.
private struct SettingsFile: Decodable {
    var management, gateway, gatewayTLS, region, domainName, groupHostSuffix, publicURL, logLevel: String?
    var gatewayThreads, drainSeconds, featureIntervalSeconds, tunnelIdleSeconds, tokenLifeSeconds, historyRevisions: Int?
    var maxConnections, maxConnectionsPerClient: Int?
    var verifyBackendCertificates, gatewayProxyProtocol, gatewayTLSProxyProtocol, gatewayH2C: Bool?
    var quotas: [String: Int]?
    var functions: [String: String]?
    var accessLog: AccessLog?
    var kafkaLog: KafkaLog?
    var tracing: TraceSettingsFile?

    struct KafkaLog: Decodable {
        let queueRecords, queueBytes, bodyBytes: Int?

        enum CodingKeys: String, CodingKey {
            case queueRecords = "queue_records"
            case queueBytes = "queue_bytes"
            case bodyBytes = "body_bytes"
        }

        init(from decoder: any Decoder) throws {
            for name in try decoder.container(keyedBy: AnyName.self).allKeys where CodingKeys(rawValue: name.stringValue) == nil {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: [], debugDescription: "unknown setting kafka_log.\(name.stringValue)"))
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            queueRecords = try values.decodeIfPresent(Int.self, forKey: .queueRecords)
            queueBytes = try values.decodeIfPresent(Int.self, forKey: .queueBytes)
            bodyBytes = try values.decodeIfPresent(Int.self, forKey: .bodyBytes)
        }
    }

    struct AccessLog: Decodable {
        let path: String
        let maxBytes, keptFiles, queueBytes: Int?

        enum CodingKeys: String, CodingKey {
            case path
            case maxBytes = "max_bytes"
            case keptFiles = "kept_files"
            case queueBytes = "queue_bytes"
        }

        init(from decoder: any Decoder) throws {
            for name in try decoder.container(keyedBy: AnyName.self).allKeys where CodingKeys(rawValue: name.stringValue) == nil {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: [], debugDescription: "unknown setting access_log.\(name.stringValue)"))
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            guard let path = try values.decodeIfPresent(String.self, forKey: .path) else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "access_log has no path"))
            }
            self.path = path
            maxBytes = try values.decodeIfPresent(Int.self, forKey: .maxBytes)
            keptFiles = try values.decodeIfPresent(Int.self, forKey: .keptFiles)
            queueBytes = try values.decodeIfPresent(Int.self, forKey: .queueBytes)
        }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case management, gateway, region, quotas, functions, tracing
        case accessLog = "access_log"
        case kafkaLog = "kafka_log"
        case gatewayTLS = "gateway_tls"
        case domainName = "domain_name"
        case groupHostSuffix = "group_host_suffix"
        case publicURL = "public_url"
        case logLevel = "log_level"
        case gatewayThreads = "gateway_threads"
        case gatewayProxyProtocol = "gateway_proxy_protocol"
        case gatewayTLSProxyProtocol = "gateway_tls_proxy_protocol"
        case gatewayH2C = "gateway_h2c"
        case tunnelIdleSeconds = "tunnel_idle_seconds"
        case drainSeconds = "drain_seconds"
        case featureIntervalSeconds = "feature_interval_seconds"
        case historyRevisions = "history_revisions"
        case tokenLifeSeconds = "token_life_seconds"
        case maxConnections = "max_connections"
        case maxConnectionsPerClient = "max_connections_per_client"
        case verifyBackendCertificates = "verify_backend_certificates"
    }

    struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    static let quotas: [String: any WritableKeyPath<Quotas, Int> & Sendable] = [
        "instances": \.instances, "tags_per_instance": \.tagsPerInstance,
        "api_groups": \.apiGroups, "apis": \.apis, "apis_per_group": \.apisPerGroup, "apis_per_import": \.apisPerImport,
        "document_tasks": \.documentTasks, "environments": \.environments,
        "signature_keys": \.signatureKeys, "access_policies": \.accessPolicies, "plugins": \.plugins,
        "throttles": \.throttles, "kafka_plugins": \.kafkaPlugins, "parameters_per_api": \.parametersPerAPI, "tags_per_api": \.tagsPerAPI,
        "versions_per_publication": \.versionsPerPublication, "domains_per_group": \.domainsPerGroup,
        "responses_per_group": \.responsesPerGroup,
        "vpc_channels": \.vpcChannels,
        "members_per_channel": \.membersPerChannel, "instances_per_project_channel": \.instancesPerProjectChannel,
        "authorizers": \.authorizers,
        "identities_per_authorizer": \.identitiesPerAuthorizer, "orchestrations": \.orchestrations,
        "orchestrations_per_api": \.orchestrationsPerAPI, "variables_per_group": \.variablesPerGroup,
        "dictionaries": \.dictionaries,
        "applications": \.applications, "authorizations_per_application": \.authorizationsPerApplication,
        "app_codes_per_application": \.appCodesPerApplication, "app_configs_per_application": \.appConfigsPerApplication,
        "app_quotas": \.appQuotas,
        "livedata_apis": \.livedataAPIs, "scripts_per_livedata_api": \.scriptsPerLivedataAPI,
    ]

    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyName.self)
        for name in names.allKeys where CodingKeys(rawValue: name.stringValue) == nil {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "unknown setting \(name.stringValue)"))
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        management = try values.decodeIfPresent(String.self, forKey: .management)
        gateway = try values.decodeIfPresent(String.self, forKey: .gateway)
        gatewayTLS = try values.decodeIfPresent(String.self, forKey: .gatewayTLS)
        region = try values.decodeIfPresent(String.self, forKey: .region)
        domainName = try values.decodeIfPresent(String.self, forKey: .domainName)
        groupHostSuffix = try values.decodeIfPresent(String.self, forKey: .groupHostSuffix)
        publicURL = try values.decodeIfPresent(String.self, forKey: .publicURL)
        logLevel = try values.decodeIfPresent(String.self, forKey: .logLevel)
        gatewayThreads = try values.decodeIfPresent(Int.self, forKey: .gatewayThreads)
        gatewayProxyProtocol = try values.decodeIfPresent(Bool.self, forKey: .gatewayProxyProtocol)
        gatewayTLSProxyProtocol = try values.decodeIfPresent(Bool.self, forKey: .gatewayTLSProxyProtocol)
        gatewayH2C = try values.decodeIfPresent(Bool.self, forKey: .gatewayH2C)
        tunnelIdleSeconds = try values.decodeIfPresent(Int.self, forKey: .tunnelIdleSeconds)
        drainSeconds = try values.decodeIfPresent(Int.self, forKey: .drainSeconds)
        historyRevisions = try values.decodeIfPresent(Int.self, forKey: .historyRevisions)
        tokenLifeSeconds = try values.decodeIfPresent(Int.self, forKey: .tokenLifeSeconds)
        maxConnections = try values.decodeIfPresent(Int.self, forKey: .maxConnections)
        maxConnectionsPerClient = try values.decodeIfPresent(Int.self, forKey: .maxConnectionsPerClient)
        featureIntervalSeconds = try values.decodeIfPresent(Int.self, forKey: .featureIntervalSeconds)
        verifyBackendCertificates = try values.decodeIfPresent(Bool.self, forKey: .verifyBackendCertificates)
        quotas = try values.decodeIfPresent([String: Int].self, forKey: .quotas)
        functions = try values.decodeIfPresent([String: String].self, forKey: .functions)
        accessLog = try values.decodeIfPresent(AccessLog.self, forKey: .accessLog)
        tracing = try values.decodeIfPresent(TraceSettingsFile.self, forKey: .tracing)
        kafkaLog = try values.decodeIfPresent(KafkaLog.self, forKey: .kafkaLog)
    }
}
