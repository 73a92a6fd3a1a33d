import GatewayModel
import GatewayPrimitives
import Store

extension ControlPlane {
    /// Whether an API could have the name.
    ///
    /// - Parameters:
    ///   - groupID: nil for all groups of the instance.
    ///   - id: an API that may have it already.
    /// - Throws: ``OperationError/taken(_:name:)``; ``OperationError/notFound(_:id:)`` for the group.
    public func checkAPIName(_ call: Call, name: String, groupID: String?, besides id: String?) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            if let groupID { _ = try r.group(groupID, of: call) }
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.and("name = ?", .text(name))
            try r.checkNone(condition, groupID: groupID, besides: id) { _ in .taken(.api, name: name) }
        }
    }

    /// Whether an API could claim the requests.
    ///
    /// - Throws: ``OperationError/taken(_:name:)`` with the name of the API that has them; `invalid` for a path that is none.
    public func checkAPIPath(
        _ call: Call, method: HTTPMethod, path: String, matchMode: PathMatchMode, groupID: String?, besides id: String?
    ) async throws {
        try await read { r in
            try r.checkInstance(of: call)
            guard (try? PathTemplate(parsing: path, allowsRest: matchMode == .normal)) != nil else {
                throw OperationError.invalid(field: "req_uri")
            }
            if let groupID { _ = try r.group(groupID, of: call) }
            let claim = RequestClaim(method: method, path: path, matchMode: matchMode)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.and("path_key = ?", .text(claim.pathKey))
            condition.equal("req_method", claim.method.rawValue)
            condition.equal("match_mode", claim.matchMode.rawValue)
            try r.checkNone(condition, groupID: groupID, besides: id) { .taken(.apiPath, name: $0) }
        }
    }
}

extension Reading {
    fileprivate func checkNone(
        _ condition: Condition, groupID: String?, besides id: String?, _ refusal: (String) -> OperationError
    ) throws {
        var condition = condition
        condition.equal("group_id", groupID)
        if let id { condition.and("id <> ?", .text(id)) }
        let found = try sql.first(
            "SELECT name FROM apis\(condition.sql) ORDER BY created_at, id LIMIT 1", condition.arguments)
        if let found { throw refusal(try found.text("name")) }
    }
}
