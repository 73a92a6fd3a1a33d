import Dispatch
import Foundation
import GRDB
import Store
import Synchronization

/// The embedded database: one SQLite file, write-ahead log, full synchronous. Any thread; calls block.
public final class SQLiteStore: StoreDriver {
    private let pool: DatabasePool

    private static let readers = 4

    /// Opens or creates the file, with everything that is needed to read and write it later, and brings its schema up to date.
    ///
    /// - Throws: ``StoreError``.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = Self.readers
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // An answered write survives a power cut (design.md, invariant 2).
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // A sort or a long statement must not need a file when there is no descriptor or no room for one.
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch {
            throw SQLiteConnection.storeError(error)
        }
        try Schema.migrate(self)
        try mapped { try Self.openReaders(pool) }
    }

    /// The pool would open a connection when it is needed, and there may be no descriptor left then. All of them read at the same time once.
    private static func openReaders(_ pool: DatabasePool) throws {
        let reading = DispatchGroup()
        let ended = DispatchGroup()
        let failure = Mutex<(any Error)?>(nil)
        for _ in 0..<readers {
            reading.enter()
            ended.enter()
        }
        for _ in 0..<readers {
            Thread.detachNewThread {
                var isReading = false
                do {
                    try pool.read { db in
                        _ = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master")
                        isReading = true
                        reading.leave()
                        reading.wait()
                    }
                } catch {
                    failure.withLock { $0 = error }
                    if !isReading { reading.leave() }
                }
                ended.leave()
            }
        }
        ended.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    public func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try mapped { try pool.read { try body(SQLiteConnection($0)) } }
    }

    public func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try mapped {
            try pool.writeWithoutTransaction { db in
                var result: Result?
                try db.inTransaction(.immediate) {
                    result = try body(SQLiteConnection(db))
                    return .commit
                }
                guard let result else { throw StoreError.failed(detail: "the transaction gave no result") }
                return result
            }
        }
    }

    public func close() throws {
        try mapped { try pool.close() }
    }

    public func capture(_ tables: [CapturedTable], in sql: any SQLConnection) throws {
        var present: [String: String] = [:]
        for row in try sql.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'capture!_%' ESCAPE '!'") {
            present[try row.text("name")] = try row.text("sql")
        }
        for table in tables {
            let columns = try sql.query("SELECT name FROM pragma_table_info('\(table.name)')").map { try $0.text("name") }
            for (name, statement) in CaptureTriggers.statements(table, columns: columns) where present[name] != statement {
                try sql.execute("DROP TRIGGER IF EXISTS \(name)")
                try sql.execute(statement)
            }
        }
    }

    /// The database's own errors become ``StoreError``; what a closure throws passes unchanged.
    private func mapped<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw SQLiteConnection.storeError(error)
        }
    }
}

private final class SQLiteConnection: SQLConnection {
    private let db: Database

    init(_ db: Database) { self.db = db }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> Int {
        do {
            let statement = try db.cachedStatement(sql: sql)
            try statement.setArguments(Self.arguments(arguments))
            try statement.execute()
            return db.changesCount
        } catch {
            throw Self.storeError(error)
        }
    }

    func query(_ sql: String, _ arguments: [SQLValue]) throws(StoreError) -> [SQLRow] {
        do {
            let statement = try db.cachedStatement(sql: sql)
            var columns: [String: Int] = [:]
            for (index, name) in statement.columnNames.enumerated() where columns[name] == nil { columns[name] = index }
            let cursor = try Row.fetchCursor(statement, arguments: Self.arguments(arguments))
            var rows: [SQLRow] = []
            while let row = try cursor.next() {
                var values: [SQLValue] = []
                values.reserveCapacity(row.count)
                for index in 0..<row.count {
                    let value: DatabaseValue = row[index]
                    switch value.storage {
                    case .null: values.append(.null)
                    case .int64(let number): values.append(.integer(number))
                    case .string(let text): values.append(.text(text))
                    case .double, .blob: throw StoreError.malformed("a column holds neither text nor a number")
                    }
                }
                rows.append(SQLRow(columns: columns, values: values))
            }
            return rows
        } catch {
            throw Self.storeError(error)
        }
    }

    func deferReferences() throws(StoreError) { _ = try execute("PRAGMA defer_foreign_keys = ON", []) }

    private static func arguments(_ values: [SQLValue]) -> StatementArguments {
        StatementArguments(
            values.map { value -> (any DatabaseValueConvertible)? in
                switch value {
                case .null: nil
                case .integer(let number): number
                case .text(let text): text
                }
            })
    }

    static func storeError(_ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let error = error as? DatabaseError else { return .failed(detail: "\(error)") }
        let detail = error.message ?? "\(error.resultCode)"
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY: return .notUnique(detail: detail)
        case .SQLITE_CONSTRAINT_FOREIGNKEY: return .referenced(detail: detail)
        default: break
        }
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_IOERR: return .readOnly(detail: detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(detail: detail)
        default: return .failed(detail: detail)
        }
    }
}
