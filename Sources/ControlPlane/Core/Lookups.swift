import GatewayModel
import Store

/// Objects by the ids that a request names. What belongs to another instance or project is as unknown as what does not exist.
extension Reading {
    /// - Throws: ``OperationError/notFound(_:id:)`` unless the call's instance is one of the call's project.
    public func checkInstance(of call: Call) throws {
        guard let instance = try sql.find(Instance.self, key: call.instanceID), instance.projectID == call.projectID else {
            throw OperationError.notFound(.instance, id: call.instanceID)
        }
    }

    /// The row of a table that has `id` and `instance_id` columns.
    func find<R: Record>(_ type: R.Type, id: String, of call: Call) throws -> R? {
        let row = try sql.first(
            "SELECT \(R.columnList("t")) FROM \(R.table) t WHERE t.id = ? AND t.instance_id = ?",
            [.text(id), .text(call.instanceID)])
        return try row.map { try R(row: $0) }
    }

    func checkAPI(_ id: String, of call: Call) throws {
        let found = try sql.first(
            "SELECT 1 AS n FROM apis WHERE id = ? AND instance_id = ?", [.text(id), .text(call.instanceID)])
        guard found != nil else { throw OperationError.notFound(.api, id: id) }
    }

    func environment(_ id: String, of call: Call) throws -> Environment {
        guard let environment = try sql.find(Environment.self, key: call.instanceID, id) else {
            throw OperationError.notFound(.environment, id: id)
        }
        return environment
    }
}

extension Writing {
    /// - Parameter count: how many there are already in the instance.
    func checkQuota(_ kind: ResourceKind, count: Int, limit: Int) throws {
        guard count < limit else { throw OperationError.quotaExceeded(kind, limit: limit) }
    }

    /// The ids without repetitions, in the order of their first appearance.
    ///
    /// - Throws: ``OperationError/invalid(field:)`` for none, for more than `limit`, and for what cannot be an id.
    static func distinct(_ ids: [String], field: String, limit: Int) throws -> [String] {
        guard !ids.isEmpty, ids.count <= limit else { throw OperationError.invalid(field: field) }
        var seen: Set<String> = []
        for id in ids { try checkForm(ofID: id, field: field) }
        return ids.filter { seen.insert($0).inserted }
    }

    /// - Throws: ``OperationError/invalid(field:)`` unless the text is 1 to 65 letters, digits, underscores and hyphens
    ///   (management-api.md, 6.34).
    static func checkForm(ofID id: String, field: String) throws {
        let fits = (1...65).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
        guard fits else { throw OperationError.invalid(field: field) }
    }
}
