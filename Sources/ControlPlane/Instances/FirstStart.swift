import GatewayModel
import Store

extension ControlPlane {
    /// Makes the first instance of a project, with environment RELEASE and group DEFAULT. Where the project has an instance,
    /// the oldest one is answered and nothing changes, so that every start may call this.
    public func prepareFirstStart(projectID: String) async throws -> Instance {
        let call = Call(
            actor: "system", userID: "", source: "", requestID: Writing.newID(), projectID: projectID,
            instanceID: Writing.newID())
        return try await write(call) { w in
            var condition = Condition()
            condition.equal("project_id", projectID)
            if let first = try w.sql.all(Instance.self, where: condition, order: "created_at, id").first { return first }
            let instance = Instance(
                id: call.instanceID, projectID: projectID, name: "gatehouse", description: "", createdAt: w.now,
                updatedAt: w.now)
            try w.makeInstance(instance)
            return instance
        }.value
    }

    /// - Throws: ``OperationError/notFound(_:id:)``.
    public func instance(_ call: Call) async throws -> Instance {
        try await read { r in
            try r.checkInstance(of: call)
            guard let instance = try r.sql.find(Instance.self, key: call.instanceID) else {
                throw OperationError.notFound(.instance, id: call.instanceID)
            }
            return instance
        }
    }
}

extension Writing {
    /// Stores an instance with what every instance has from the start (management-api.md, 1.8).
    func makeInstance(_ instance: Instance) throws {
        try sql.insert(instance)
        try record(.instance, id: instance.id, before: nil, after: instance)
        let release = Environment(
            id: Environment.releaseID, instanceID: instance.id, name: Environment.releaseName, remark: "", createdAt: now)
        try sql.insert(release)
        try record(.environment, id: release.id, before: nil, after: release)
        let group = APIGroup(
            id: newID(), instanceID: instance.id, name: "DEFAULT", remark: "", isDefault: true, romaAppID: "", createdAt: now,
            updatedAt: now)
        try sql.insert(group)
        try record(.apiGroup, id: group.id, before: nil, after: group)
        touch(.instance(instance.id))
        touch(.group(group.id))
    }
}
