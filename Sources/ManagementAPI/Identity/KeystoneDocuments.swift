import ControlPlane
import GatewayModel
import WireContract

/// Documents of Keystone v3, as far as clients read them.
enum Keystone {
    struct Link: Codable, Sendable { var rel: String, href: String }
    struct Links: Codable, Sendable { var `self`: String }
    struct Named: Codable, Sendable { var id: String, name: String }

    struct MediaType: Codable, Sendable { var base: String, type: String }
    struct Version: Codable, Sendable {
        var id = "v3.14"
        var status = "stable"
        var updated = "2020-04-07T00:00:00Z"
        var links: [Link]
        var mediaTypes = [MediaType(base: "application/json", type: "application/vnd.openstack.identity-v3+json")]

        enum CodingKeys: String, CodingKey {
            case id, status, updated, links
            case mediaTypes = "media-types"
        }
    }
    struct VersionDocument: Codable, Sendable { var version: Version }
    struct VersionList: Codable, Sendable {
        struct Values: Codable, Sendable { var values: [Version] }
        var versions: Values
    }

    struct TokenUser: Codable, Sendable {
        var id: String
        var name: String
        var domain: Named
        var password_expires_at = ""
    }
    struct TokenProject: Codable, Sendable {
        var id: String
        var name: String
        var domain: Named
    }
    struct Endpoint: Codable, Sendable {
        var id: String
        var interface = "public"
        var region: String
        var region_id: String
        var url: String
    }
    struct Service: Codable, Sendable {
        var type: String
        var name: String
        var id: String
        var endpoints: [Endpoint]
    }
    struct Token: Codable, Sendable {
        var methods: [String]
        var expires_at: String
        var issued_at: String
        var user: TokenUser
        var project: TokenProject?
        var domain: Named?
        var roles: [Named]?
        var catalog: [Service]?
    }
    struct TokenDocument: Codable, Sendable { var token: Token }

    struct Project: Codable, Sendable {
        var id: String
        var name: String
        var domain_id: String
        var parent_id: String
        var is_domain = false
        var enabled = true
        var description = ""
        var links: Links
    }
    struct ProjectList: Codable, Sendable { var projects: [Project], links: Links }
    struct ProjectDocument: Codable, Sendable { var project: Project }
    struct Domain: Codable, Sendable {
        var id: String
        var name: String
        var enabled = true
        var description = ""
        var links: Links
    }
    struct DomainList: Codable, Sendable { var domains: [Domain], links: Links }
    struct Catalog: Codable, Sendable { var catalog: [Service], links: Links }

    struct Failure: Codable, Sendable {
        struct Body: Codable, Sendable { var code: Int, message: String, title: String }
        var error: Body
    }
}

/// What a login sends.
struct LogInRequest: Decodable, Sendable {
    struct Reference: Decodable, Sendable { var id: String?, name: String? }
    struct User: Decodable, Sendable { var id: String?, name: String?, password: String?, domain: Reference? }
    struct Password: Decodable, Sendable { var user: User? }
    struct Token: Decodable, Sendable { var id: String? }
    struct Identity: Decodable, Sendable { var methods: [String]?, password: Password?, token: Token? }
    struct ProjectScope: Decodable, Sendable { var id: String?, name: String?, domain: Reference? }
    struct Scope: Decodable, Sendable {
        var project: ProjectScope?
        var domain: Reference?

        enum CodingKeys: String, CodingKey { case project, domain }

        init(from decoder: any Decoder) throws {
            // `"scope": "unscoped"` asks for no scope by name.
            if let word = try? decoder.singleValueContainer().decode(String.self), word == "unscoped" { return }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            project = try values.decodeIfPresent(ProjectScope.self, forKey: .project)
            domain = try values.decodeIfPresent(Reference.self, forKey: .domain)
        }
    }
    struct Auth: Decodable, Sendable { var identity: Identity?, scope: Scope? }

    var auth: Auth?
}
