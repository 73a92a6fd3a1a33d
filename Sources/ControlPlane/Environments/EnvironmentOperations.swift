import GatewayModel
import Store

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, name taken, quota.
    public func createEnvironment(_ call: Call, name: String, remark: String) async throws -> Written<Environment> {
        let limit = settings.quotas.environments
        return try await write(call) { w in
            try w.checkInstance(of: call)
            try w.checkEnvironmentName(name, besides: nil, of: call)
            try w.checkQuota(
                .environment,
                count: w.sql.count("SELECT COUNT(*) AS n FROM environments WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: limit)
            let environment = Environment(
                id: w.newID(), instanceID: call.instanceID, name: name, remark: remark, createdAt: w.now)
            try w.sql.insert(environment)
            try w.record(.environment, id: environment.id, before: nil, after: environment)
            return environment
        }
    }

    /// A new name is what `X-Stage` must say from now on; nil stays as it is.
    ///
    /// - Throws: ``OperationError``: environment unknown, name taken, or a new name for RELEASE, which requests without
    ///   `X-Stage` mean.
    public func updateEnvironment(
        _ call: Call, id: String, name: String?, remark: String?
    ) async throws -> Written<Environment> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.environment(id, of: call)
            var environment = before
            environment.name = name ?? environment.name
            environment.remark = remark ?? environment.remark
            if id == Environment.releaseID, environment.name != before.name {
                throw OperationError.conflict(.environmentIsPreset)
            }
            try w.checkEnvironmentName(environment.name, besides: id, of: call)
            try w.sql.update(environment)
            try w.record(.environment, id: id, before: before, after: environment)
            if environment.name != before.name { w.touch(.environment(instanceID: call.instanceID, id: id)) }
            return environment
        }
    }

    /// Removes an environment with what is left of it: records of APIs that are offline there, their versions and bindings.
    ///
    /// - Throws: ``OperationError``: environment unknown, RELEASE, or APIs are published there.
    public func deleteEnvironment(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let environment = try w.environment(id, of: call)
            if id == Environment.releaseID { throw OperationError.conflict(.environmentIsPreset) }
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.equal("env_id", id)
            let publications = try w.sql.all(Publication.self, where: condition, order: "id")
            guard publications.allSatisfy({ $0.versionID == nil }) else {
                throw OperationError.conflict(.environmentHoldsPublications)
            }
            try w.recordRemoval(of: publications)
            try w.recordRemoval(ofAuthorizationsWhere: "env_id", id, of: call)
            try w.recordRemovalOfVariables(where: condition)
            try w.sql.delete(Environment.self, key: call.instanceID, id)
            try w.record(.environment, id: id, before: environment, after: nil)
        }
    }

    /// Newest first.
    public func environments(_ call: Call, name: String?, page: Page) async throws -> Listing<Environment> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.matches("name", name)
            return try r.sql.page(Environment.self, where: condition, order: "created_at DESC, id", page: page)
        }
    }
}

extension Reading {
    func checkEnvironmentName(_ name: String, besides id: String?, of call: Call) throws {
        let other = try sql.first(
            "SELECT id FROM environments WHERE instance_id = ? AND name = ?", [.text(call.instanceID), .text(name)])
        if let other, try other.text("id") != id { throw OperationError.taken(.environment, name: name) }
    }
}
