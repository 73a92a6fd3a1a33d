import GatewayModel
import GatewayPrimitives
import SnapshotCompiler
import Store

/// Reads what the gateway must know of applications.
extension PublicationLoader {
    /// - Parameter ids: nil for all applications.
    func callingApplications(ids: [String]?) throws -> [CallingApplication] {
        let sql = reading.sql
        var condition = Condition()
        if let ids { condition.isIn("t.id", ids) }
        let rows = try sql.query(
            """
            SELECT \(ApplicationRow.columnList("t")), COALESCE(i.project_id, '') AS caller_project_id,
              COALESCE(p.domain_id, '') AS caller_domain_id
            FROM applications t LEFT JOIN instances i ON i.id = t.instance_id LEFT JOIN projects p ON p.id = i.project_id\(condition.sql)
            """, condition.arguments)
        guard !rows.isEmpty else { return [] }
        var callers = try rows.map { row in
            CallingApplication(
                application: try ApplicationRow(row: row).model(box: reading.box), accountID: try row.text("caller_domain_id"),
                projectID: try row.text("caller_project_id"))
        }
        let places = Dictionary(uniqueKeysWithValues: callers.enumerated().map { ($1.application.id, $0) })
        var own = Condition()
        if let ids { own.isIn("app_id", ids) }
        for row in try sql.all(AppCodeRow.self, where: own, order: "id") {
            let code = try row.model(box: reading.box)
            if let place = places[code.applicationID] { callers[place].codes.append(code) }
        }
        for list in try sql.all(AppAccessList.self, where: own) {
            if let place = places[list.applicationID] { callers[place].accessList = list }
        }
        for present in try sql.all(PresentSecret.self, where: own) {
            if let place = places[present.applicationID] { callers[place].present = present }
        }
        var alive = own
        alive.and("ends_at > ?", .integer(reading.now.nanoseconds))
        for row in try sql.all(RetiredSecretRow.self, where: alive, order: "ends_at DESC, id") {
            let retired = try row.model(box: reading.box)
            if let place = places[retired.applicationID] { callers[place].retired.append(retired) }
        }
        let filter = own.sql.replacing("app_id", with: "b.app_id")
        for row in try sql.query(
            "SELECT b.app_id AS caller_app_id, \(AppQuota.columnList("q")) FROM app_quota_bindings b JOIN app_quotas q ON q.id = b.quota_id\(filter)",
            own.arguments)
        {
            if let place = places[try row.text("caller_app_id")] { callers[place].quota = try AppQuota(row: row) }
        }
        return callers
    }
}
