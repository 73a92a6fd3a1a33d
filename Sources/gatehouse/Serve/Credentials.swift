import Foundation

/// What clients need to log in; `credentials.json` (design.md, outside surface).
struct Credentials: Codable, Equatable {
    var managementEndpoint: String
    var iamEndpoint: String
    var gatewayHTTP: String
    var gatewayHTTPS: String
    var region: String
    var domainName: String
    var domainID: String
    var projectName: String
    var projectID: String
    var instanceID: String
    var userName: String
    var password: String
    var accessKey: String
    var secretKey: String

    enum CodingKeys: String, CodingKey {
        case managementEndpoint = "management_endpoint"
        case iamEndpoint = "iam_endpoint"
        case gatewayHTTP = "gateway_http"
        case gatewayHTTPS = "gateway_https"
        case region
        case domainName = "domain_name"
        case domainID = "domain_id"
        case projectName = "project_name"
        case projectID = "project_id"
        case instanceID = "instance_id"
        case userName = "user_name"
        case password
        case accessKey = "access_key"
        case secretKey = "secret_key"
    }

    /// - Returns: nil when there is no such file or it does not hold credentials.
    static func read(_ path: String) -> Credentials? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(Credentials.self, from: $0) }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try DataFolder.write(Array(try encoder.encode(self)) + [0x0A], to: path)
    }

    /// 128 random bits as 32 hex characters.
    static func newPassword() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
