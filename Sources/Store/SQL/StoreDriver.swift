/// A connection inside one transaction. Not to be kept or used after the closure that received it; used by one thread at a time.
///
/// SQL is the subset that SQLite (3.35 and later) and PostgreSQL share; parameters are written `?` in order.
public protocol SQLConnection: AnyObject {
    /// Runs a statement and returns the number of rows that it changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> Int
    func query(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> [SQLRow]
}

/// A database. Calls block: they are made on the store's own queues, never on an event loop.
public protocol StoreDriver: Sendable {
    /// Runs `body` against one consistent state. May run beside a writer.
    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result
    /// Runs `body` in one write transaction: durable when this returns, undone when `body` throws.
    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result
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
