import GatewayModel
import Store

/// Who belonged to whom, going back from now revision by revision. Holds no contents of rows. Confined to one reading.
final class Timeline {
    private struct State {
        let exists: Bool
        let owner: String?
    }

    private let sql: any SQLConnection
    private var states: [RowID: State] = [:]
    /// Changes not yet undone, the newest first.
    private var rest: ArraySlice<RowChange>

    /// - Parameter oldest: changes of this revision and before are of no interest.
    init(_ sql: any SQLConnection, oldest: Int64) throws {
        self.sql = sql
        rest = try sql.rowChanges(after: oldest)[...]
    }

    /// Undoes the newest revision that is left.
    ///
    /// - Parameter body: is called before with the rows that it changed, and again after.
    /// - Returns: nil when none is left.
    func undo<Result>(_ body: (_ revision: Int64, _ rows: [RowID], _ isUndone: Bool) throws -> Result) throws -> (before: Result, after: Result)? {
        guard let revision = rest.first?.revision else { return nil }
        let group = rest.prefix { $0.revision == revision }
        let rows = group.map(\.row)
        let after = try body(revision, rows, false)
        for change in group { states[change.row] = State(exists: change.existed, owner: change.owner) }
        rest = rest.dropFirst(group.count)
        return (try body(revision, rows, true), after)
    }

    /// Goes back to the state at a revision.
    func rewind(to revision: Int64) throws {
        let group = rest.prefix { $0.revision > revision }
        for change in group { states[change.row] = State(exists: change.existed, owner: change.owner) }
        rest = rest.dropFirst(group.count)
    }

    func exists(_ row: RowID) throws -> Bool { try state(row).exists }

    /// The row and those that it belongs to, in this state; empty when it is not there.
    func chain(_ row: RowID) throws -> [RowID] {
        var chain: [RowID] = []
        var next: RowID? = row
        while let row = next, chain.count < 8 {
            guard try exists(row) else { return chain }
            chain.append(row)
            next = try owner(row)
        }
        return chain
    }

    /// The row that a row belongs to; nil when there is none, or not that row.
    func owner(_ row: RowID) throws -> RowID? {
        guard let owner = try state(row).owner, !owner.isEmpty, let table = CapturedTable.named[row.table]?.owner?.table else { return nil }
        return RowID(table: table, key: owner)
    }

    func belongs(_ row: RowID, to root: RowID?) throws -> Bool {
        guard let root else { return true }
        return try row == root || chain(row).contains(root)
    }

    /// The row of the object that a row is a part of.
    func object(of row: RowID) throws -> RowID? { try chain(row).first { HistoryKind.kind(ofTable: $0.table) != nil } }

    private func state(_ row: RowID) throws -> State {
        if let known = states[row] { return known }
        let now = try sql.presentOwner(of: row)
        let state = State(exists: now.exists, owner: now.owner)
        states[row] = state
        return state
    }
}

/// Rows that differ between two moments, by the object that they are parts of.
struct RowsOfObject {
    let object: RowID
    var rows: [RowID]
}

extension Reading {
    var presentRevision: Int64 {
        get throws { try sql.first("SELECT revision FROM gateway_state WHERE id = 1", [])?.integer("revision") ?? 0 }
    }

    /// The oldest revision whose state can be told.
    var historyFloor: Int64 {
        get throws { try sql.first("SELECT history_floor FROM gateway_state WHERE id = 1", [])?.integer("history_floor") ?? 0 }
    }

    /// - Throws: ``OperationError/invalid(field:)`` for one that is yet to come, ``StateConflict/historyForgotten(oldest:)``.
    func checkRevision(_ revision: Int64, field: String) throws {
        guard revision >= 0, try revision <= presentRevision else { throw OperationError.invalid(field: field) }
        let floor = try historyFloor
        guard revision >= floor else { throw OperationError.conflict(.historyForgotten(oldest: floor)) }
    }

    func root(_ scope: HistoryScope, instanceID: String) throws -> RowID? {
        guard case .object(let kind, let id) = scope else { return nil }
        return try HistoryKind.row(of: kind, id: id, instanceID: instanceID)
    }

    /// What may differ between two revisions within a scope.
    ///
    /// - Throws: ``OperationError/notFound(_:id:)`` when the object was there at neither.
    func changed(_ scope: HistoryScope, instanceID: String, from: Int64, to: Int64) throws -> [RowsOfObject] {
        let root = try root(scope, instanceID: instanceID)
        let (later, earlier) = (try Timeline(sql, oldest: from), try Timeline(sql, oldest: from))
        try later.rewind(to: to)
        try earlier.rewind(to: from)
        if let root, case .object(let kind, let id) = scope, try !later.exists(root), try !earlier.exists(root) {
            throw OperationError.notFound(kind, id: id)
        }
        // What a row belongs to at either moment takes it along: an API that moves between groups keeps what was made of it
        // in between with it.
        var known: [RowID: Bool] = [:]
        func isSelected(_ row: RowID) throws -> Bool {
            guard let root else { return true }
            if row == root { return true }
            if let answer = known[row] { return answer }
            known[row] = false
            let answer = try [later.owner(row), earlier.owner(row)].contains { try $0.map(isSelected) ?? false }
            known[row] = answer
            return answer
        }
        var objects: [RowID: RowID] = [:]
        for row in Set(try sql.rowChanges(after: from).filter { $0.revision <= to }.map(\.row)) where try isSelected(row) {
            objects[row] = try later.object(of: row) ?? earlier.object(of: row)
        }
        var found: [RowID: [RowID]] = [:]
        for (row, object) in objects { found[object, default: []].append(row) }
        func place(_ row: RowID) -> (Int, String) { (CapturedTable.order[row.table] ?? 0, row.key) }
        return found.sorted { place($0.key) < place($1.key) }
            .map { RowsOfObject(object: $0.key, rows: $0.value.sorted { place($0) < place($1) }) }
    }
}
