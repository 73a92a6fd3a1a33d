import GatewayModel
import Store

extension ControlPlane {
    /// Makes a channel with its groups and members.
    ///
    /// - Throws: ``OperationError``: a mandatory field missing, a field that breaks its rule, a member of an unknown group, name
    ///   taken, quota of channels or of members.
    public func createChannel(_ call: Call, _ draft: ChannelDraft) async throws -> Written<ChannelContent> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let made = try ChannelEditing.make(draft, instanceID: call.instanceID, now: w.now, newID: w.newID).content
            try w.save(made, before: nil, quotas: quotas)
            return made
        }
    }

    /// Changes what the draft names. Groups are replaced as a whole when given, and so are members unless the list is empty.
    ///
    /// - Parameter emptyMembersRemove: an empty list of members removes all, as APIG clients expect.
    /// - Throws: ``OperationError``: as for creating; unknown channel; another name while feature `vpc_name_modifiable` is off.
    public func updateChannel(
        _ call: Call, id: String, _ draft: ChannelDraft, emptyMembersRemove: Bool
    ) async throws -> Written<ChannelContent> {
        try await edit(call, id) { w, editing in
            if let name = draft.name, name != editing.content.channel.name, try !w.isOn(.vpcNameModifiable, of: call) {
                throw OperationError.conflict(.featureNotSupported)
            }
            try editing.change(draft, emptyMembersRemove: emptyMembersRemove)
            return editing.content
        }
    }

    /// - Throws: ``OperationError``: unknown channel; an API or a plug-in names it.
    public func deleteChannel(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let content = try w.channelContent(id, of: call)
            try w.checkUnused(channelID: id)
            try w.remove(content)
        }
    }

    public func channel(_ call: Call, id: String) async throws -> ChannelContent {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.channelContent(id, of: call)
        }
    }

    /// Newest first; with groups and members.
    public func channels(_ call: Call, _ filter: ChannelFilter, page: Page) async throws -> Listing<ChannelContent> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.and("c.instance_id = ?", .text(call.instanceID))
            filter.apply(to: &condition)
            return try r.channels(where: condition, page: page)
        }
    }

    /// Sets the health check of a channel; what the draft leaves out of an existing one stays.
    ///
    /// - Throws: ``OperationError``: unknown channel; a mandatory field missing; a field that breaks its rule.
    public func setHealthCheck(_ call: Call, channelID: String, _ draft: HealthCheckDraft) async throws -> Written<HealthCheck> {
        try await edit(call, channelID) { _, editing in
            try editing.set(draft, keepsOthers: true)
            guard let check = editing.content.channel.healthCheck else { throw OperationError.missing(field: "protocol") }
            return check
        }
    }

    /// One write on a channel: load, change, check, store.
    func edit<Result: Sendable>(
        _ call: Call, _ id: String, _ body: @escaping @Sendable (Writing, inout ChannelEditing) throws -> Result
    ) async throws -> Written<Result> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.channelContent(id, of: call)
            var editing = ChannelEditing(content: before, now: w.now, newID: w.newID)
            let result = try body(w, &editing)
            if editing.content != before {
                // Groups and members are shown with their channel: its entity tag changes with them.
                editing.content.channel.updatedAt = w.now
                try w.save(editing.content, before: before, quotas: quotas)
            }
            return result
        }
    }
}

extension Reading {
    func channels(where condition: Condition, page: Page) throws -> Listing<ChannelContent> {
        let found = try sql.page(
            VPCChannelRow.columnList("c"), from: "vpc_channels c", where: condition, order: "c.created_at DESC, c.id", page: page
        ) { try VPCChannelRow(row: $0).channel }
        return Listing(total: found.total, items: try contents(of: found.items))
    }
}

extension ChannelFilter {
    /// For table `vpc_channels c`.
    func apply(to condition: inout Condition) {
        condition.equal("c.id", id)
        condition.matches("c.name", name, exactly: namePrecisely)
        condition.equal("c.dict_code", dictCode)
        if let host = memberHost, !host.isEmpty {
            condition.and(
                "EXISTS (SELECT 1 FROM channel_members m WHERE m.channel_id = c.id AND m.host = ?)", .text(host.lowercased()))
        }
        if let port = memberPort {
            condition.and(
                """
                EXISTS (SELECT 1 FROM channel_members m LEFT JOIN member_groups mg ON mg.id = m.group_id
                  WHERE m.channel_id = c.id AND ? = CASE WHEN m.port <> 0 THEN m.port
                    WHEN c.type = 3 AND mg.microservice_port <> 0 THEN mg.microservice_port ELSE c.port END)
                """, SQLValue(port))
        }
        var group = Condition()
        group.matches("g.name", groupName, exactly: groupNamePrecisely)
        if let clause = group.clauses.first {
            condition.and(
                "EXISTS (SELECT 1 FROM member_groups g WHERE g.channel_id = c.id AND \(clause))", group.arguments[0])
        }
        if let groupID, !groupID.isEmpty {
            condition.and("EXISTS (SELECT 1 FROM member_groups g WHERE g.channel_id = c.id AND g.id = ?)", .text(groupID))
        }
    }
}
