/// A connection inside one transaction. Not to be kept or used after the closure that received it; used by one thread at a time.
///
/// SQL is the subset that SQLite (3.35 and later) and PostgreSQL share; parameters are written `?` in order.
public protocol SQLConnection: AnyObject {
    /// Runs a statement and returns the number of rows that it changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> Int
    func query(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> [SQLRow]
    /// Foreign keys of this transaction are checked at its end, where they do not remove or change rows.
    func deferReferences() throws(StoreError)
}

/// A database. Calls block: they are made on the store's own queues, never on an event loop.
public protocol StoreDriver: Sendable {
    /// Runs `body` against one consistent state. May run beside a writer.
    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result
    /// Runs `body` in one write transaction: durable when this returns, undone when `body` throws.
    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result
    /// Lets the database keep the state before of every row of these tables that a transaction changes, by whatever way,
    /// cascades too: `row_versions` gets one row for a row and revision, the revision being that after
    /// `gateway_state.revision`. Called in the transaction that brings the schema up to date; does nothing when it is so.
    func capture(_ tables: [CapturedTable], in sql: any SQLConnection) throws
    func close() throws
}

extension SQLConnection {
    @discardableResult
    public func execute(_ sql: String) throws(StoreError) -> Int { try execute(sql, []) }
    public func query(_ sql: String) throws(StoreError) -> [SQLRow] { try query(sql, []) }

    public func first(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> SQLRow? {
        try query(sql, arguments).first
    }

    /// The single number that a `SELECT COUNT(*) AS n ...` answers.
    public func count(_ sql: String, _ arguments: [SQLValue] = []) throws(StoreError) -> Int {
        try first(sql, arguments).map { row throws(StoreError) in try row.int("n") } ?? 0
    }
}
