import GatewayModel

extension Publication: Record {
    public static let table = "publications"
    public static let columns = [
        "id", "api_id", "instance_id", "env_id", "version_id", "group_id", "req_method", "path_key", "match_mode",
        "published_at", "domain_name",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(apiID), .text(instanceID), .text(environmentID), SQLValue(versionID), .text(groupID),
            .text(claim.method.rawValue), .text(claim.pathKey), .text(claim.matchMode.rawValue),
            .integer(publishedAt.nanoseconds), .text(domainName),
        ]
    }

    public init(row: SQLRow) throws {
        let method = try row.text("req_method")
        let mode = try row.text("match_mode")
        guard let method = HTTPMethod(rawValue: method), let mode = PathMatchMode(rawValue: mode) else {
            throw StoreError.malformed("publication \(method) \(mode)")
        }
        self.init(
            id: try row.text("id"), apiID: try row.text("api_id"), instanceID: try row.text("instance_id"),
            environmentID: try row.text("env_id"), versionID: try row.optionalText("version_id"),
            groupID: try row.text("group_id"),
            claim: RequestClaim(method: method, pathKey: try row.text("path_key"), matchMode: mode),
            publishedAt: Timestamp(nanoseconds: try row.integer("published_at")), domainName: try row.text("domain_name"))
    }
}

/// Table `api_versions`.
public struct APIVersionRow: Record {
    public static let table = "api_versions"
    public static let columns = [
        "id", "publication_id", "api_id", "version_no", "definition", "remark", "published_at",
    ]
    public let version: APIVersion
    private let json: String

    public init(_ version: APIVersion) throws(StoreError) {
        self.version = version
        json = try DefinitionJSON.text(version.definition)
    }

    public var values: [SQLValue] {
        [
            .text(version.id), .text(version.publicationID), .text(version.apiID), .text(version.number), .text(json),
            .text(version.remark), .integer(version.publishedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        json = try row.text("definition")
        version = APIVersion(
            id: try row.text("id"), publicationID: try row.text("publication_id"), apiID: try row.text("api_id"),
            number: try row.text("version_no"), definition: try DefinitionJSON.definition(json),
            remark: try row.text("remark"), publishedAt: Timestamp(nanoseconds: try row.integer("published_at")))
    }
}
