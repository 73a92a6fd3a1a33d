import GatewayModel

extension Instance: Record {
    public static let table = "instances"
    public static let columns = ["id", "project_id", "name", "description", "profile", "created_at", "updated_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(projectID), .text(name), .text(description), .text(JSONText.write(profile)),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), projectID: try row.text("project_id"), name: try row.text("name"),
            description: try row.text("description"),
            profile: try JSONText.read(InstanceProfile.self, row.text("profile"), column: "profile"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}

/// A tag as a row.
public struct InstanceTagRow: Record, Sendable, Equatable {
    public static let table = "instance_tags"
    public static let columns = ["instance_id", "tag_key", "tag_value"]
    public static let keyLength = 2

    public let instanceID: String
    public let tag: InstanceTag

    public init(instanceID: String, tag: InstanceTag) {
        self.instanceID = instanceID
        self.tag = tag
    }

    public var values: [SQLValue] { [.text(instanceID), .text(tag.key), .text(tag.value)] }

    public init(row: SQLRow) throws {
        self.init(
            instanceID: try row.text("instance_id"),
            tag: InstanceTag(key: try row.text("tag_key"), value: try row.text("tag_value")))
    }
}

extension Feature: Record {
    public static let table = "features"
    public static let columns = ["instance_id", "name", "id", "enabled", "config", "updated_at"]
    public static let keyLength = 2

    public var values: [SQLValue] {
        [
            .text(instanceID), .text(name), .text(id), SQLValue(enabled), .text(config), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            enabled: try row.flag("enabled"), config: try row.text("config"),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
