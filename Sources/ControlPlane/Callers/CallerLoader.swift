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
        var owned = Condition()
        if let ids { owned.isIn("owner_id", ids) }
        for present in try sql.presentSecrets(.appSecret, where: owned) {
            if let place = places[present.ownerID] { callers[place].present = present }
        }
        owned.and("ends_at > ?", .integer(reading.now.nanoseconds))
        for retired in try sql.retiredSecrets(.appSecret, where: owned, box: reading.box) {
            if let place = places[retired.ownerID] { callers[place].retired.append(retired) }
        }
        try addReplacedCodes(to: &callers, ids)
        let filter = own.sql.replacing("app_id", with: "b.app_id")
        for row in try sql.query(
            "SELECT b.app_id AS caller_app_id, \(AppQuota.columnList("q")) FROM app_quota_bindings b JOIN app_quotas q ON q.id = b.quota_id\(filter)",
            own.arguments)
        {
            if let place = places[try row.text("caller_app_id")] { callers[place].quota = try AppQuota(row: row) }
        }
        return callers
    }

    private func addReplacedCodes(to callers: inout [CallingApplication], _ ids: [String]?) throws {
        var places: [String: Int] = [:]
        for (place, caller) in callers.enumerated() {
            for code in caller.codes { places[code.id] = place }
        }
        guard !places.isEmpty else { return }
        var owned = Condition()
        if let ids {
            let marks = Array(repeating: "?", count: ids.count).joined(separator: ", ")
            owned.and("owner_id IN (SELECT id FROM app_codes WHERE app_id IN (\(marks)))", arguments: ids.map(SQLValue.text))
        }
        for present in try reading.sql.presentSecrets(.appCode, where: owned) {
            if let place = places[present.ownerID] { callers[place].presentCodes[present.ownerID] = present }
        }
        owned.and("ends_at > ?", .integer(reading.now.nanoseconds))
        for retired in try reading.sql.retiredSecrets(.appCode, where: owned, box: reading.box) {
            if let place = places[retired.ownerID] { callers[place].retiredCodes.append(retired) }
        }
    }
}
