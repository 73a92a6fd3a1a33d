import ControlPlane
import GatewayModel
import WireContract

/// Bodies about channels -> what the control plane is told.
enum ChannelMapping {
    static func draft(_ body: Wire.VpcCreate) throws -> ChannelDraft {
        ChannelDraft(
            name: body.name, port: body.port, strategy: try word(body.balanceStrategy, "balance_strategy"),
            memberType: try WireWord.read(body.memberType, field: "member_type"), type: try word(body.type, "type"),
            dictCode: body.dictCode, groups: body.memberGroups?.map(group), members: body.members?.map(member),
            healthCheck: body.vpcHealthConfig.map(healthCheck), microservice: body.microserviceInfo.flatMap(microservice))
    }

    static func draft(_ body: Wire.ProjectVpcCreate) throws -> ChannelDraft {
        ChannelDraft(
            name: body.name, port: body.port, strategy: try word(body.balanceStrategy, "balance_strategy"),
            memberType: try WireWord.read(body.memberType, field: "member_type"), type: try word(body.type, "type"),
            dictCode: body.dictCode, groups: body.memberGroups?.map(group), members: body.members?.map(member),
            healthCheck: body.vpcHealthConfig.map(healthCheck), microservice: body.microserviceInfo.flatMap(microservice))
    }

    /// The contract's list has been checked before.
    private static func word<Word: RawRepresentable<Int>>(_ number: Int?, _ field: String) throws -> Word? {
        guard let number else { return nil }
        guard let word = Word(rawValue: number) else { throw OperationError.invalid(field: field) }
        return word
    }

    static func group(_ wire: Wire.MemberGroupCreate) -> MemberGroupDraft {
        MemberGroupDraft(
            name: wire.memberGroupName, remark: wire.memberGroupRemark, weight: wire.memberGroupWeight, dictCode: wire.dictCode,
            microserviceVersion: wire.microserviceVersion, microservicePort: wire.microservicePort,
            microserviceLabels: wire.microserviceLabels?.map { .init(name: $0.labelName ?? "", value: $0.labelValue ?? "") })
    }

    static func member(_ wire: Wire.MemberInfo) -> MemberDraft {
        MemberDraft(
            host: wire.host, port: wire.port, weight: wire.weight, isBackup: wire.isBackup, isEnabled: wire.status.map { $0 == 1 },
            groupName: wire.memberGroupName, ecsID: wire.ecsId, ecsName: wire.ecsName)
    }

    static func healthCheck(_ wire: Wire.VpcHealthConfig) -> HealthCheckDraft {
        HealthCheckDraft(
            protocolName: wire.protocol, path: wire.path, method: wire.method, port: wire.port, thresholdNormal: wire.thresholdNormal,
            thresholdAbnormal: wire.thresholdAbnormal, timeInterval: wire.timeInterval, timeout: wire.timeout, httpCode: wire.httpCode,
            enableClientTLS: wire.enableClientSsl, isEnabled: wire.status.map { $0 == 1 })
    }

    /// - Returns: nil for a description that says nothing, as clients send it for channels of servers.
    private static func microservice(_ wire: Wire.MicroServiceCreate) -> MicroserviceDraft? {
        if (wire.serviceType ?? "").isEmpty, wire.cseInfo == nil, wire.cceInfo == nil { return nil }
        return MicroserviceDraft(
            serviceType: wire.serviceType,
            cse: wire.cseInfo.map { .init(engineID: $0.engineId ?? "", serviceID: $0.serviceId ?? "") },
            cce: wire.cceInfo.map {
                .init(
                    clusterID: $0.clusterId ?? "", namespace: $0.namespace ?? "", workloadType: $0.workloadType ?? "",
                    appName: $0.appName ?? "", labelKey: $0.labelKey ?? "", labelValue: $0.labelValue ?? "")
            })
    }
}
