import GatewayModel
import Store

/// One revision as history lists it.
public struct HistoryRevision: Sendable {
    public let revision: Int64
    public let madeAt: Timestamp
    public let actor: String
    public let source: String
    public let requestID: String
    /// How many objects it changed within what was asked for.
    public let objectCount: Int
    /// The first of them.
    public let objects: [HistoryObject]
}

public struct HistoryList: Sendable {
    /// Revisions in all.
    public let total: Int
    /// The present one.
    public let revision: Int64
    /// The oldest whose state can be told and restored.
    public let oldest: Int64
    public let revisions: [HistoryRevision]
}

/// A field that differs; nil: it is not there. Secrets are masked.
public struct HistoryField: Sendable, Equatable {
    public let path: String
    public let before: String?
    public let after: String?
}

public struct HistoryDifference: Sendable {
    public let object: HistoryObject
    /// At most ``ControlPlane/shownFields``.
    public let fields: [HistoryField]
}

public struct HistoryDiff: Sendable {
    public let from: Int64
    public let to: Int64
    public let differences: Listing<HistoryDifference>
}

extension ControlPlane {
    /// Objects that history names of one revision.
    static let shownObjects = 50
    /// Fields that a diff names of one object.
    static let shownFields = 1000
    /// Characters that are shown of a field.
    static let shownLength = 2048

    /// Revisions that touched what is asked for, the newest first: of everything all that there were, of an object those whose
    /// states are kept.
    ///
    /// - Throws: ``OperationError``: unknown kind.
    public func history(_ scope: HistoryScope, instanceID: String, page: Page) async throws -> HistoryList {
        try await read { r in
            let (revision, oldest) = (try r.presentRevision, try r.historyFloor)
            guard let root = try r.root(scope, instanceID: instanceID) else {
                let total = try r.sql.count("SELECT COUNT(DISTINCT revision) AS n FROM changes")
                let rows = try r.sql.query(
                    "SELECT DISTINCT revision FROM changes ORDER BY revision DESC LIMIT ? OFFSET ?",
                    [SQLValue(page.limit), SQLValue(page.offset)])
                let revisions = try rows.compactMap { row in try r.revision(try row.integer("revision")) }
                return HistoryList(total: total, revision: revision, oldest: oldest, revisions: revisions)
            }
            let touched = try r.revisions(touching: root)
            let shown = try touched.dropFirst(page.offset).prefix(page.limit).compactMap { entry in
                try r.revision(entry.revision, objects: entry.objects)
            }
            return HistoryList(total: touched.count, revision: revision, oldest: oldest, revisions: shown)
        }
    }

    /// What differs between two revisions.
    ///
    /// - Parameter to: nil: now.
    /// - Throws: ``OperationError``: a revision that is yet to come or forgotten, an object that was there at neither.
    public func historyDiff(
        _ scope: HistoryScope, instanceID: String, from: Int64, to: Int64?, page: Page
    ) async throws -> HistoryDiff {
        try await read { r in
            let to = try to ?? r.presentRevision
            try r.checkRevision(from, field: "from_revision")
            try r.checkRevision(to, field: "to_revision")
            guard from <= to else { throw OperationError.invalid(field: "to_revision") }
            var differing: [(object: RowID, before: [(row: RowID, image: RowImage)], after: [(row: RowID, image: RowImage)])] = []
            for entry in try r.changed(scope, instanceID: instanceID, from: from, to: to) {
                let before = try r.images(entry.rows, at: from), after = try r.images(entry.rows, at: to)
                let isSame = before.count == after.count && zip(before, after).allSatisfy { $0.row == $1.row && $0.image == $1.image }
                if !isSame { differing.append((entry.object, before, after)) }
            }
            let shown = try differing.dropFirst(page.offset).prefix(page.limit).map { entry in
                try r.difference(entry.object, entry.before, entry.after)
            }
            return HistoryDiff(from: from, to: to, differences: Listing(total: differing.count, items: shown))
        }
    }
}

extension Reading {
    func images(_ rows: [RowID], at revision: Int64) throws -> [(row: RowID, image: RowImage)] {
        try rows.compactMap { row in try sql.image(of: row, at: revision).map { (row, $0) } }
    }

    fileprivate func difference(
        _ object: RowID, _ before: [(row: RowID, image: RowImage)], _ after: [(row: RowID, image: RowImage)]
    ) throws -> HistoryDifference {
        let rows = ShownRows(box: box)
        let (old, new) = (try rows.fields(of: object, before), try rows.fields(of: object, after))
        let paths = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
        let fields = paths.prefix(ControlPlane.shownFields).map { path in
            HistoryField(path: path, before: old[path].map { Self.cut($0.shown) }, after: new[path].map { Self.cut($0.shown) })
        }
        let (was, present) = (before.first { $0.row == object }?.image, after.first { $0.row == object }?.image)
        // Only parts differ: the object itself was and is there.
        let isPart = was == nil && present == nil
        return HistoryDifference(
            object: HistoryObject(
                kind: HistoryKind.kind(ofTable: object.table)?.rawValue ?? object.table, id: HistoryKind.objectID(of: object),
                name: try ShownRows.name(present ?? was ?? sql.presentImage(of: object)),
                act: isPart ? .change : was == nil ? .create : present == nil ? .remove : .change), fields: Array(fields))
    }

    private static func cut(_ text: String) -> String {
        text.count > ControlPlane.shownLength ? text.prefix(ControlPlane.shownLength) + "..." : text
    }

    /// Revisions that changed a row or what belonged to it before or after, the newest first.
    fileprivate func revisions(touching root: RowID) throws -> [(revision: Int64, objects: [RowID: HistoryObject.Act])] {
        let timeline = try Timeline(sql, oldest: historyFloor)
        var found: [(revision: Int64, objects: [RowID: HistoryObject.Act])] = []
        var isKnown = try timeline.exists(root)
        /// Objects of the rows, and whether the object itself is one of them.
        func objects(_ rows: [RowID]) throws -> [RowID: Bool] {
            var objects: [RowID: Bool] = [:]
            for row in rows where try timeline.belongs(row, to: root) {
                guard let object = try timeline.object(of: row) else { continue }
                objects[object] = objects[object] == true || object == row
            }
            return objects
        }
        var revision: Int64 = 0
        while let (before, after) = try timeline.undo({ number, rows, _ in
            revision = number
            return try objects(rows)
        }) {
            var acts: [RowID: HistoryObject.Act] = [:]
            for object in Set(before.keys).union(after.keys) {
                let isOwn = before[object] == true || after[object] == true
                acts[object] = !isOwn ? .change : before[object] == nil ? .create : after[object] == nil ? .remove : .change
            }
            if !acts.isEmpty { found.append((revision, acts)) }
            isKnown = isKnown || !acts.isEmpty
        }
        if !isKnown, let kind = HistoryKind.kind(ofTable: root.table) {
            throw OperationError.notFound(kind, id: HistoryKind.objectID(of: root))
        }
        return found
    }

    /// - Parameter objects: nil: all that the change records name.
    fileprivate func revision(_ revision: Int64, objects: [RowID: HistoryObject.Act]? = nil) throws -> HistoryRevision? {
        var own = Condition()
        own.and("revision = ?", .integer(revision))
        let first = try sql.page(
            ChangeRow.self, where: own, order: "position", page: Page(offset: 0, limit: objects == nil ? ControlPlane.shownObjects : 1))
        // Bookkeeping that no write has followed yet.
        guard let head = first.items.first else { return nil }
        let shown: [HistoryObject]
        if let objects {
            func place(_ row: RowID) -> (Int, String) { (CapturedTable.order[row.table] ?? 0, row.key) }
            shown = try objects.sorted { place($0.key) < place($1.key) }.prefix(ControlPlane.shownObjects).map { row, act in
                HistoryObject(
                    kind: HistoryKind.kind(ofTable: row.table)?.rawValue ?? row.table, id: HistoryKind.objectID(of: row),
                    name: try ShownRows.name(sql.image(of: row, at: act == .remove ? revision - 1 : revision)), act: act)
            }
        } else {
            shown = first.items.map { change in
                HistoryObject(
                    kind: change.kind, id: change.objectID, name: nil,
                    act: change.before == nil ? .create : change.after == nil ? .remove : .change)
            }
        }
        return HistoryRevision(
            revision: revision, madeAt: Timestamp(nanoseconds: head.madeAt), actor: head.actor, source: head.source,
            requestID: head.requestID, objectCount: objects?.count ?? first.total, objects: shown)
    }
}
