/// A load-balance channel ("VPC channel"): backends under one name (management-api.md, 3.19; gateway-runtime.md, 4.2).
public struct VPCChannel: Codable, Sendable, Equatable {
    public let id: String
    public let instanceID: String
    public var name: String
    /// 1...65535; for members whose own port is 0.
    public var port: Int
    public var strategy: BalanceStrategy
    public var memberType: ChannelMemberType
    public let type: ChannelType
    public var dictCode: String
    /// Only with type microservice.
    public var microservice: Microservice?
    public var healthCheck: HealthCheck?
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, name: String, port: Int, strategy: BalanceStrategy, memberType: ChannelMemberType,
        type: ChannelType, dictCode: String, microservice: Microservice?, healthCheck: HealthCheck?, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.name = name
        self.port = port
        self.strategy = strategy
        self.memberType = memberType
        self.type = type
        self.dictCode = dictCode
        self.microservice = microservice
        self.healthCheck = healthCheck
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// `balance_strategy`.
public enum BalanceStrategy: Int, Codable, Sendable, CaseIterable {
    case roundRobin = 1
    case leastConnections, sourceHash, uriHash
}

/// `member_type`: how members are named.
public enum ChannelMemberType: String, Codable, Sendable, CaseIterable { case ip, ecs }

/// `type`.
public enum ChannelType: Int, Codable, Sendable, CaseIterable {
    case server = 2
    case microservice = 3
}

/// Where a channel of type microservice has its members from. Registries are not asked: it is kept and shown
/// (management-api.md, 3.20).
public struct Microservice: Codable, Sendable, Equatable {
    public struct CSE: Codable, Sendable, Equatable {
        public var engineID, serviceID: String
        public init(engineID: String, serviceID: String) {
            self.engineID = engineID
            self.serviceID = serviceID
        }
    }

    public struct CCE: Codable, Sendable, Equatable {
        public var clusterID, namespace, workloadType, appName, labelKey, labelValue: String
        public init(
            clusterID: String, namespace: String, workloadType: String, appName: String, labelKey: String, labelValue: String
        ) {
            self.clusterID = clusterID
            self.namespace = namespace
            self.workloadType = workloadType
            self.appName = appName
            self.labelKey = labelKey
            self.labelValue = labelValue
        }
    }

    public let id: String
    /// CSE or CCE.
    public var serviceType: String
    public var cse: CSE?
    public var cce: CCE?
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(id: String, serviceType: String, cse: CSE?, cce: CCE?, createdAt: Timestamp, updatedAt: Timestamp) {
        self.id = id
        self.serviceType = serviceType
        self.cse = cse
        self.cce = cce
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Members of a channel that are weighted and replaced together.
public struct MemberGroup: Codable, Sendable, Equatable {
    public struct Label: Codable, Sendable, Equatable {
        public var name, value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public let id: String
    public let channelID: String
    public var name: String
    public var remark: String
    /// 0...100; copied to its members when given.
    public var weight: Int?
    public var dictCode: String
    public var microserviceVersion: String
    /// 0...65535; with type microservice for members whose own port is 0.
    public var microservicePort: Int
    public var microserviceLabels: [Label]
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, channelID: String, name: String, remark: String, weight: Int?, dictCode: String, microserviceVersion: String,
        microservicePort: Int, microserviceLabels: [Label], createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.channelID = channelID
        self.name = name
        self.remark = remark
        self.weight = weight
        self.dictCode = dictCode
        self.microserviceVersion = microserviceVersion
        self.microservicePort = microservicePort
        self.microserviceLabels = microserviceLabels
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// One server of a channel.
public struct ChannelMember: Codable, Sendable, Equatable {
    public let id: String
    public let channelID: String
    /// Address or name, without port; lower case.
    public var host: String
    /// 0...65535; 0: the port of the group or channel.
    public var port: Int
    /// 0...10000; 0: gets no traffic.
    public var weight: Int
    /// Used only while every other member is down.
    public var isBackup: Bool
    public var isEnabled: Bool
    /// Empty: in no group.
    public var groupID: String
    /// Name of the server; the host itself for members of type ip.
    public var ecsID, ecsName: String
    /// Place among the members that came with the same write.
    public var position: Int
    public let createdAt: Timestamp

    public init(
        id: String, channelID: String, host: String, port: Int, weight: Int, isBackup: Bool, isEnabled: Bool, groupID: String,
        ecsID: String, ecsName: String, position: Int, createdAt: Timestamp
    ) {
        self.id = id
        self.channelID = channelID
        self.host = host
        self.port = port
        self.weight = weight
        self.isBackup = isBackup
        self.isEnabled = isEnabled
        self.groupID = groupID
        self.ecsID = ecsID
        self.ecsName = ecsName
        self.position = position
        self.createdAt = createdAt
    }
}

/// A channel with everything in it.
public struct ChannelContent: Sendable, Equatable {
    public var channel: VPCChannel
    /// In the order in which they came.
    public var groups: [MemberGroup]
    public var members: [ChannelMember]

    public init(channel: VPCChannel, groups: [MemberGroup], members: [ChannelMember]) {
        self.channel = channel
        self.groups = groups
        self.members = members
    }

    public func group(of member: ChannelMember) -> MemberGroup? {
        member.groupID.isEmpty ? nil : groups.first { $0.id == member.groupID }
    }

    /// The port at which the member is reached: its own, its group's in a channel of type microservice, the channel's.
    public func port(of member: ChannelMember) -> Int {
        if member.port != 0 { return member.port }
        if channel.type == .microservice, let port = group(of: member)?.microservicePort, port != 0 { return port }
        return channel.port
    }
}
