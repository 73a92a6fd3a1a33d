import GatewayModel

/// A channel while one write changes it: pure, nothing is stored. Upserts and replacements by the rules of
/// management-api.md, 3.19.
struct ChannelEditing {
    var content: ChannelContent
    let now: Timestamp
    let newID: () -> String

    // MARK: The channel itself

    static func make(_ draft: ChannelDraft, instanceID: String, now: Timestamp, newID: @escaping () -> String) throws -> ChannelEditing {
        guard let name = draft.name, !name.isEmpty else { throw OperationError.missing(field: "name") }
        guard let port = draft.port else { throw OperationError.missing(field: "port") }
        guard let strategy = draft.strategy else { throw OperationError.missing(field: "balance_strategy") }
        guard let memberType = draft.memberType else { throw OperationError.missing(field: "member_type") }
        let type = draft.type ?? .server
        if type == .microservice, draft.microservice == nil { throw OperationError.missing(field: "microservice_info") }
        let channel = VPCChannel(
            id: newID(), instanceID: instanceID, name: name, port: port, strategy: strategy, memberType: memberType, type: type,
            dictCode: draft.dictCode ?? "", microservice: nil, healthCheck: nil, createdAt: now, updatedAt: now)
        var editing = ChannelEditing(content: ChannelContent(channel: channel, groups: [], members: []), now: now, newID: newID)
        try editing.setParts(draft)
        if let groups = draft.groups { _ = try editing.upsert(groups: groups) }
        if let members = draft.members { _ = try editing.upsert(members: members) }
        return editing
    }

    /// - Parameter emptyMembersRemove: an empty list of members removes all (APIG) instead of meaning none was given (ROMA).
    mutating func change(_ draft: ChannelDraft, emptyMembersRemove: Bool) throws {
        if let name = draft.name { content.channel.name = name }
        if let port = draft.port { content.channel.port = port }
        if let strategy = draft.strategy { content.channel.strategy = strategy }
        if let memberType = draft.memberType { content.channel.memberType = memberType }
        if let type = draft.type, type != content.channel.type { throw OperationError.invalid(field: "type") }
        if let dictCode = draft.dictCode { content.channel.dictCode = dictCode }
        try setParts(draft)
        if let groups = draft.groups { try replace(groups: groups) }
        if let members = draft.members, !members.isEmpty || emptyMembersRemove { try replace(members: members, inGroup: nil) }
        content.channel.updatedAt = now
    }

    private mutating func setParts(_ draft: ChannelDraft) throws {
        if let microservice = draft.microservice { try set(microservice) }
        if let check = draft.healthCheck { try set(check, keepsOthers: false) }
    }

    private mutating func set(_ draft: MicroserviceDraft) throws {
        guard let serviceType = draft.serviceType, !serviceType.isEmpty else { throw OperationError.missing(field: "service_type") }
        if serviceType == "CSE", draft.cse == nil { throw OperationError.missing(field: "cse_info") }
        if serviceType == "CCE", draft.cce == nil { throw OperationError.missing(field: "cce_info") }
        let old = content.channel.microservice
        content.channel.microservice = Microservice(
            id: old?.id ?? newID(), serviceType: serviceType, cse: serviceType == "CSE" ? draft.cse : nil,
            cce: serviceType == "CCE" ? draft.cce : nil, createdAt: old?.createdAt ?? now, updatedAt: now)
    }

    /// - Parameter keepsOthers: what the draft leaves out stays as it is, where there is a check already.
    mutating func set(_ draft: HealthCheckDraft, keepsOthers: Bool) throws {
        let old = content.channel.healthCheck
        let kept = keepsOthers ? old : nil
        guard let name = draft.protocolName ?? kept?.protocolName else { throw OperationError.missing(field: "protocol") }
        guard let normal = draft.thresholdNormal ?? kept?.thresholdNormal else { throw OperationError.missing(field: "threshold_normal") }
        guard let abnormal = draft.thresholdAbnormal ?? kept?.thresholdAbnormal else {
            throw OperationError.missing(field: "threshold_abnormal")
        }
        guard let interval = draft.timeInterval ?? kept?.timeInterval else { throw OperationError.missing(field: "time_interval") }
        let check = HealthCheck(
            id: old?.id ?? newID(), protocolName: name, path: draft.path ?? kept?.path ?? "",
            method: draft.method ?? kept?.method ?? "GET", port: draft.port ?? kept?.port ?? 0, thresholdNormal: normal,
            thresholdAbnormal: abnormal, timeInterval: interval, timeout: draft.timeout ?? kept?.timeout ?? min(5, max(1, interval - 1)),
            httpCode: draft.httpCode ?? kept?.httpCode ?? "", enableClientTLS: draft.enableClientTLS ?? kept?.enableClientTLS ?? false,
            isEnabled: draft.isEnabled ?? kept?.isEnabled ?? true, createdAt: old?.createdAt ?? now)
        if check.checksHTTP {
            if check.path.isEmpty { throw OperationError.missing(field: "path") }
            if check.httpCode.isEmpty { throw OperationError.missing(field: "http_code") }
        }
        content.channel.healthCheck = check
        content.channel.updatedAt = now
    }

    // MARK: Groups

    /// Adds groups, and changes those whose names are there already; the first of two of one name wins.
    /// - Returns: ids in the order of the drafts.
    mutating func upsert(groups drafts: [MemberGroupDraft]) throws -> [String] {
        var ids: [String] = []
        for draft in drafts {
            guard let name = draft.name, !name.isEmpty else { throw OperationError.missing(field: "member_group_name") }
            if let index = content.groups.firstIndex(where: { $0.name == name }) {
                let id = content.groups[index].id
                guard !ids.contains(id) else { continue }
                change(groupAt: index, draft)
                ids.append(id)
            } else {
                let group = MemberGroup(
                    id: newID(), channelID: content.channel.id, name: name, remark: draft.remark ?? "", weight: draft.weight,
                    dictCode: draft.dictCode ?? "", microserviceVersion: draft.microserviceVersion ?? "",
                    microservicePort: draft.microservicePort ?? 0, microserviceLabels: draft.microserviceLabels ?? [], createdAt: now,
                    updatedAt: now)
                content.groups.append(group)
                ids.append(group.id)
            }
        }
        copyWeights()
        return ids
    }

    /// Keeps the groups that are named, removes the others with their members.
    private mutating func replace(groups drafts: [MemberGroupDraft]) throws {
        let kept = Set(try upsert(groups: drafts))
        for group in content.groups where !kept.contains(group.id) { remove(groupID: group.id) }
    }

    mutating func change(groupID: String, _ draft: MemberGroupDraft) throws {
        guard let index = content.groups.firstIndex(where: { $0.id == groupID }) else {
            throw OperationError.notFound(.memberGroup, id: groupID)
        }
        if let name = draft.name {
            guard !content.groups.contains(where: { $0.name == name && $0.id != groupID }) else {
                throw OperationError.taken(.memberGroup, name: name)
            }
            content.groups[index].name = name
        }
        change(groupAt: index, draft)
        copyWeights()
    }

    private mutating func change(groupAt index: Int, _ draft: MemberGroupDraft) {
        if let remark = draft.remark { content.groups[index].remark = remark }
        if let weight = draft.weight { content.groups[index].weight = weight }
        if let dictCode = draft.dictCode { content.groups[index].dictCode = dictCode }
        if let version = draft.microserviceVersion { content.groups[index].microserviceVersion = version }
        if let port = draft.microservicePort { content.groups[index].microservicePort = port }
        if let labels = draft.microserviceLabels { content.groups[index].microserviceLabels = labels }
        content.groups[index].updatedAt = now
    }

    mutating func remove(groupID: String) {
        content.groups.removeAll { $0.id == groupID }
        content.members.removeAll { $0.groupID == groupID }
    }

    /// A group's weight is that of all its members.
    private mutating func copyWeights() {
        for index in content.members.indices {
            if let weight = content.group(of: content.members[index])?.weight { content.members[index].weight = weight }
        }
    }

    // MARK: Members

    /// Who a member is inside its channel.
    private struct Address: Hashable {
        let server: String
        let port: Int
        let groupID: String
    }

    private func address(of member: ChannelMember) -> Address {
        let server = content.channel.memberType == .ecs ? member.ecsID : member.host
        return Address(server: server.lowercased(), port: content.port(of: member), groupID: member.groupID)
    }

    /// Adds members, and changes those whose address is there already; the first of two with one address wins.
    /// - Returns: ids in the order of the drafts.
    mutating func upsert(members drafts: [MemberDraft]) throws -> [String] {
        var places = Dictionary(
            content.members.enumerated().map { (address(of: $1), $0) }, uniquingKeysWith: { first, _ in first })
        var ids: [String] = []
        var seen: Set<String> = []
        for (position, draft) in drafts.enumerated() {
            let made = try member(draft, position: position)
            let key = address(of: made)
            if let place = places[key] {
                let old = content.members[place]
                guard seen.insert(old.id).inserted else { continue }
                var new = old
                if draft.host != nil { new.host = made.host }
                if let weight = draft.weight { new.weight = weight }
                if let isBackup = draft.isBackup { new.isBackup = isBackup }
                if let isEnabled = draft.isEnabled { new.isEnabled = isEnabled }
                if draft.ecsName != nil { new.ecsName = made.ecsName }
                content.members[place] = new
                ids.append(old.id)
            } else {
                places[key] = content.members.count
                content.members.append(made)
                seen.insert(made.id)
                ids.append(made.id)
            }
        }
        copyWeights()
        return ids
    }

    /// Makes the drafts the members of the channel or of one group. A draft that names no group belongs to that one; a draft
    /// of another group is left aside.
    mutating func replace(members drafts: [MemberDraft], inGroup name: String?) throws {
        var groupID: String?
        var wanted = drafts
        if let name, !name.isEmpty {
            groupID = try self.groupID(named: name)
            wanted = drafts.compactMap { draft in
                guard (draft.groupName ?? "").isEmpty || draft.groupName == name else { return nil }
                var draft = draft
                draft.groupName = name
                return draft
            }
        }
        let kept = Set(try upsert(members: wanted))
        content.members.removeAll { (groupID == nil || $0.groupID == groupID) && !kept.contains($0.id) }
    }

    private func groupID(named name: String) throws -> String {
        guard let group = content.groups.first(where: { $0.name == name }) else {
            throw OperationError.invalid(field: "member_group_name")
        }
        return group.id
    }

    private func member(_ draft: MemberDraft, position: Int) throws -> ChannelMember {
        let groupID = if let name = draft.groupName, !name.isEmpty { try groupID(named: name) } else { "" }
        let host = draft.host ?? ""
        let isServer = content.channel.memberType == .ecs
        if !isServer, host.isEmpty { throw OperationError.missing(field: "host") }
        if isServer, (draft.ecsID ?? "").isEmpty { throw OperationError.missing(field: "ecs_id") }
        if isServer, (draft.ecsName ?? "").isEmpty { throw OperationError.missing(field: "ecs_name") }
        return ChannelMember(
            id: newID(), channelID: content.channel.id, host: host.lowercased(), port: draft.port ?? 0, weight: draft.weight ?? 1,
            isBackup: draft.isBackup ?? false, isEnabled: draft.isEnabled ?? true, groupID: groupID,
            ecsID: isServer ? draft.ecsID ?? "" : host, ecsName: isServer ? draft.ecsName ?? "" : host, position: position,
            createdAt: now)
    }
}
