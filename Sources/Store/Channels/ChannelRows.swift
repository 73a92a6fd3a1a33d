import Foundation
import GatewayModel

/// Table `vpc_channels`.
public struct VPCChannelRow: Record {
    public static let table = "vpc_channels"
    public static let columns = [
        "id", "instance_id", "name", "port", "balance_strategy", "member_type", "type", "dict_code", "microservice",
        "health_check", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    public let channel: VPCChannel

    public init(_ channel: VPCChannel) throws {
        self.channel = channel
        values = [
            .text(channel.id), .text(channel.instanceID), .text(channel.name), SQLValue(channel.port),
            SQLValue(channel.strategy.rawValue), .text(channel.memberType.rawValue), SQLValue(channel.type.rawValue),
            .text(channel.dictCode), .text(try JSONColumn.text(channel.microservice)), .text(try JSONColumn.text(channel.healthCheck)),
            .integer(channel.createdAt.nanoseconds), .integer(channel.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let strategy = try row.int("balance_strategy")
        let memberType = try row.text("member_type")
        let type = try row.int("type")
        guard let strategy = BalanceStrategy(rawValue: strategy), let memberType = ChannelMemberType(rawValue: memberType),
            let type = ChannelType(rawValue: type)
        else { throw StoreError.malformed("vpc_channels: \(strategy) \(memberType) \(type)") }
        channel = VPCChannel(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"), port: try row.int("port"),
            strategy: strategy, memberType: memberType, type: type, dictCode: try row.text("dict_code"),
            microservice: try JSONColumn.value(try row.text("microservice")),
            healthCheck: try JSONColumn.value(try row.text("health_check")),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }
}

/// Table `member_groups`.
public struct MemberGroupRow: Record {
    public static let table = "member_groups"
    public static let columns = [
        "id", "channel_id", "name", "remark", "weight", "dict_code", "microservice_version", "microservice_port",
        "microservice_labels", "created_at", "updated_at",
    ]
    public let values: [SQLValue]
    public let group: MemberGroup

    public init(_ group: MemberGroup) throws {
        self.group = group
        values = [
            .text(group.id), .text(group.channelID), .text(group.name), .text(group.remark), group.weight.map { SQLValue($0) } ?? .null,
            .text(group.dictCode), .text(group.microserviceVersion), SQLValue(group.microservicePort),
            .text(try JSONColumn.text(group.microserviceLabels)), .integer(group.createdAt.nanoseconds),
            .integer(group.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let weight: Int? = if case .integer(let number) = try row["weight"] { Int(number) } else { nil }
        group = MemberGroup(
            id: try row.text("id"), channelID: try row.text("channel_id"), name: try row.text("name"), remark: try row.text("remark"),
            weight: weight, dictCode: try row.text("dict_code"), microserviceVersion: try row.text("microservice_version"),
            microservicePort: try row.int("microservice_port"),
            microserviceLabels: try JSONColumn.value(try row.text("microservice_labels")) ?? [],
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }
}

/// Table `channel_members`.
extension ChannelMember: Record {
    public static let table = "channel_members"
    public static let columns = [
        "id", "channel_id", "host", "port", "weight", "is_backup", "enabled", "group_id", "ecs_id", "ecs_name", "position",
        "created_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(channelID), .text(host), SQLValue(port), SQLValue(weight), SQLValue(isBackup), SQLValue(isEnabled),
            .text(groupID), .text(ecsID), .text(ecsName), SQLValue(position), .integer(createdAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), channelID: try row.text("channel_id"), host: try row.text("host"), port: try row.int("port"),
            weight: try row.int("weight"), isBackup: try row.flag("is_backup"), isEnabled: try row.flag("enabled"),
            groupID: try row.text("group_id"), ecsID: try row.text("ecs_id"), ecsName: try row.text("ecs_name"),
            position: try row.int("position"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
    }
}

/// A value that belongs to its row alone, as JSON; the empty text for nil.
enum JSONColumn {
    static func text(_ value: (some Encodable)?) throws -> String {
        guard let value else { return "" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_ text: String) throws -> Value? {
        text.isEmpty ? nil : try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
