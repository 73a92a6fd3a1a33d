import GatewayModel
import Store
import StoreSQLite
import Testing

import ControlPlane

@Suite("Change records")
struct ChangeRecordTests {
    /// A plane with some writes of several records each.
    private static func filled() async throws -> ControlPlaneFixture {
        let fixture = try ControlPlaneFixture()
        for number in 0..<4 {
            _ = try await fixture.plane.createEnvironment(fixture.call(), name: "env_\(number)", remark: "")
        }
        return fixture
    }

    @Test("what was written is intact, and its head names the state")
    func intact() async throws {
        let fixture = try await Self.filled()
        guard case .intact(let records, let head) = try await fixture.plane.verifyChanges() else {
            Issue.record("not intact")
            return
        }
        #expect(records >= 4)
        #expect(try await fixture.plane.hasChange(sealed: head))
        _ = try await fixture.plane.createEnvironment(fixture.call(), name: "one_more", remark: "")
        guard case .intact(let more, let next) = try await fixture.plane.verifyChanges() else {
            Issue.record("not intact")
            return
        }
        #expect(more == records + 1 && next != head)
        #expect(try await fixture.plane.hasChange(sealed: head))
    }

    @Test("every column of every record is sealed", arguments: ChangeRow.columns)
    func flipped(_ column: String) async throws {
        let fixture = try await Self.filled()
        let rows = try fixture.store.read { try $0.all(ChangeRow.self, where: Condition(), order: "revision, position") }
        let row = try #require(rows.dropFirst(1).first)
        try fixture.store.write { sql in
            let value: SQLValue =
                switch column {
                case "revision": .integer(row.revision + 1000)
                case "position", "made_at": .integer(77)
                case "before_json", "after_json": .text("{}")
                default: .text("another")
                }
            try sql.execute(
                "UPDATE changes SET \(column) = ? WHERE revision = ? AND position = ?",
                [value, .integer(row.revision), SQLValue(row.position)])
        }
        let verified = try await fixture.plane.verifyChanges()
        if case .intact = verified { Issue.record("a changed \(column) was not found") }
    }

    @Test("a removed record is found wherever it was")
    func removed() async throws {
        let first = try await Self.filled()
        let count = try first.store.read { try $0.count("SELECT COUNT(*) AS n FROM changes") }
        #expect(count >= 4)
        for place in 0..<count {
            let fixture = try await Self.filled()
            try fixture.store.write { sql in
                let rows = try sql.all(ChangeRow.self, where: Condition(), order: "revision, position")
                try sql.execute(
                    "DELETE FROM changes WHERE revision = ? AND position = ?",
                    [.integer(rows[place].revision), SQLValue(rows[place].position)])
            }
            let verified = try await fixture.plane.verifyChanges()
            if case .intact = verified { Issue.record("the removal of record \(place) was not found") }
        }
    }

    @Test("two records that changed places are found")
    func reordered() async throws {
        let fixture = try await Self.filled()
        try fixture.store.write { sql in
            let rows = try sql.all(ChangeRow.self, where: Condition(), order: "revision, position")
            let (a, b) = (rows[rows.count - 2], rows[rows.count - 1])
            try sql.execute("UPDATE changes SET revision = 100000 WHERE revision = ?", [.integer(a.revision)])
            try sql.execute("UPDATE changes SET revision = ? WHERE revision = ?", [.integer(a.revision), .integer(b.revision)])
            try sql.execute("UPDATE changes SET revision = ? WHERE revision = 100000", [.integer(b.revision)])
        }
        let verified = try await fixture.plane.verifyChanges()
        if case .intact = verified { Issue.record("the new order was not found") }
    }

    @Test("lists filter, newest first")
    func lists() async throws {
        let fixture = try await Self.filled()
        let all = try await fixture.plane.changes(ChangeFilter(kind: "environment"), page: Page(offset: 0, limit: 3))
        #expect(all.items.count == 3)
        #expect(all.items.map(\.revision) == all.items.map(\.revision).sorted(by: >))
        let none = try await fixture.plane.changes(ChangeFilter(actor: "nobody"), page: Page(offset: 0, limit: 3))
        #expect(none.total == 0)
    }
}
