import GatewayModel
import GatewayPrimitives
import Snapshot

/// Features of an instance -> what requests meet. Contents were checked when the features were written, so what does not
/// parse here keeps its default.
public enum InstanceSettingsCompiler {
    public static func compile(instanceID: String, features: [Feature]) -> InstanceSettings {
        var settings = InstanceSettings(instanceID: instanceID)
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
            case .backendTokenAllow(let patterns): settings.tokenPatterns = patterns.compactMap { try? PatternMatcher($0) }
            case .authorizerContextNumbers(let enabled): settings.authorizersGiveNumbers = enabled
            case .apiURINoEscape(let enabled): settings.keepsEscapedPath = enabled
            case .publicKey(_, let prefix): settings.publicKeyPrefix = Array(prefix.utf8)
            // Management alone asks for it.
            case .vpcNameModifiable: break
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
}
