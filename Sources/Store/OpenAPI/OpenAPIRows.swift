import GatewayModel

extension PlannedBinding: Record {
    public static let table = "planned_bindings"
    public static let columns = ["api_id", "kind", "policy_id"]
    public static let keyLength = 3

    public var values: [SQLValue] { [.text(apiID), .text(kind.rawValue), .text(policyID)] }

    public init(row: SQLRow) throws {
        let kind = try row.text("kind")
        guard let kind = Kind(rawValue: kind) else { throw StoreError.malformed("planned binding \(kind)") }
        self.init(apiID: try row.text("api_id"), kind: kind, policyID: try row.text("policy_id"))
    }
}

extension DocumentTask: Record {
    public static let table = "document_tasks"
    public static let columns = ["id", "instance_id", "kind", "status", "result", "created_at", "updated_at"]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(kind.rawValue), .text(status.rawValue), .text(result),
            .integer(createdAt.nanoseconds), .integer(updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let kind = try row.text("kind")
        let status = try row.text("status")
        guard let kind = Kind(rawValue: kind), let status = Status(rawValue: status) else {
            throw StoreError.malformed("task \(kind) \(status)")
        }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), kind: kind, status: status,
            result: try row.text("result"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}
