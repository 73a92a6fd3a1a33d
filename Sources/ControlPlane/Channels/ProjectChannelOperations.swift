import GatewayModel
import Store

/// A channel and the instance that it is in.
public struct ProjectChannel: Sendable {
    public let content: ChannelContent
    public let instanceName: String
}

/// One channel in several instances at a time (management-api.md, 3.21). Its name is what ties the copies together, so that
/// names must not be modifiable in any of the instances. All or nothing: one transaction.
extension ControlPlane {
    /// - Throws: ``OperationError``: none or too many instances, an unknown one, one whose feature `vpc_name_modifiable` is on,
    ///   name taken in the project, and as for a channel of one instance.
    public func createProjectChannels(
        _ call: Call, instanceIDs: [String], _ draft: ChannelDraft
    ) async throws -> Written<[ProjectChannel]> {
        let quotas = settings.quotas
        return try await write(call) { w in
            let instances = try w.projectInstances(instanceIDs, quotas, of: call)
            if let name = draft.name, try w.projectChannel(named: name, of: call) != nil {
                throw OperationError.taken(.vpcChannel, name: name)
            }
            return try instances.map { instance in
                let made = try ChannelEditing.make(draft, instanceID: instance.id, now: w.now, newID: w.newID).content
                try w.save(made, before: nil, quotas: quotas)
                return ProjectChannel(content: made, instanceName: instance.name)
            }
        }
    }

    /// Changes the channel of this name in each of the instances, and makes it where there is none.
    ///
    /// - Throws: ``OperationError``: as for creating; the name is found nowhere in the project is no error.
    public func updateProjectChannels(
        _ call: Call, instanceIDs: [String], _ draft: ChannelDraft, emptyMembersRemove: Bool
    ) async throws -> Written<[ProjectChannel]> {
        let quotas = settings.quotas
        return try await write(call) { w in
            let instances = try w.projectInstances(instanceIDs, quotas, of: call)
            guard let name = draft.name, !name.isEmpty else { throw OperationError.missing(field: "name") }
            return try instances.map { instance in
                let own = call.inside(instance.id)
                guard let before = try w.channel(named: name, of: own) else {
                    let made = try ChannelEditing.make(draft, instanceID: instance.id, now: w.now, newID: w.newID).content
                    try w.save(made, before: nil, quotas: quotas)
                    return ProjectChannel(content: made, instanceName: instance.name)
                }
                var editing = ChannelEditing(content: before, now: w.now, newID: w.newID)
                try editing.change(draft, emptyMembersRemove: emptyMembersRemove)
                try w.save(editing.content, before: before, quotas: quotas)
                return ProjectChannel(content: editing.content, instanceName: instance.name)
            }
        }
    }

    /// Copies a channel to other instances.
    ///
    /// - Parameter replaces: a channel of the same name that an instance has already becomes the copy; otherwise it is an error.
    /// - Throws: ``OperationError``: unknown channel or instance, name taken, quota.
    public func copyChannel(
        _ call: Call, id: String, toInstances instanceIDs: [String], replaces: Bool
    ) async throws -> Written<[ProjectChannel]> {
        let quotas = settings.quotas
        return try await write(call) { w in
            guard !id.isEmpty else { throw OperationError.missing(field: "vpc_channel_id") }
            try Writing.checkForm(ofID: id, field: "vpc_channel_id")
            let instances = try w.projectInstances(instanceIDs, quotas, of: call)
            guard let row = try w.sql.find(VPCChannelRow.self, key: id),
                try w.sql.find(Instance.self, key: row.channel.instanceID)?.projectID == call.projectID,
                let source = try w.contents(of: [row.channel]).first
            else { throw OperationError.notFound(.vpcChannel, id: id) }
            return try instances.filter { $0.id != row.channel.instanceID }.map { instance in
                let before = try w.channel(named: row.channel.name, of: call.inside(instance.id))
                if before != nil, !replaces { throw OperationError.taken(.vpcChannel, name: row.channel.name) }
                let copy = try source.copied(to: instance.id, replacing: before, now: w.now, newID: w.newID)
                try w.save(copy, before: before, quotas: quotas)
                return ProjectChannel(content: copy, instanceName: instance.name)
            }
        }
    }

    /// Newest first, of all instances of the project.
    public func projectChannels(_ call: Call, _ filter: ChannelFilter, page: Page) async throws -> Listing<ProjectChannel> {
        try await read { r in
            var condition = Condition()
            condition.and("c.instance_id IN (SELECT i.id FROM instances i WHERE i.project_id = ?)", .text(call.projectID))
            filter.apply(to: &condition)
            let found = try r.channels(where: condition, page: page)
            var own = Condition()
            own.isIn("id", Array(Set(found.items.map(\.channel.instanceID))))
            let names = Dictionary(uniqueKeysWithValues: try r.sql.all(Instance.self, where: own).map { ($0.id, $0.name) })
            return found.map { ProjectChannel(content: $0, instanceName: names[$0.channel.instanceID] ?? "") }
        }
    }
}

extension ChannelContent {
    /// The same in another instance. Groups and members that `old` has there already keep their ids.
    fileprivate func copied(
        to instanceID: String, replacing old: ChannelContent?, now: Timestamp, newID: @escaping () -> String
    ) throws -> ChannelContent {
        let draft = ChannelDraft(
            name: channel.name, port: channel.port, strategy: channel.strategy, memberType: channel.memberType, type: channel.type,
            dictCode: channel.dictCode,
            groups: groups.map { group in
                MemberGroupDraft(
                    name: group.name, remark: group.remark, weight: group.weight, dictCode: group.dictCode,
                    microserviceVersion: group.microserviceVersion, microservicePort: group.microservicePort,
                    microserviceLabels: group.microserviceLabels)
            },
            members: members.map { member in
                MemberDraft(
                    host: member.host, port: member.port, weight: member.weight, isBackup: member.isBackup,
                    isEnabled: member.isEnabled, groupName: group(of: member)?.name, ecsID: member.ecsID, ecsName: member.ecsName)
            },
            healthCheck: channel.healthCheck.map { check in
                HealthCheckDraft(
                    protocolName: check.protocolName, path: check.path, method: check.method, port: check.port,
                    thresholdNormal: check.thresholdNormal, thresholdAbnormal: check.thresholdAbnormal,
                    timeInterval: check.timeInterval, timeout: check.timeout, httpCode: check.httpCode,
                    enableClientTLS: check.enableClientTLS, isEnabled: check.isEnabled)
            },
            microservice: channel.microservice.map { MicroserviceDraft(serviceType: $0.serviceType, cse: $0.cse, cce: $0.cce) })
        guard let old else { return try ChannelEditing.make(draft, instanceID: instanceID, now: now, newID: newID).content }
        var editing = ChannelEditing(content: old, now: now, newID: newID)
        if channel.healthCheck == nil { editing.content.channel.healthCheck = nil }
        try editing.change(draft, emptyMembersRemove: true)
        return editing.content
    }
}

extension Call {
    /// The same call inside one instance.
    fileprivate func inside(_ instanceID: String) -> Call {
        Call(actor: actor, userID: userID, source: source, requestID: requestID, projectID: projectID, instanceID: instanceID)
    }
}

extension Reading {
    fileprivate func channel(named name: String, of call: Call) throws -> ChannelContent? {
        var own = Condition()
        own.equal("instance_id", call.instanceID)
        own.equal("name", name)
        return try contents(of: try sql.all(VPCChannelRow.self, where: own).map(\.channel)).first
    }

    /// A channel of this name in any instance of the project.
    fileprivate func projectChannel(named name: String, of call: Call) throws -> String? {
        try sql.first(
            "SELECT c.id FROM vpc_channels c JOIN instances i ON i.id = c.instance_id WHERE i.project_id = ? AND c.name = ?",
            [.text(call.projectID), .text(name)])?.text("id")
    }
}

extension Writing {
    /// The named instances in their order, each once.
    fileprivate func projectInstances(_ ids: [String], _ quotas: Quotas, of call: Call) throws -> [Instance] {
        guard !ids.isEmpty else { throw OperationError.missing(field: "instance_ids") }
        let distinct = try Self.distinct(ids, field: "instance_ids", limit: quotas.instancesPerProjectChannel)
        return try distinct.map { id in
            guard let instance = try sql.find(Instance.self, key: id), instance.projectID == call.projectID else {
                throw OperationError.notFound(.instance, id: id)
            }
            guard try !isOn(.vpcNameModifiable, of: call.inside(id)) else { throw OperationError.conflict(.featureNotSupported) }
            return instance
        }
    }
}
