import GatewayModel
import Store

/// What a caller says about a new instance.
public struct InstanceDraft: Sendable {
    /// Nil: a generated one.
    public var id: String?
    public var name: String
    public var description: String
    public var profile: InstanceProfile
    public var maintainBegin: String?
    public var maintainEnd: String?
    public var tags: [InstanceTag]

    public init(
        id: String?, name: String, description: String, profile: InstanceProfile, maintainBegin: String?, maintainEnd: String?,
        tags: [InstanceTag]
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.profile = profile
        self.maintainBegin = maintainBegin
        self.maintainEnd = maintainEnd
        self.tags = tags
    }
}

/// Parts of an instance that shall change; nil stays as it is.
public struct InstanceChange: Sendable {
    public var name: String?
    public var description: String?
    public var maintainBegin: String?
    public var maintainEnd: String?
    public var securityGroupID: String?

    public init(
        name: String? = nil, description: String? = nil, maintainBegin: String? = nil, maintainEnd: String? = nil,
        securityGroupID: String? = nil
    ) {
        self.name = name
        self.description = description
        self.maintainBegin = maintainBegin
        self.maintainEnd = maintainEnd
        self.securityGroupID = securityGroupID
    }
}

public struct InstanceFilter: Sendable {
    public var id: String?
    public var name: String?
    public init(id: String? = nil, name: String? = nil) {
        self.id = id
        self.name = name
    }
}

extension ControlPlane {
    /// Makes an instance with environment RELEASE and group DEFAULT. It takes requests at once.
    ///
    /// - Throws: ``OperationError``: name or id taken, edition or maintenance window unknown, tags, quota.
    public func createInstance(_ call: Call, _ draft: InstanceDraft) async throws -> Written<Instance> {
        let quotas = settings.quotas
        // Records of what comes with the instance belong to it.
        var own = Call(
            actor: call.actor, userID: call.userID, source: call.source, requestID: call.requestID, projectID: call.projectID,
            instanceID: draft.id ?? Writing.newID())
        own.expectation = call.expectation
        own.subject = call.subject
        let made = own
        return try await write(made) { w in
            try Self.checkPlain(draft.description, field: "description")
            guard InstanceProfile.specs.contains(draft.profile.spec ?? "") else {
                throw OperationError.conflict(.unknownInstanceSpec)
            }
            var profile = draft.profile
            profile.userID = call.userID
            profile.maintenance = try Self.window(draft.maintainBegin, draft.maintainEnd)
            try Self.check(draft.tags, limit: quotas.tagsPerInstance)
            guard try w.sql.find(Instance.self, key: made.instanceID) == nil else {
                throw OperationError.conflict(.instanceIDTaken)
            }
            try w.checkInstanceName(draft.name, besides: nil, of: call)
            try w.checkQuota(
                .instance,
                count: w.sql.count("SELECT COUNT(*) AS n FROM instances WHERE project_id = ?", [.text(call.projectID)]),
                limit: quotas.instances)
            let instance = Instance(
                id: made.instanceID, projectID: call.projectID, name: draft.name, description: draft.description,
                profile: profile, createdAt: w.now, updatedAt: w.now)
            try w.makeInstance(instance)
            for tag in draft.tags {
                try w.sql.insert(InstanceTagRow(instanceID: instance.id, tag: tag))
                try w.record(.instanceTag, id: "\(instance.id)/\(tag.key)", before: nil, after: tag)
            }
            return instance
        }
    }

    /// - Throws: ``OperationError``: instance unknown, name taken, maintenance window.
    public func updateInstance(_ call: Call, _ change: InstanceChange) async throws -> Written<Instance> {
        try await write(call) { w in
            let before = try w.instance(of: call)
            if let text = change.description { try Self.checkPlain(text, field: "description") }
            var instance = before
            instance.name = change.name ?? before.name
            instance.description = change.description ?? before.description
            if let window = try Self.window(change.maintainBegin, change.maintainEnd) { instance.profile.maintenance = window }
            if let group = change.securityGroupID { instance.profile.securityGroupID = group.isEmpty ? nil : group }
            try w.checkInstanceName(instance.name, besides: instance.id, of: call)
            instance.updatedAt = w.now
            try w.sql.update(instance)
            try w.record(.instance, id: instance.id, before: before, after: instance)
            return instance
        }
    }

    /// Removes the instance and everything in it; its hosts answer as unknown ones from the next request on.
    ///
    /// - Throws: ``OperationError``: instance unknown, or the one that came with the gateway, which answers at the gateway's
    ///   bare address.
    public func deleteInstance(_ call: Call) async throws -> Written<Void> {
        try await write(call) { w in
            let instance = try w.instance(of: call)
            guard instance.profile.spec != nil else { throw OperationError.conflict(.instanceIsPreset) }
            let own = [SQLValue.text(instance.id)]
            for row in try w.sql.query("SELECT id FROM publications WHERE instance_id = ?", own) {
                w.touch(.publication(try row.text("id")))
            }
            for row in try w.sql.query("SELECT id FROM api_groups WHERE instance_id = ?", own) {
                w.touch(.group(try row.text("id")))
            }
            w.touch(.instance(instance.id))
            try w.sql.delete(Instance.self, key: instance.id)
            try w.record(.instance, id: instance.id, before: instance, after: nil)
        }
    }

    /// The instances of the call's project, newest first.
    public func instances(_ call: Call, _ filter: InstanceFilter, page: Page) async throws -> Listing<Instance> {
        try await read { r in
            var own = Condition()
            own.equal("project_id", call.projectID)
            own.equal("id", filter.id)
            own.matches("name", filter.name)
            return try r.sql.page(Instance.self, where: own, order: "created_at DESC, id", page: page)
        }
    }

    private static func window(_ begin: String?, _ end: String?) throws -> MaintenanceWindow? {
        func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        do {
            return try MaintenanceWindow(begin: given(begin), end: given(end))
        } catch {
            throw OperationError.conflict(.maintenanceWindow(error))
        }
    }
}

extension Reading {
    /// - Throws: ``OperationError/notFound(_:id:)``.
    func instance(of call: Call) throws -> Instance {
        guard let instance = try sql.find(Instance.self, key: call.instanceID), instance.projectID == call.projectID else {
            throw OperationError.notFound(.instance, id: call.instanceID)
        }
        return instance
    }

    fileprivate func checkInstanceName(_ name: String, besides id: String?, of call: Call) throws {
        let other = try sql.first(
            "SELECT id FROM instances WHERE project_id = ? AND name = ?", [.text(call.projectID), .text(name)])
        if let other, try other.text("id") != id { throw OperationError.taken(.instance, name: name) }
    }
}
