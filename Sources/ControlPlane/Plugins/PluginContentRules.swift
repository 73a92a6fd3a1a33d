import CertificateReading
import GatewayModel

/// Whether a content fits its type.
enum PluginContentRules {
    /// - Throws: ``OperationError/invalid(field:)`` naming `plugin_content`.
    static func check(_ content: String, type: PluginType) throws {
        do {
            if case .kafkaLog(let log) = try PluginContent(parsing: content, type: type), log.securityProtocol == .saslSSL {
                try TrustedCertificates.check(log.caCertificates)
            }
        } catch {
            throw OperationError.invalid(field: "plugin_content")
        }
    }
}
