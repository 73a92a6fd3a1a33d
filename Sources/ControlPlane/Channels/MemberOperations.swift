import GatewayModel
import Store

/// A member with what answers join to it.
public struct MemberView: Sendable, Equatable {
    public let member: ChannelMember
    /// Empty: in no group.
    public let groupName: String
    /// At which it is reached.
    public let port: Int

    init(_ member: ChannelMember, in content: ChannelContent) {
        self.member = member
        groupName = content.group(of: member)?.name ?? ""
        port = content.port(of: member)
    }
}

extension ChannelContent {
    public var memberViews: [MemberView] { members.map { MemberView($0, in: self) } }

    fileprivate func views(_ ids: [String]) -> [MemberView] {
        ids.compactMap { id in members.first { $0.id == id }.map { MemberView($0, in: self) } }
    }
}

extension ControlPlane {
    // MARK: Members

    /// Adds members, and changes those whose address is there already.
    ///
    /// - Returns: the members of the request, in its order, each once.
    /// - Throws: ``OperationError``: unknown channel or group, a field that breaks its rule, quota of members.
    public func addMembers(_ call: Call, channelID: String, _ drafts: [MemberDraft]) async throws -> Written<[MemberView]> {
        try await edit(call, channelID) { _, editing in
            let ids = try editing.upsert(members: drafts)
            return editing.content.views(ids)
        }
    }

    /// Makes the drafts the members of one group, or of the whole channel; who is not among them is removed.
    ///
    /// - Returns: the members of the group or channel.
    public func replaceMembers(
        _ call: Call, channelID: String, groupName: String?, _ drafts: [MemberDraft]
    ) async throws -> Written<[MemberView]> {
        try await edit(call, channelID) { _, editing in
            try editing.replace(members: drafts, inGroup: groupName)
            let views = editing.content.memberViews
            guard let groupName, !groupName.isEmpty else { return views }
            return views.filter { $0.groupName == groupName }
        }
    }

    /// - Throws: ``OperationError``: unknown channel or member.
    public func deleteMember(_ call: Call, channelID: String, id: String) async throws -> Written<Void> {
        try await edit(call, channelID) { _, editing in
            guard let index = editing.content.members.firstIndex(where: { $0.id == id }) else {
                throw OperationError.notFound(.member, id: id)
            }
            editing.content.members.remove(at: index)
        }
    }

    /// Switches members on or off; an id that names none is left aside.
    ///
    /// - Throws: ``OperationError``: unknown channel; an id that cannot be one.
    public func enableMembers(_ call: Call, channelID: String, ids: [String], _ isEnabled: Bool) async throws -> Written<Void> {
        try await edit(call, channelID) { _, editing in
            for id in ids { try Writing.checkForm(ofID: id, field: "member_ids") }
            let wanted = Set(ids)
            for index in editing.content.members.indices where wanted.contains(editing.content.members[index].id) {
                editing.content.members[index].isEnabled = isEnabled
            }
        }
    }

    /// Newest first; those of one write in the order in which it named them.
    public func members(_ call: Call, channelID: String, _ filter: MemberFilter, page: Page) async throws -> Listing<MemberView> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkChannel(channelID, of: call)
            guard let channel = try r.sql.find(VPCChannelRow.self, key: channelID)?.channel else {
                throw OperationError.notFound(.vpcChannel, id: channelID)
            }
            var condition = Condition()
            condition.and("m.channel_id = ?", .text(channelID))
            condition.matches("m.ecs_name", filter.name, exactly: filter.namePrecisely)
            condition.matches("g.name", filter.groupName, exactly: filter.groupNamePrecisely)
            condition.equal("m.group_id", filter.groupID)
            let found = try r.sql.page(
                ChannelMember.columnList("m"), from: "channel_members m LEFT JOIN member_groups g ON g.id = m.group_id",
                where: condition, order: "m.created_at DESC, m.position, m.id", page: page
            ) { try ChannelMember(row: $0) }
            var own = Condition()
            own.isIn("id", Array(Set(found.items.map(\.groupID))))
            let groups = try r.sql.all(MemberGroupRow.self, where: own).map(\.group)
            let content = ChannelContent(channel: channel, groups: groups, members: found.items)
            return Listing(total: found.total, items: content.memberViews)
        }
    }

    // MARK: Groups

    /// Adds groups, and changes those whose names are there already.
    ///
    /// - Returns: the groups of the request, in its order, each once.
    public func addMemberGroups(_ call: Call, channelID: String, _ drafts: [MemberGroupDraft]) async throws -> Written<[MemberGroup]> {
        try await edit(call, channelID) { _, editing in
            let ids = try editing.upsert(groups: drafts)
            return ids.compactMap { id in editing.content.groups.first { $0.id == id } }
        }
    }

    /// - Throws: ``OperationError``: unknown channel or group, name taken in the channel.
    public func updateMemberGroup(
        _ call: Call, channelID: String, id: String, _ draft: MemberGroupDraft
    ) async throws -> Written<MemberGroup> {
        try await edit(call, channelID) { _, editing in
            try editing.change(groupID: id, draft)
            guard let group = editing.content.groups.first(where: { $0.id == id }) else {
                throw OperationError.notFound(.memberGroup, id: id)
            }
            return group
        }
    }

    /// Removes a group with its members.
    ///
    /// - Throws: ``OperationError``: unknown channel or group.
    public func deleteMemberGroup(_ call: Call, channelID: String, id: String) async throws -> Written<Void> {
        try await edit(call, channelID) { _, editing in
            guard editing.content.groups.contains(where: { $0.id == id }) else { throw OperationError.notFound(.memberGroup, id: id) }
            editing.remove(groupID: id)
        }
    }

    /// - Throws: ``OperationError``: unknown channel or group.
    public func memberGroup(_ call: Call, channelID: String, id: String) async throws -> MemberGroup {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkChannel(channelID, of: call)
            guard let group = try r.sql.find(MemberGroupRow.self, key: id)?.group, group.channelID == channelID else {
                throw OperationError.notFound(.memberGroup, id: id)
            }
            return group
        }
    }

    /// Newest first.
    public func memberGroups(
        _ call: Call, channelID: String, _ filter: MemberGroupFilter, page: Page
    ) async throws -> Listing<MemberGroup> {
        try await read { r in
            try r.checkInstance(of: call)
            try r.checkChannel(channelID, of: call)
            var condition = Condition()
            condition.and("channel_id = ?", .text(channelID))
            condition.equal("dict_code", filter.dictCode)
            condition.matches("name", filter.name, exactly: filter.namePrecisely)
            return try r.sql.page(MemberGroupRow.self, where: condition, order: "created_at DESC, id", page: page).map(\.group)
        }
    }
}
