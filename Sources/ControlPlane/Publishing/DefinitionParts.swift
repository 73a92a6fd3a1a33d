import GatewayModel
import Store

extension PublicationLoader {
    /// Adds what the definitions in force refer to: values of variables, authorizers, orchestration rules.
    ///
    /// - Parameters:
    ///   - places: index in `apis` by publication.
    ///   - restricted: `AND` condition over `p.id`, empty for all publications.
    func addDefinitionParts(
        to apis: inout [PublishedAPI], _ places: [String: Int], _ restricted: String, _ arguments: [SQLValue]
    ) throws {
        let sql = reading.sql
        for row in try sql.query(
            """
            SELECT p.id, v.name, v.value FROM version_variables v JOIN publications p ON p.version_id = v.version_id
            WHERE p.version_id IS NOT NULL\(restricted)
            """, arguments)
        {
            guard let place = places[try row.text("id")] else { continue }
            apis[place].variables[try row.text("name")] = try row.text("value")
        }
        for row in try sql.query(
            """
            SELECT p.id AS publication_id, \(Authorizer.columnList("a")) FROM definition_uses u
              JOIN publications p ON p.version_id = u.version_id JOIN authorizers a ON a.id = u.target_id
            WHERE u.kind = 'authorizer'\(restricted)
            """, arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            let authorizer = try Authorizer(row: row)
            apis[place].authorizers[authorizer.id] = authorizer
        }
        for row in try sql.query(
            """
            SELECT p.id AS publication_id, \(OrchestrationRule.columnList("o")) FROM definition_uses u
              JOIN publications p ON p.version_id = u.version_id JOIN orchestrations o ON o.id = u.target_id
            WHERE u.kind = 'orchestration'\(restricted)
            """, arguments)
        {
            guard let place = places[try row.text("publication_id")] else { continue }
            let rule = try OrchestrationRule(row: row)
            apis[place].orchestrations[rule.id] = rule
        }
    }
}
