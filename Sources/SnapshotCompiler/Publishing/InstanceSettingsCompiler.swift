import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

/// Features of an instance -> what requests meet. Contents were checked when the features were written, so what does not
/// parse here keeps its default.
public enum InstanceSettingsCompiler {
    /// - Parameters:
    ///   - features: with their secrets in the clear where `prepare` is given.
    ///   - addresses: of the gateway, when they are the instance's.
    ///   - prepare: makes contexts of the TLS library; nil where nobody connects.
    ///   - tolerates: what the TLS library does not take makes connections to HTTPS backends fail, instead of being refused.
    /// - Throws: ``CompileDiagnostic`` naming the feature's config.
    public static func compile(
        instanceID: String, features: [Feature], addresses: [String] = [],
        prepare: TLSPreparation? = nil, tolerates: Bool = true
    ) throws(CompileDiagnostic) -> InstanceSettings {
        var settings = InstanceSettings(instanceID: instanceID)
        settings.addresses = addresses
        for feature in features where feature.enabled {
            guard let known = ConfigurableFeature(rawValue: feature.name),
                let setting = FeatureSetting(known, config: feature.config), setting.isOn
            else { continue }
            switch setting {
            case .requestBodySize(let bytes): settings.maxBodyBytes = bytes
            case .backendTimeout(let milliseconds): settings.maxBackendTimeoutMilliseconds = milliseconds
            case .realIPFromXFF(_, let index):
                // real_ip_header_getter wins when both are on (gateway-runtime.md, 6.3).
                if case .header = settings.clientAddress { continue }
                settings.clientAddress = .forwardedFor(index: index)
            case .realIPHeaderGetter(_, let header):
                settings.clientAddress = .header(Array(header.lowercased().utf8))
            case .customAuthHeader(let app, let header):
                if !header.isEmpty { settings.backendSignHeader = Array(header.lowercased().utf8) }
                if !app.isEmpty { settings.carriers.authHeader = Array(app.lowercased().utf8) }
            case .appBasic(let enabled): settings.carriers.basic = enabled
            case .appSecret(let enabled): settings.carriers.secret = enabled
            case .appAPIKey(let enabled): settings.carriers.apiKey = enabled
            case .appJWT(_, let header): settings.carriers.hashHeader = Array(header.lowercased().utf8)
            case .appToken(_, let token):
                guard !token.key.revealed.isEmpty, token.key.revealed != FeatureSetting.AppToken.mask else { continue }
                settings.carriers.tokens = AppTokenPolicy(
                    path: Array(token.uri.utf8), accessSeconds: token.accessSeconds, refreshSeconds: token.refreshSeconds,
                    key: TokenKey(token.key, instanceID: instanceID))
            case .appRoute(let enabled): settings.routesByApp = enabled
            case .defaultGroupHostTrustlist(_, let hosts): settings.addresses += hosts.filter { !addresses.contains($0) }
            case .backendTokenAllow(let patterns): settings.tokenPatterns = patterns.compactMap { try? PatternMatcher($0) }
            case .authorizerContextNumbers(let enabled): settings.authorizersGiveNumbers = enabled
            case .apiURINoEscape(let enabled): settings.keepsEscapedPath = enabled
            case .publicKey(_, let prefix): settings.publicKeyPrefix = Array(prefix.utf8)
            case .backendClientCertificate(let certificate):
                settings.backendTLS = try backendTLS(certificate, of: feature, prepare, tolerates)
            case .customLog(let fields): settings.logFields = fields.map(LogField.init)
            // Management alone asks for it.
            case .vpcNameModifiable, .policyCookieParam, .secretResetOverlap: break
            // Belongs to the domains of the instance, see DomainCompiler.
            case .sslCiphers: break
            case .gzip(_, let level): settings.gzipLevel = level
            case .sseStrategy(let enabled): settings.keepsEventStreams = enabled
            case .requestCustomConfig(let http2, let seconds):
                settings.refusesHTTP2 = !http2
                settings.bodyTimeoutMilliseconds = seconds * 1000
            case .rateLimit(let calls): settings.defaultRateLimit = calls
            }
        }
        return settings
    }

    private static func backendTLS(
        _ certificate: FeatureSetting.BackendCertificate, of feature: Feature, _ prepare: TLSPreparation?, _ tolerates: Bool
    ) throws(CompileDiagnostic) -> BackendTLSChoice {
        func made(chain: String, key: Secret) throws(CompileDiagnostic) -> BackendTLS {
            let material = TLSMaterial(backendChain: chain, key: key, authorities: certificate.authorities)
            guard let prepare else { return BackendTLS(material: material, context: nil) }
            do {
                return BackendTLS(material: material, context: try prepare(material))
            } catch where !tolerates {
                throw CompileDiagnostic(
                    field: "config", reason: "the TLS library does not take the certificate", resource: "feature \(feature.name)")
            } catch {
                return BackendTLS(material: material, context: nil)
            }
        }
        var choice = BackendTLSChoice()
        if !certificate.authorities.isEmpty { choice.verified = try made(chain: "", key: Secret("")) }
        if !certificate.chain.isEmpty { choice.mutual = try made(chain: certificate.chain, key: certificate.key) }
        return choice
    }
}

extension LogField {
    init(_ field: FeatureSetting.CustomLogField) {
        switch field.location {
        case .header: self.init(place: .header, name: Array(field.name.lowercased().utf8))
        case .query: self.init(place: .query, name: Array(field.name.utf8))
        case .cookie: self.init(place: .cookie, name: Array(field.name.utf8))
        }
    }
}
