import Store

/// Triggers that keep the state of rows before a revision changes them. Actions of foreign keys fire them too.
enum CaptureTriggers {
    /// - Parameter columns: of the table as it is.
    /// - Returns: name and statement of each, the same for the same columns.
    static func statements(_ table: CapturedTable, columns: [String]) -> [(name: String, statement: String)] {
        ["insert", "update", "delete"].map { event in
            let name = "capture_\(table.name)_\(event)"
            let isNew = event == "insert"
            let key = CapturedTable.keyExpression(table.key, prefix: isNew ? "NEW." : "OLD.")
            let owner = isNew ? nil : table.owner.map { CapturedTable.keyExpression($0.columns, prefix: "OLD.") }
            let image = isNew ? nil : "json_object(\(columns.map { "'\($0)', OLD.\($0)" }.joined(separator: ", ")))"
            return (
                name,
                """
                CREATE TRIGGER \(name) AFTER \(event.uppercased()) ON \(table.name) BEGIN
                  INSERT INTO row_versions (table_name, row_key, revision, owner_key, image)
                  SELECT '\(table.name)', \(key), s.revision + 1, \(owner ?? "NULL"), \(image ?? "NULL") FROM gateway_state s
                  WHERE s.id = 1 AND NOT EXISTS (
                    SELECT 1 FROM row_versions v
                    WHERE v.table_name = '\(table.name)' AND v.row_key = \(key) AND v.revision = s.revision + 1);
                END
                """
            )
        }
    }
}
