import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Load-balance channels, their groups and members (management-api.md, 3.19 to 3.21).
    public mutating func addChannels(_ plane: ControlPlane) {
        on(.createVpcChannelV2, body: Wire.VpcCreate.self) { call -> Written<Wire.ShowDetailsOfVpcChannelV2Response> in
            try await plane.createChannel(call.call, ChannelMapping.draft(call.body)).map {
                ChannelAnswers.detail($0, .written, created: $0.channel.createdAt.inNanoseconds)
            }
        }
        on(.updateVpcChannelV2, body: Wire.VpcCreate.self) { call -> Written<Wire.ShowDetailsOfVpcChannelV2Response> in
            try await plane.updateChannel(
                call.call, id: call.id("vpc_channel_id"), ChannelMapping.draft(call.body), emptyMembersRemove: call.alias == .apigw
            ).map { ChannelAnswers.detail($0, .written, created: $0.channel.createdAt.inSeconds) }
        }
        on(.deleteVpcChannelV2) { call -> Written<Void> in
            try await plane.deleteChannel(call.call, id: call.id("vpc_channel_id"))
        }
        on(.showDetailsOfVpcChannelV2) { call -> Wire.ShowDetailsOfVpcChannelV2Response in
            let content = try await plane.channel(call.call, id: call.id("vpc_channel_id"))
            return ChannelAnswers.detail(content, .read, created: content.channel.createdAt.inSeconds)
        }
        on(.listVpcChannelsV2) { call -> Wire.ListVpcChannelsV2Response in
            let list = try await plane.channels(call.call, try call.channelFilter(), page: call.page)
            return Wire.ListVpcChannelsV2Response(
                size: list.items.count, total: list.total, vpcChannels: list.items.map(ChannelAnswers.element))
        }
        on(.updateHealthCheck, body: Wire.VpcHealthConfig.self) { call -> Written<Wire.UpdateHealthCheckResponse> in
            let id = call.id("vpc_channel_id")
            return try await plane.setHealthCheck(call.call, channelID: id, ChannelMapping.healthCheck(call.body)).map {
                ChannelAnswers.healthCheckAnswer($0, channelID: id)
            }
        }
        addMembers(plane)
        addMemberGroups(plane)
        addProjectChannels(plane)
    }

    private mutating func addMembers(_ plane: ControlPlane) {
        on(.addingBackendInstancesV2, body: Wire.VpcMemberCreate.self) { call -> Written<Wire.ListBackendInstancesV2Response> in
            let drafts = (call.body.members ?? []).map(ChannelMapping.member)
            return try await plane.addMembers(call.call, channelID: call.id("vpc_channel_id"), drafts).map {
                ChannelAnswers.members($0, total: $0.count, .written)
            }
        }
        on(.updateBackendInstancesV2, body: Wire.VpcMemberModify.self) { call -> Written<Wire.ListBackendInstancesV2Response> in
            // The contract does not call it mandatory; a replacement by nothing must be said.
            guard let members = call.body.members else { throw OperationError.missing(field: "members") }
            return try await plane.replaceMembers(
                call.call, channelID: call.id("vpc_channel_id"), groupName: call.body.memberGroupName,
                members.map(ChannelMapping.member)
            ).map { ChannelAnswers.members($0, total: $0.count, .written) }
        }
        on(.listBackendInstancesV2) { call -> Wire.ListBackendInstancesV2Response in
            var filter = MemberFilter()
            filter.name = try call.filterName("name")
            filter.namePrecisely = call.query.isPrecise("name")
            filter.groupName = try call.filterName("member_group_name")
            filter.groupNamePrecisely = call.query.isPrecise("member_group_name")
            filter.groupID = try call.filterID("member_group_id")
            let list = try await plane.members(call.call, channelID: call.id("vpc_channel_id"), filter, page: call.page)
            return ChannelAnswers.members(list.items, total: list.total, .read)
        }
        on(.deleteBackendInstanceV2) { call -> Written<Void> in
            try await plane.deleteMember(call.call, channelID: call.id("vpc_channel_id"), id: call.id("member_id"))
        }
        on(.batchEnableMembers, body: Wire.MembersBatchEnableOrDisable.self) { call -> Written<Void> in
            try await plane.enableMembers(
                call.call, channelID: call.id("vpc_channel_id"), ids: try Self.memberIDs(call.body), true)
        }
        on(.batchDisableMembers, body: Wire.MembersBatchEnableOrDisable.self) { call -> Written<Void> in
            try await plane.enableMembers(
                call.call, channelID: call.id("vpc_channel_id"), ids: try Self.memberIDs(call.body), false)
        }
    }

    private static func memberIDs(_ body: Wire.MembersBatchEnableOrDisable) throws -> [String] {
        guard let ids = body.memberIds else { throw OperationError.missing(field: "member_ids") }
        return ids
    }

    private mutating func addMemberGroups(_ plane: ControlPlane) {
        on(.createMemberGroup, body: Wire.MemberGroupCreateBatch.self) { call -> Written<Wire.ListMemberGroupsResponse> in
            guard let groups = call.body.memberGroups else { throw OperationError.missing(field: "member_groups") }
            return try await plane.addMemberGroups(
                call.call, channelID: call.id("vpc_channel_id"), groups.map(ChannelMapping.group)
            ).map { made in
                Wire.ListMemberGroupsResponse(
                    size: made.count, total: made.count, memberGroups: made.map { ChannelAnswers.group($0, .written) })
            }
        }
        on(.updateMemberGroup, body: Wire.MemberGroupCreate.self) { call -> Written<Wire.ShowDetailsOfMemberGroupResponse> in
            try await plane.updateMemberGroup(
                call.call, channelID: call.id("vpc_channel_id"), id: call.id("member_group_id"), ChannelMapping.group(call.body)
            ).map { ChannelAnswers.groupDetail($0, .written, created: $0.createdAt.inSeconds) }
        }
        on(.deleteMemberGroup) { call -> Written<Void> in
            try await plane.deleteMemberGroup(
                call.call, channelID: call.id("vpc_channel_id"), id: call.id("member_group_id"))
        }
        on(.showDetailsOfMemberGroup) { call -> Wire.ShowDetailsOfMemberGroupResponse in
            let group = try await plane.memberGroup(
                call.call, channelID: call.id("vpc_channel_id"), id: call.id("member_group_id"))
            return ChannelAnswers.groupDetail(group, .read, created: group.createdAt.inSeconds)
        }
        on(.listMemberGroups) { call -> Wire.ListMemberGroupsResponse in
            var filter = MemberGroupFilter()
            filter.dictCode = try call.filterName("dict_code")
            filter.name = try call.filterName("member_group_name")
            filter.namePrecisely = call.query.isPrecise("member_group_name")
            let list = try await plane.memberGroups(call.call, channelID: call.id("vpc_channel_id"), filter, page: call.page)
            return Wire.ListMemberGroupsResponse(
                size: list.items.count, total: list.total, memberGroups: list.items.map { ChannelAnswers.group($0, .read) })
        }
    }

    private mutating func addProjectChannels(_ plane: ControlPlane) {
        on(.createProjectVpcChannel, body: Wire.ProjectVpcCreate.self) { call -> Written<Wire.CreateProjectVpcChannelResponse> in
            try await plane.createProjectChannels(
                call.call, instanceIDs: call.body.instanceIds ?? [], ChannelMapping.draft(call.body)
            ).map(Self.projectAnswer)
        }
        on(.updateProjectVpcChannel, body: Wire.ProjectVpcCreate.self) { call -> Written<Wire.CreateProjectVpcChannelResponse> in
            try await plane.updateProjectChannels(
                call.call, instanceIDs: call.body.instanceIds ?? [], ChannelMapping.draft(call.body),
                emptyMembersRemove: call.alias == .apigw
            ).map(Self.projectAnswer)
        }
        on(.createProjectVpcChannelSyncs, body: Wire.ProjectVpcSync.self) { call -> Written<Wire.CreateProjectVpcChannelResponse> in
            try await plane.copyChannel(
                call.call, id: call.body.vpcChannelId ?? "", toInstances: call.body.instanceIds ?? [],
                replaces: call.body.forceSync ?? false
            ).map(Self.projectAnswer)
        }
        on(.listProjectVpcChannelsV2) { call -> Wire.ListProjectVpcChannelsV2Response in
            let showsMembers = call.query.flag("members_return") ?? false
            let list = try await plane.projectChannels(call.call, try call.channelFilter(), page: call.page)
            return Wire.ListProjectVpcChannelsV2Response(
                size: list.items.count, total: list.total,
                projectVpcChannels: list.items.map { ChannelAnswers.project($0, .read, showsMembers: showsMembers) })
        }
    }

    private static func projectAnswer(_ made: [ProjectChannel]) -> Wire.CreateProjectVpcChannelResponse {
        Wire.CreateProjectVpcChannelResponse(
            projectVpcChannels: made.map { ChannelAnswers.project($0, .written, showsMembers: true) })
    }
}

extension OperationCall {
    /// The filters that both lists of channels have.
    fileprivate func channelFilter() throws -> ChannelFilter {
        var filter = ChannelFilter()
        filter.id = try filterID("id")
        filter.name = try filterName("name")
        filter.namePrecisely = head.query.isPrecise("name")
        filter.dictCode = head.query.text("dict_code")
        filter.memberHost = try filterName("member_host")
        filter.memberPort = head.query.integer("member_port")
        filter.groupName = try filterName("member_group_name")
        filter.groupNamePrecisely = head.query.isPrecise("member_group_name")
        filter.groupID = try filterID("member_group_id")
        return filter
    }
}
