import Foundation
import GatewayModel

/// Reads ``PublicationView`` in joins.
extension PublicationView {
    /// Publications `p` with their API `a`, group `g` and environment `e`. The group is the API's present one.
    public static let tables = """
        publications p JOIN apis a ON a.id = p.api_id JOIN api_groups g ON g.id = a.group_id \
        JOIN environments e ON e.instance_id = p.instance_id AND e.id = p.env_id
        """

    /// Columns under names that no other table of a join has.
    public static let columnList = """
        p.id AS view_publish_id, a.id AS view_api_id, a.name AS view_api_name, a.type AS view_type, \
        a.definition AS view_definition, a.req_method AS view_method, a.req_uri AS view_uri, \
        a.req_protocol AS view_protocol, a.auth_type AS view_auth_type, a.match_mode AS view_match_mode, \
        a.roma_app_id AS view_roma_app_id, g.id AS view_group_id, g.name AS view_group_name, e.id AS view_env_id, \
        e.name AS view_env_name
        """

    public init(view row: SQLRow) throws {
        let notes = try JSONDecoder().decode(Notes.self, from: Data(try row.text("view_definition").utf8))
        self.init(
            publicationID: try row.text("view_publish_id"), apiID: try row.text("view_api_id"),
            apiName: try row.text("view_api_name"), apiType: try row.int("view_type"), apiRemark: notes.remark,
            tags: notes.tags, method: try row.text("view_method"), uri: try row.text("view_uri"),
            requestProtocol: try row.text("view_protocol"), authType: try row.text("view_auth_type"),
            matchMode: try row.text("view_match_mode"), romaAppID: try row.text("view_roma_app_id"),
            groupID: try row.text("view_group_id"), groupName: try row.text("view_group_name"),
            environmentID: try row.text("view_env_id"), environmentName: try row.text("view_env_name"))
    }

    /// The part of a definition that lists show.
    private struct Notes: Decodable {
        let remark: String
        let tags: [String]
    }
}
