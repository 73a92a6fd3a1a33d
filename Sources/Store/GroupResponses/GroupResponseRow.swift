import Foundation
import GatewayModel

/// Table `group_responses`; the changed types are JSON.
public struct GroupResponseRow: Record {
    public static let table = "group_responses"
    public static let columns = ["id", "instance_id", "group_id", "name", "is_default", "entries", "created_at", "updated_at"]
    public let response: GroupResponse
    private let entries: String

    public init(_ response: GroupResponse) throws {
        self.response = response
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        entries = String(decoding: try encoder.encode(response.entries), as: UTF8.self)
    }

    public var values: [SQLValue] {
        [
            .text(response.id), .text(response.instanceID), .text(response.groupID), .text(response.name),
            SQLValue(response.isDefault), .text(entries), .integer(response.createdAt.nanoseconds),
            .integer(response.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        entries = try row.text("entries")
        response = GroupResponse(
            id: try row.text("id"), instanceID: try row.text("instance_id"), groupID: try row.text("group_id"),
            name: try row.text("name"), isDefault: try row.flag("is_default"),
            entries: try JSONDecoder().decode([GroupResponseType: GroupResponseEntry].self, from: Data(entries.utf8)),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
