import Foundation
import GatewayModel
import Snapshot

/// Features of an instance -> what requests meet. Contents were checked when the features were written, so what does not
/// parse here keeps its default.
public enum InstanceSettingsCompiler {
    public static func compile(instanceID: String, features: [Feature]) -> InstanceSettings {
        var settings = InstanceSettings(instanceID: instanceID)
        for feature in features where feature.enabled {
            let config = (try? JSONSerialization.jsonObject(with: Data(feature.config.utf8))) as? [String: Any] ?? [:]
            let isOn = (config["enable"] as? String).map { $0 == "on" } ?? true
            switch feature.name {
            case "request_body_size":
                if let bytes = Int(feature.config) { settings.maxBodyBytes = bytes }
            case "backend_timeout":
                if let limit = config["max_timeout"] as? Int { settings.maxBackendTimeoutMilliseconds = limit }
            case "real_ip_from_xff" where isOn:
                // real_ip_header_getter wins when both are on (gateway-runtime.md, 6.3).
                if case .header = settings.clientAddress { continue }
                settings.clientAddress = .forwardedFor(index: config["xff_index"] as? Int ?? -1)
            case "real_ip_header_getter" where isOn:
                if let getter = config["header_getter"] as? String, getter.hasPrefix("header:") {
                    settings.clientAddress = .header(Array(getter.dropFirst("header:".count).lowercased().utf8))
                }
            case "custom_auth_header" where isOn:
                if let name = config["backend_sign_header"] as? String, !name.isEmpty {
                    settings.backendSignHeader = Array(name.lowercased().utf8)
                }
            case "api_uri_no_escape":
                settings.keepsEscapedPath = feature.config == "on"
            case "public_key" where isOn:
                let prefix = config["public_key_uri_prefix"] as? String ?? "/apigw/authadv/v2/public-key/"
                settings.publicKeyPrefix = Array(prefix.utf8)
            default:
                continue
            }
        }
        return settings
    }
}
