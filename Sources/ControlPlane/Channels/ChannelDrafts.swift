import GatewayModel

/// What a caller says about a channel. Nil: not said.
public struct ChannelDraft: Sendable {
    public var name: String?
    public var port: Int?
    public var strategy: BalanceStrategy?
    public var memberType: ChannelMemberType?
    public var type: ChannelType?
    public var dictCode: String?
    public var groups: [MemberGroupDraft]?
    public var members: [MemberDraft]?
    public var healthCheck: HealthCheckDraft?
    public var microservice: MicroserviceDraft?

    public init(
        name: String? = nil, port: Int? = nil, strategy: BalanceStrategy? = nil, memberType: ChannelMemberType? = nil,
        type: ChannelType? = nil, dictCode: String? = nil, groups: [MemberGroupDraft]? = nil, members: [MemberDraft]? = nil,
        healthCheck: HealthCheckDraft? = nil, microservice: MicroserviceDraft? = nil
    ) {
        self.name = name
        self.port = port
        self.strategy = strategy
        self.memberType = memberType
        self.type = type
        self.dictCode = dictCode
        self.groups = groups
        self.members = members
        self.healthCheck = healthCheck
        self.microservice = microservice
    }
}

public struct MemberGroupDraft: Sendable {
    public var name: String?
    public var remark: String?
    public var weight: Int?
    public var dictCode: String?
    public var microserviceVersion: String?
    public var microservicePort: Int?
    public var microserviceLabels: [MemberGroup.Label]?

    public init(
        name: String? = nil, remark: String? = nil, weight: Int? = nil, dictCode: String? = nil, microserviceVersion: String? = nil,
        microservicePort: Int? = nil, microserviceLabels: [MemberGroup.Label]? = nil
    ) {
        self.name = name
        self.remark = remark
        self.weight = weight
        self.dictCode = dictCode
        self.microserviceVersion = microserviceVersion
        self.microservicePort = microservicePort
        self.microserviceLabels = microserviceLabels
    }
}

public struct MemberDraft: Sendable {
    public var host: String?
    public var port: Int?
    public var weight: Int?
    public var isBackup: Bool?
    public var isEnabled: Bool?
    /// Empty and nil: no group.
    public var groupName: String?
    public var ecsID: String?
    public var ecsName: String?

    public init(
        host: String? = nil, port: Int? = nil, weight: Int? = nil, isBackup: Bool? = nil, isEnabled: Bool? = nil,
        groupName: String? = nil, ecsID: String? = nil, ecsName: String? = nil
    ) {
        self.host = host
        self.port = port
        self.weight = weight
        self.isBackup = isBackup
        self.isEnabled = isEnabled
        self.groupName = groupName
        self.ecsID = ecsID
        self.ecsName = ecsName
    }
}

public struct HealthCheckDraft: Sendable {
    public var protocolName: String?
    public var path: String?
    public var method: String?
    public var port: Int?
    public var thresholdNormal: Int?
    public var thresholdAbnormal: Int?
    public var timeInterval: Int?
    public var timeout: Int?
    public var httpCode: String?
    public var enableClientTLS: Bool?
    public var isEnabled: Bool?

    public init(
        protocolName: String? = nil, path: String? = nil, method: String? = nil, port: Int? = nil, thresholdNormal: Int? = nil,
        thresholdAbnormal: Int? = nil, timeInterval: Int? = nil, timeout: Int? = nil, httpCode: String? = nil,
        enableClientTLS: Bool? = nil, isEnabled: Bool? = nil
    ) {
        self.protocolName = protocolName
        self.path = path
        self.method = method
        self.port = port
        self.thresholdNormal = thresholdNormal
        self.thresholdAbnormal = thresholdAbnormal
        self.timeInterval = timeInterval
        self.timeout = timeout
        self.httpCode = httpCode
        self.enableClientTLS = enableClientTLS
        self.isEnabled = isEnabled
    }
}

public struct MicroserviceDraft: Sendable {
    /// CSE or CCE.
    public var serviceType: String?
    public var cse: Microservice.CSE?
    public var cce: Microservice.CCE?

    public init(serviceType: String? = nil, cse: Microservice.CSE? = nil, cce: Microservice.CCE? = nil) {
        self.serviceType = serviceType
        self.cse = cse
        self.cce = cce
    }
}

public struct ChannelFilter: Sendable {
    public var id: String?
    public var name: String?
    public var namePrecisely = false
    public var dictCode: String?
    public var memberHost: String?
    /// The port at which a member is reached.
    public var memberPort: Int?
    public var groupName: String?
    public var groupNamePrecisely = false
    public var groupID: String?

    public init() {}
}

public struct MemberFilter: Sendable {
    /// Name of the server.
    public var name: String?
    public var namePrecisely = false
    public var groupName: String?
    public var groupNamePrecisely = false
    public var groupID: String?

    public init() {}
}

public struct MemberGroupFilter: Sendable {
    public var dictCode: String?
    public var name: String?
    public var namePrecisely = false

    public init() {}
}
