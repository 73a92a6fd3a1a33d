import GatewayModel
import Store

/// Which change records are wanted; nil and empty: all.
public struct ChangeFilter: Sendable {
    public var kind: String?
    public var objectID: String?
    public var actor: String?
    public var instanceID: String?
    /// Revisions from and up to these, both included.
    public var from: UInt64?
    public var through: UInt64?
    public var requestID: String?
    public var act: HistoryObject.Act?
    /// Made from and up to these moments, both included.
    public var since: Timestamp?
    public var until: Timestamp?

    public init(
        kind: String? = nil, objectID: String? = nil, actor: String? = nil, instanceID: String? = nil, from: UInt64? = nil,
        through: UInt64? = nil
    ) {
        self.kind = kind
        self.objectID = objectID
        self.actor = actor
        self.instanceID = instanceID
        self.from = from
        self.through = through
    }

    var condition: Condition {
        var condition = Condition()
        condition.equal("kind", kind)
        condition.equal("object_id", objectID)
        condition.equal("actor", actor)
        condition.equal("instance_id", instanceID)
        if let from { condition.and("revision >= ?", .integer(Int64(clamping: from))) }
        condition.equal("request_id", requestID)
        switch act {
        case .create: condition.and("before_json IS NULL")
        case .remove: condition.and("before_json IS NOT NULL AND after_json IS NULL")
        case .change: condition.and("before_json IS NOT NULL AND after_json IS NOT NULL")
        case nil: break
        }
        if let since { condition.and("made_at >= ?", .integer(since.nanoseconds)) }
        if let until { condition.and("made_at <= ?", .integer(until.nanoseconds)) }
        if let through { condition.and("revision <= ?", .integer(Int64(clamping: through))) }
        return condition
    }
}

/// What a look over all change records found.
public enum ChangeVerification: Sendable, Equatable {
    /// - Parameter head: names this state of the records; a later look that has it among its seals has all of them before it.
    case intact(records: Int, head: String)
    /// The first record that does not fit to the one before it.
    case broken(revision: Int64, position: Int)
    /// All records fit, and there are fewer or others than were written.
    case incomplete(records: Int, expected: Int)
}

extension ControlPlane {
    static let changesPerRead = 500

    /// Newest first.
    public func changes(_ filter: ChangeFilter, page: Page) async throws -> Listing<ChangeRow> {
        try await read { r in
            try r.sql.page(ChangeRow.self, where: filter.condition, order: "revision DESC, position DESC", page: page)
        }
    }

    /// Hands over all records that match, oldest first, as one consistent state.
    public func exportChanges(_ filter: ChangeFilter, _ receive: @escaping @Sendable (ChangeRow) throws -> Void) async throws {
        try await read { r in
            try Self.forEachChange(filter, r) { change in
                try receive(change)
                return true
            }
        }
    }

    /// Records that match, oldest first, behind a place among them.
    ///
    /// - Parameter after: revision and position; nil: from the first.
    public func changes(
        _ filter: ChangeFilter, after: (revision: Int64, position: Int)?, limit: Int
    ) async throws -> [ChangeRow] {
        try await read { r in try Self.changes(filter, after: after, limit: limit, r) }
    }

    /// The present revision.
    public func presentRevision() async throws -> UInt64 { try await read { r in UInt64(clamping: try r.presentRevision) } }

    /// Looks at every record: none was changed, removed, added or moved since it was written.
    public func verifyChanges() async throws -> ChangeVerification {
        let chain = box.changeChain
        return try await read { r in
            var previous = ""
            var count = 0
            var broken: ChangeVerification?
            try Self.forEachChange(ChangeFilter(), r) { change in
                let seal = chain.seal(change, after: previous)
                guard seal == change.seal else {
                    broken = .broken(revision: change.revision, position: change.position)
                    return false
                }
                previous = seal
                count += 1
                return true
            }
            if let broken { return broken }
            let state = try r.sql.first("SELECT audit_count, audit_seal FROM gateway_state WHERE id = 1", [])
            let expected = try state?.int("audit_count") ?? 0
            guard count == expected, try state?.text("audit_seal") == (count == 0 ? "" : chain.seal(count: count, last: previous))
            else { return .incomplete(records: count, expected: expected) }
            return .intact(records: count, head: previous)
        }
    }

    /// Whether a record carries this seal.
    public func hasChange(sealed seal: String) async throws -> Bool {
        try await read { r in try r.sql.count("SELECT COUNT(*) AS n FROM changes WHERE seal = ?", [.text(seal)]) > 0 }
    }

    /// - Parameter body: false ends the walk.
    private static func forEachChange(_ filter: ChangeFilter, _ r: Reading, _ body: (ChangeRow) throws -> Bool) throws {
        var last: (revision: Int64, position: Int)?
        while true {
            let page = try changes(filter, after: last, limit: changesPerRead, r)
            for change in page {
                guard try body(change) else { return }
                last = (change.revision, change.position)
            }
            if page.count < changesPerRead { return }
        }
    }

    private static func changes(
        _ filter: ChangeFilter, after: (revision: Int64, position: Int)?, limit: Int, _ r: Reading
    ) throws -> [ChangeRow] {
        var condition = filter.condition
        if let after {
            condition.and(
                "(revision > ? OR (revision = ? AND position > ?))", .integer(after.revision), .integer(after.revision),
                SQLValue(after.position))
        }
        return try r.sql.query(
            "SELECT \(ChangeRow.columns.joined(separator: ", ")) FROM changes\(condition.sql) ORDER BY revision, position LIMIT ?",
            condition.arguments + [SQLValue(limit)]
        ).map { try ChangeRow(row: $0) }
    }
}
