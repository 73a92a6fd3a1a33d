import GatewayModel

extension BoundDomain: Record {
    public static let table = "url_domains"
    public static let columns = [
        "id", "instance_id", "group_id", "name", "min_ssl_version", "redirects_to_https", "verifies_clients", "created_at",
        "updated_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(groupID), .text(name), .text(minimumTLS.rawValue), SQLValue(redirectsToHTTPS),
            SQLValue(verifiesClients), .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let version = try row.text("min_ssl_version")
        guard let minimum = TLSVersionName(rawValue: version) else { throw StoreError.malformed("min_ssl_version \(version)") }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), groupID: try row.text("group_id"),
            name: try row.text("name"), minimumTLS: minimum, redirectsToHTTPS: try row.flag("redirects_to_https"),
            verifiesClients: try row.flag("verifies_clients"),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
