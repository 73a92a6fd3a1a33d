import GatewayModel
import Store

/// Filters that lists of published APIs share; all that are given must hold.
public struct PublicationFilter: Sendable {
    public var apiID: String?
    /// Part of the name.
    public var apiName: String?
    public var groupID: String?
    public var environmentID: String?
    public var method: String?
    /// Part of the path.
    public var uri: String?

    public init(
        apiID: String? = nil, apiName: String? = nil, groupID: String? = nil, environmentID: String? = nil,
        method: String? = nil, uri: String? = nil
    ) {
        self.apiID = apiID
        self.apiName = apiName
        self.groupID = groupID
        self.environmentID = environmentID
        self.method = method
        self.uri = uri
    }

    /// For ``PublicationView/tables``.
    func condition(instanceID: String) -> Condition {
        var condition = Condition()
        condition.and("p.instance_id = ?", .text(instanceID))
        condition.equal("a.id", apiID)
        condition.matches("a.name", apiName)
        condition.equal("a.group_id", groupID)
        condition.equal("p.env_id", environmentID)
        condition.equal("a.req_method", method)
        condition.matches("a.req_uri", uri)
        return condition
    }
}

extension Reading {
    /// - Throws: ``OperationError/notFound(_:id:)`` unless the API is in force there.
    func publishedView(_ publicationID: String, of call: Call) throws -> PublicationView {
        let row = try sql.first(
            """
            SELECT \(PublicationView.columnList) FROM \(PublicationView.tables)
            WHERE p.id = ? AND p.instance_id = ? AND p.version_id IS NOT NULL
            """, [.text(publicationID), .text(call.instanceID)])
        guard let row else { throw OperationError.notFound(.publication, id: publicationID) }
        return try PublicationView(view: row)
    }
}
