import GatewayModel
import Store

/// The values with which versions are in force (docs/decisions/0011-definitions.md): written at publication, rewritten when a
/// variable gets a value, left alone when it goes. A fresh start reads the same values.
extension Writing {
    /// Values of the names that a version uses, for the version that is coming into force.
    ///
    /// - Throws: ``OperationError/notFound(_:id:)`` with the name of a variable that has no value there.
    func variables(for version: APIVersion, inEnvironment environmentID: String) throws -> [String: String] {
        let names = version.definition.variableNames
        guard !names.isEmpty else { return [:] }
        var values = try frozenVariables(ofVersion: version.id)
        var condition = Condition()
        condition.equal("group_id", version.definition.groupID)
        condition.equal("env_id", environmentID)
        condition.isIn("name", names)
        for variable in try sql.all(EnvironmentVariable.self, where: condition) { values[variable.name] = variable.value }
        for name in names where values[name] == nil { throw OperationError.notFound(.environmentVariable, id: name) }
        return values
    }

    func freeze(_ values: [String: String], inVersion id: String) throws {
        try sql.execute("DELETE FROM version_variables WHERE version_id = ?", [.text(id)])
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            try sql.execute(
                "INSERT INTO version_variables (version_id, name, value) VALUES (?, ?, ?)", [.text(id), .text(name), .text(value)])
        }
    }

    /// Gives the variable's value to the versions in force that use its name.
    func putInForce(_ variable: EnvironmentVariable) throws {
        let users = try sql.query(
            """
            SELECT p.id, p.version_id FROM version_variables v JOIN publications p ON p.version_id = v.version_id
            WHERE v.name = ? AND p.group_id = ? AND p.env_id = ?
            """, [.text(variable.name), .text(variable.groupID), .text(variable.environmentID)])
        for row in users {
            try sql.execute(
                "UPDATE version_variables SET value = ? WHERE version_id = ? AND name = ?",
                [.text(variable.value), .text(try row.text("version_id")), .text(variable.name)])
            touch(.publication(try row.text("id")))
        }
    }

    /// Records that variables go with their group or environment: the foreign keys of the schema remove the rows.
    func recordRemovalOfVariables(where condition: Condition) throws {
        for variable in try sql.all(EnvironmentVariable.self, where: condition, order: "id") {
            try record(.environmentVariable, id: variable.id, before: variable, after: nil)
        }
    }

    private func frozenVariables(ofVersion id: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for row in try sql.query("SELECT name, value FROM version_variables WHERE version_id = ?", [.text(id)]) {
            values[try row.text("name")] = try row.text("value")
        }
        return values
    }
}
