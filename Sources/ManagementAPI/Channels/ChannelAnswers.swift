import ControlPlane
import GatewayModel
import WireContract

/// Channels in answers.
enum ChannelAnswers {
    /// How moments are written: exactly in the answer of the write that made them, in seconds later
    /// (management-api.md, 1.7).
    enum Reading {
        case written, read

        func creation(_ time: Timestamp) -> String { self == .written ? time.inNanoseconds : time.inSeconds }
        func update(_ time: Timestamp) -> String { self == .written ? time.inNanoseconds : time.inMicroseconds }
    }

    static func detail(_ content: ChannelContent, _ reading: Reading, created: String) -> Wire.ShowDetailsOfVpcChannelV2Response {
        let channel = content.channel
        return Wire.ShowDetailsOfVpcChannelV2Response(
            name: channel.name, port: channel.port, balanceStrategy: channel.strategy.rawValue,
            memberType: channel.memberType.rawValue, type: channel.type.rawValue, dictCode: channel.dictCode, createTime: created,
            id: channel.id, status: 1, memberGroups: content.groups.map { group($0, reading) },
            microserviceInfo: microservice(channel), members: content.memberViews.map { member($0, reading) },
            vpcHealthConfig: channel.healthCheck.map { healthCheck($0, of: channel) })
    }

    static func element(_ content: ChannelContent) -> Wire.VpcChannelInfo {
        let channel = content.channel
        return Wire.VpcChannelInfo(
            name: channel.name, port: channel.port, balanceStrategy: channel.strategy.rawValue,
            memberType: channel.memberType.rawValue, type: channel.type.rawValue, dictCode: given(channel.dictCode),
            createTime: channel.createdAt.inSeconds, id: channel.id, status: 1,
            memberGroups: content.groups.map { group($0, .read) }, microserviceInfo: microservice(channel))
    }

    static func project(_ found: ProjectChannel, _ reading: Reading, showsMembers: Bool) -> Wire.ProjectVpcChannelInfo {
        let content = found.content
        let channel = content.channel
        return Wire.ProjectVpcChannelInfo(
            name: channel.name, port: channel.port, balanceStrategy: channel.strategy.rawValue,
            memberType: channel.memberType.rawValue, type: channel.type == .server ? "BUILTIN" : "MICROSERVICE",
            dictCode: given(channel.dictCode), createTime: reading.creation(channel.createdAt), id: channel.id, status: 1,
            memberGroups: content.groups.map { group($0, reading) }, instanceId: channel.instanceID, instanceName: found.instanceName,
            members: showsMembers ? content.memberViews.map { member($0, reading) } : nil,
            vpcHealthConfig: channel.healthCheck.map { healthCheck($0, of: channel) }, microserviceInfo: microservice(channel))
    }

    static func group(_ group: MemberGroup, _ reading: Reading) -> Wire.MemberGroupInfo {
        Wire.MemberGroupInfo(
            memberGroupName: group.name, memberGroupRemark: group.remark, memberGroupWeight: group.weight,
            dictCode: given(group.dictCode), microserviceVersion: group.microserviceVersion, microservicePort: group.microservicePort,
            microserviceLabels: labels(group), memberGroupId: group.id, createTime: reading.creation(group.createdAt),
            updateTime: reading.update(group.updatedAt))
    }

    static func groupDetail(
        _ group: MemberGroup, _ reading: Reading, created: String
    ) -> Wire.ShowDetailsOfMemberGroupResponse {
        Wire.ShowDetailsOfMemberGroupResponse(
            memberGroupName: group.name, memberGroupRemark: group.remark, memberGroupWeight: group.weight, dictCode: group.dictCode,
            microserviceVersion: group.microserviceVersion, microservicePort: group.microservicePort, microserviceLabels: labels(group),
            memberGroupId: group.id, createTime: created, updateTime: reading.update(group.updatedAt))
    }

    private static func labels(_ group: MemberGroup) -> [Wire.MicroserviceLabel] {
        group.microserviceLabels.map { Wire.MicroserviceLabel(labelName: $0.name, labelValue: $0.value) }
    }

    static func member(_ view: MemberView, _ reading: Reading) -> Wire.VpcMemberInfo {
        let member = view.member
        return Wire.VpcMemberInfo(
            host: member.host, weight: member.weight, isBackup: member.isBackup, memberGroupName: view.groupName,
            status: member.isEnabled ? 1 : 2, port: view.port, ecsId: member.ecsID, ecsName: member.ecsName, id: member.id,
            vpcChannelId: member.channelID, createTime: reading.creation(member.createdAt), memberGroupId: member.groupID)
    }

    static func members(_ views: [MemberView], total: Int, _ reading: Reading) -> Wire.ListBackendInstancesV2Response {
        Wire.ListBackendInstancesV2Response(size: views.count, total: total, members: views.map { member($0, reading) })
    }

    static func healthCheck(_ check: HealthCheck, of channel: VPCChannel) -> Wire.VpcHealthConfigInfo {
        Wire.VpcHealthConfigInfo(
            // The contract's enumeration knows capitals alone; the answer of the write itself repeats what was sent.
            protocol: check.protocolName.uppercased(), path: check.path, method: check.method, port: check.port,
            thresholdNormal: check.thresholdNormal, thresholdAbnormal: check.thresholdAbnormal, timeInterval: check.timeInterval,
            httpCode: check.httpCode, enableClientSsl: check.enableClientTLS, status: check.isEnabled ? 1 : 2, timeout: check.timeout,
            vpcChannelId: channel.id, id: check.id, createTime: check.createdAt.inSeconds)
    }

    static func healthCheckAnswer(_ check: HealthCheck, channelID: String) -> Wire.UpdateHealthCheckResponse {
        Wire.UpdateHealthCheckResponse(
            protocol: check.protocolName, path: check.path, method: check.method, port: check.port,
            thresholdNormal: check.thresholdNormal, thresholdAbnormal: check.thresholdAbnormal, timeInterval: check.timeInterval,
            httpCode: check.httpCode, enableClientSsl: check.enableClientTLS, status: check.isEnabled ? 1 : 2, timeout: check.timeout,
            vpcChannelId: channelID, id: check.id, createTime: check.createdAt.inSeconds)
    }

    /// A channel of servers has the structure too, with nothing in it.
    private static func microservice(_ channel: VPCChannel) -> Wire.MicroServiceInfo {
        guard let microservice = channel.microservice else { return Wire.MicroServiceInfo(id: "", instanceId: "") }
        return Wire.MicroServiceInfo(
            id: microservice.id, instanceId: channel.instanceID, serviceType: microservice.serviceType,
            cseInfo: microservice.cse.map { Wire.MicroServiceInfoCSE(engineId: $0.engineID, serviceId: $0.serviceID) },
            cceInfo: microservice.cce.map {
                Wire.MicroServiceInfoCCE(
                    clusterId: $0.clusterID, namespace: $0.namespace, workloadType: $0.workloadType, appName: $0.appName,
                    labelKey: $0.labelKey, labelValue: $0.labelValue)
            }, updateTime: microservice.updatedAt.inSeconds, createTime: microservice.createdAt.inSeconds)
    }

    /// Elements of lists leave an empty code out: the contract gives it a least length there.
    private static func given(_ text: String) -> String? { text.isEmpty ? nil : text }
}
