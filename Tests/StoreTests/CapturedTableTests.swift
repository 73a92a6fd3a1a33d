import Foundation
import Store
import StoreSQLite
import Testing

/// The description of captured tables against the schema as it is.
struct CapturedTableTests {
    /// What happens at run time, who may manage, and the keeping of records itself.
    static let others: Set<String> = [
        "gateway_state", "changes", "row_versions", "schema_steps", "domains", "projects", "users", "access_keys", "tokens",
        "document_tasks", "asset_jobs", "asset_archives", "livedata_tests", "api_statistics", "statistics_state",
        "app_secret_uses", "app_code_secret_uses", "sign_secret_uses",
    ]

    private func withStore(_ body: (any SQLConnection) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("captured-\(UUID().uuidString)").path
        let store = try SQLiteStore(path: path)
        defer {
            try? store.close()
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        }
        try store.write(body)
    }

    @Test("every table is captured, or is named as one that is not")
    func complete() throws {
        try withStore { sql in
            let tables = Set(
                try sql.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
                    .map { try $0.text("name") })
            #expect(tables == Set(CapturedTable.all.map(\.name)).union(Self.others))
        }
    }

    @Test("foreign keys are owners or references, and lead to tables before", arguments: CapturedTable.all.map(\.name))
    func references(_ name: String) throws {
        let table = try #require(CapturedTable.named[name])
        let known = (table.owner.map { [$0] } ?? []) + table.references
        for reference in known where reference.table != name {
            let (target, own) = (try #require(CapturedTable.order[reference.table]), try #require(CapturedTable.order[name]))
            #expect(target < own)
        }
        try withStore { sql in
            let rows = try sql.query("SELECT id, \"table\" AS target, \"from\" AS source FROM pragma_foreign_key_list('\(name)') ORDER BY id, seq")
            var keys: [Int: (target: String, columns: [String])] = [:]
            for row in rows {
                let (id, target, source) = (try row.int("id"), try row.text("target"), try row.text("source"))
                keys[id, default: (target, [])].columns.append(source)
            }
            for key in keys.values {
                #expect(known.contains { $0.table == key.target && $0.columns == key.columns }, "\(name) \(key)")
            }
        }
    }

    @Test("what is changed in place has its unique columns set aside", arguments: CapturedTable.all.map(\.name))
    func unique(_ name: String) throws {
        let table = try #require(CapturedTable.named[name])
        try withStore { sql in
            let columns = Set(try sql.query("SELECT name FROM pragma_table_info('\(name)')").map { try $0.text("name") })
            #expect(columns.isSuperset(of: table.key + table.parked + (table.sealed.map { [$0] } ?? [])))
            #expect(columns.filter { $0.hasPrefix("sealed_") } == Set(table.sealed.map { [$0] } ?? []))
            guard !CapturedTable.leaves.contains(name) else { return #expect(table.parked.isEmpty) }
            for row in try sql.query("SELECT name FROM pragma_index_list('\(name)') WHERE \"unique\" = 1") {
                let index = try sql.query("SELECT name FROM pragma_index_info('\(try row.text("name"))')").map { try $0.text("name") }
                // What never changes needs no place of its own.
                let fixed = ["features": [["id"]], "publications": [["api_id", "env_id"]]][name, default: []].contains(index)
                #expect(fixed || index == table.key || !Set(index).isDisjoint(with: table.parked), "\(name) \(index)")
            }
        }
    }

    @Test("cascades are captured, once for a row and revision, with the first state")
    func cascades() throws {
        try withStore { sql in
            try sql.execute("INSERT INTO instances (id, project_id, name, description, created_at, updated_at) VALUES ('i', 'p', 'n', '', 1, 1)")
            try sql.execute("INSERT INTO instance_tags (instance_id, tag_key, tag_value) VALUES ('i', 'a/b', 'v')")
            try sql.execute("UPDATE gateway_state SET revision = 1")
            try sql.execute("UPDATE instances SET name = 'second'")
            try sql.execute("UPDATE instances SET name = 'third'")
            try sql.execute("UPDATE gateway_state SET revision = 2")
            try sql.execute("DELETE FROM instances")
            let instance = RowID(table: "instances", key: "i"), tag = RowID(table: "instance_tags", key: "i/a/b")
            #expect(try [0, 1, 2, 3].map { try sql.image(of: instance, at: $0)?["name"] } == [nil, .text("n"), .text("third"), nil])
            #expect(try [0, 1, 2, 3].map { try sql.image(of: tag, at: $0)?["tag_value"] } == [nil, .text("v"), .text("v"), nil])
            #expect(try sql.rowChanges(after: 0).count == 5)
            #expect(try sql.rowChanges(after: 2).allSatisfy { $0.existed })
            #expect(try sql.rowChanges(after: 2).first { $0.row == tag }?.owner == "i")
            // The moment in which it was made keeps all its digits.
            #expect(try sql.image(of: instance, at: 2)?["created_at"] == .integer(1))
            try sql.forgetVersions(before: 2)
            #expect(try sql.rowChanges(after: 0).map(\.revision) == [3, 3])
        }
    }
}
