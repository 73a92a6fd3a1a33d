import GatewayModel
import Store

extension Reading {
    func channelContent(_ id: String, of call: Call) throws -> ChannelContent {
        guard let row = try find(VPCChannelRow.self, id: id, of: call) else { throw OperationError.notFound(.vpcChannel, id: id) }
        return try contents(of: [row.channel])[0]
    }

    func checkChannel(_ id: String, of call: Call) throws {
        let found = try sql.first(
            "SELECT 1 AS n FROM vpc_channels WHERE id = ? AND instance_id = ?", [.text(id), .text(call.instanceID)])
        guard found != nil else { throw OperationError.notFound(.vpcChannel, id: id) }
    }

    /// Channels with their groups and members, in two queries.
    func contents(of channels: [VPCChannel]) throws -> [ChannelContent] {
        guard !channels.isEmpty else { return [] }
        var groups: [String: [MemberGroup]] = [:]
        var members: [String: [ChannelMember]] = [:]
        // Bounded, because databases bound the number of parameters of a statement.
        for start in stride(from: 0, to: channels.count, by: 500) {
            var own = Condition()
            own.isIn("channel_id", channels[start..<min(start + 500, channels.count)].map(\.id))
            for row in try sql.all(MemberGroupRow.self, where: own, order: "created_at, id") {
                groups[row.group.channelID, default: []].append(row.group)
            }
            for member in try sql.all(ChannelMember.self, where: own, order: "created_at, position, id") {
                members[member.channelID, default: []].append(member)
            }
        }
        return channels.map { ChannelContent(channel: $0, groups: groups[$0.id] ?? [], members: members[$0.id] ?? []) }
    }
}

extension Writing {
    /// Checks and stores what a write made of a channel; records each object that changed, and has the gateway take it over.
    ///
    /// - Parameter before: nil for a new channel.
    func save(_ after: ChannelContent, before: ChannelContent?, quotas: Quotas) throws {
        try check(after, before: before, quotas: quotas)
        let instance = after.channel.instanceID
        if let before {
            if before.channel != after.channel {
                try sql.update(VPCChannelRow(after.channel))
                try record(.vpcChannel, id: after.channel.id, before: before.channel, after: after.channel, instanceID: instance)
            }
        } else {
            try sql.insert(VPCChannelRow(after.channel))
            try record(.vpcChannel, id: after.channel.id, before: nil, after: after.channel, instanceID: instance)
        }
        let members = Set(after.members.map(\.id))
        for member in before?.members ?? [] where !members.contains(member.id) {
            try sql.delete(ChannelMember.self, key: member.id)
            try record(.member, id: member.id, before: member, after: nil, instanceID: instance)
        }
        let groups = Set(after.groups.map(\.id))
        for group in before?.groups ?? [] where !groups.contains(group.id) {
            try sql.delete(MemberGroupRow.self, key: group.id)
            try record(.memberGroup, id: group.id, before: group, after: nil, instanceID: instance)
        }
        let oldGroups = Dictionary(uniqueKeysWithValues: (before?.groups ?? []).map { ($0.id, $0) })
        for group in after.groups where oldGroups[group.id] != group {
            let old = oldGroups[group.id]
            if old == nil { try sql.insert(MemberGroupRow(group)) } else { try sql.update(MemberGroupRow(group)) }
            try record(.memberGroup, id: group.id, before: old, after: group, instanceID: instance)
        }
        let oldMembers = Dictionary(uniqueKeysWithValues: (before?.members ?? []).map { ($0.id, $0) })
        for member in after.members where oldMembers[member.id] != member {
            let old = oldMembers[member.id]
            if old == nil { try sql.insert(member) } else { try sql.update(member) }
            try record(.member, id: member.id, before: old, after: member, instanceID: instance)
        }
        touch(.channel(after.channel.id))
    }

    /// Removes a channel with its groups and members; that nothing refers to it has been checked.
    func remove(_ content: ChannelContent) throws {
        let instance = content.channel.instanceID
        for member in content.members { try record(.member, id: member.id, before: member, after: nil, instanceID: instance) }
        for group in content.groups { try record(.memberGroup, id: group.id, before: group, after: nil, instanceID: instance) }
        try sql.delete(VPCChannelRow.self, key: content.channel.id)
        try record(.vpcChannel, id: content.channel.id, before: content.channel, after: nil, instanceID: instance)
        touch(.channel(content.channel.id))
    }

    private func check(_ after: ChannelContent, before: ChannelContent?, quotas: Quotas) throws {
        do {
            try ChannelRules.check(after.channel)
            for group in after.groups { try ChannelRules.check(group) }
            for member in after.members { try ChannelRules.check(member, type: after.channel.memberType) }
        } catch {
            throw OperationError.invalid(field: error.field)
        }
        guard after.groups.count <= ChannelRules.maxGroups else { throw OperationError.invalid(field: "member_groups") }
        let name = try sql.first(
            "SELECT id FROM vpc_channels WHERE instance_id = ? AND name = ?",
            [.text(after.channel.instanceID), .text(after.channel.name)])
        if let name, try name.text("id") != after.channel.id { throw OperationError.taken(.vpcChannel, name: after.channel.name) }
        if before == nil {
            try checkQuota(
                .vpcChannel,
                count: sql.count(
                    "SELECT COUNT(*) AS n FROM vpc_channels WHERE instance_id = ?", [.text(after.channel.instanceID)]),
                limit: quotas.vpcChannels)
        }
        if after.members.count > max(quotas.membersPerChannel, before?.members.count ?? 0) {
            throw OperationError.quotaExceeded(.member, limit: quotas.membersPerChannel)
        }
    }

    // MARK: Who refers to channels

    func storeChannels(_ ids: [String], ofAPI apiID: String) throws {
        try sql.execute("DELETE FROM api_channels WHERE api_id = ?", [.text(apiID)])
        for id in ids { try sql.execute("INSERT INTO api_channels (api_id, channel_id) VALUES (?, ?)", [.text(apiID), .text(id)]) }
    }

    /// - Throws: ``OperationError/notFound(_:id:)`` for a channel that a version named and that is gone.
    func storeChannels(_ ids: [String], of publication: Publication) throws {
        try sql.execute("DELETE FROM publication_channels WHERE publication_id = ?", [.text(publication.id)])
        for id in ids {
            guard try sql.find(VPCChannelRow.self, key: id)?.channel.instanceID == publication.instanceID else {
                throw OperationError.notFound(.vpcChannel, id: id)
            }
            try sql.execute(
                "INSERT INTO publication_channels (publication_id, channel_id) VALUES (?, ?)", [.text(publication.id), .text(id)])
        }
    }

    func storeChannels(of plugin: Plugin) throws {
        try sql.execute("DELETE FROM plugin_channels WHERE plugin_id = ?", [.text(plugin.id)])
        for id in (try? PluginContent(parsing: plugin.content, type: plugin.type))?.channelIDs ?? [] {
            guard try sql.find(VPCChannelRow.self, key: id)?.channel.instanceID == plugin.instanceID else {
                throw OperationError.notFound(.vpcChannel, id: id)
            }
            try sql.execute("INSERT INTO plugin_channels (plugin_id, channel_id) VALUES (?, ?)", [.text(plugin.id), .text(id)])
        }
    }

    /// - Throws: ``OperationError/conflict(_:)`` while an API or a plug-in sends requests to the channel.
    func checkUnused(channelID id: String) throws {
        let apis = try sql.count("SELECT COUNT(*) AS n FROM api_channels WHERE channel_id = ?", [.text(id)])
        let versions = try sql.count("SELECT COUNT(*) AS n FROM publication_channels WHERE channel_id = ?", [.text(id)])
        guard apis == 0, versions == 0 else { throw OperationError.conflict(.channelServesAPIs) }
        let plugins = try sql.query(
            "SELECT p.plugin_type AS t FROM plugin_channels c JOIN plugins p ON p.id = c.plugin_id WHERE c.channel_id = ?", [.text(id)])
        guard !plugins.isEmpty else { return }
        let types = try plugins.map { try $0.text("t") }
        throw OperationError.conflict(types.contains(PluginType.thirdAuth.rawValue) ? .channelServesThirdAuth : .channelServesPlugin)
    }
}
