import GatewayModel
import GatewayPrimitives
import Snapshot

/// kafka_log: one outbox for each way to speak to brokers, one destination for each topic and key behind it.
extension PluginCompiler {
    func kafkaLog(_ content: KafkaLogContent) -> KafkaLogPolicy {
        KafkaLogPolicy(
            fields: RecordField.kafkaLog.indices.filter { content.fields.contains("\(RecordField.kafkaLog[$0].name)") },
            requestHeaders: content.callData.requestHeaders.map { NameFilter($0, ignoringCase: true) },
            queries: content.callData.queries.map { NameFilter($0, ignoringCase: false) },
            responseHeaders: content.callData.responseHeaders.map { NameFilter($0, ignoringCase: true) },
            logsRequestBody: content.callData.requestBody, logsResponseBody: content.callData.responseBody,
            frontendNames: content.callData.frontendAuthorizer.map { Array($0.utf8) },
            backendNames: content.callData.backendAuthorizer.map { Array($0.utf8) }, destination: destination(content))
    }

    private func destination(_ content: KafkaLogContent) -> KafkaDestination {
        let brokers = KafkaBrokers(
            addresses: content.brokers, security: security(content.securityProtocol), userName: content.userName,
            password: content.password, authorities: content.caCertificates, maxRetries: content.maxRetries,
            retryBackoffSeconds: content.retryBackoffSeconds)
        // Lengths in front: no text can look like two.
        let key = [
            "kafka_log", brokers.addresses.joined(separator: "\u{1E}"), brokers.security.rawValue, brokers.userName,
            brokers.password.revealed, brokers.authorities, "\(brokers.maxRetries)", "\(brokers.retryBackoffSeconds)",
        ].map { "\($0.utf8.count):\($0)" }.joined()
        let outbox = registry.state(key) { KafkaOutbox(brokers, ledger: kafka) }
        return registry.state("\(key)\u{1F}\(content.topic)\u{1F}\(content.key)") {
            KafkaDestination(outbox: outbox, topic: content.topic, key: Array(content.key.utf8))
        }
    }

    private func security(_ wanted: KafkaLogContent.SecurityProtocol) -> KafkaBrokers.Security {
        switch wanted {
        case .plaintext: .plaintext
        case .saslPlaintext: .saslPlaintext
        case .saslSSL: .saslSSL
        }
    }
}
