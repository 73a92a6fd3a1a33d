/// A row of one table as a value. The record owns the table: nobody else writes its columns.
public protocol Record: Sendable {
    static var table: String { get }
    /// All columns, the key columns first.
    static var columns: [String] { get }
    /// How many of ``columns`` form the primary key.
    static var keyLength: Int { get }
    /// In the order of ``columns``.
    var values: [SQLValue] { get }
    init(row: SQLRow) throws
}

extension Record {
    public static var keyLength: Int { 1 }

    /// `alias.column, ...` for selects that join.
    public static func columnList(_ alias: String) -> String {
        columns.map { "\(alias).\($0)" }.joined(separator: ", ")
    }
}

extension SQLConnection {
    public func insert(_ record: some Record) throws(StoreError) {
        let type = Swift.type(of: record)
        let marks = Array(repeating: "?", count: type.columns.count).joined(separator: ", ")
        try execute("INSERT INTO \(type.table) (\(type.columns.joined(separator: ", "))) VALUES (\(marks))", record.values)
    }

    /// Writes all columns of the row with the record's key.
    public func update(_ record: some Record) throws(StoreError) {
        let type = Swift.type(of: record)
        let key = type.keyLength
        let assignments = type.columns[key...].map { "\($0) = ?" }.joined(separator: ", ")
        let condition = type.columns[..<key].map { "\($0) = ?" }.joined(separator: " AND ")
        let values = record.values
        let changed = try execute(
            "UPDATE \(type.table) SET \(assignments) WHERE \(condition)", Array(values[key...]) + Array(values[..<key]))
        guard changed == 1 else { throw .malformed("\(changed) rows of \(type.table) have one key") }
    }

    /// - Returns: whether there was such a row.
    @discardableResult
    public func delete<R: Record>(_ type: R.Type, key: String...) throws(StoreError) -> Bool {
        let condition = R.columns[..<R.keyLength].map { "\($0) = ?" }.joined(separator: " AND ")
        return try execute("DELETE FROM \(R.table) WHERE \(condition)", key.map(SQLValue.text)) > 0
    }

    public func find<R: Record>(_ type: R.Type, key: String...) throws -> R? {
        let condition = R.columns[..<R.keyLength].map { "\($0) = ?" }.joined(separator: " AND ")
        return try first(
            "SELECT \(R.columns.joined(separator: ", ")) FROM \(R.table) WHERE \(condition)", key.map(SQLValue.text)
        ).map { try R(row: $0) }
    }

    /// All rows that match, in `order`.
    public func all<R: Record>(_ type: R.Type, where condition: Condition, order: String? = nil) throws -> [R] {
        let sql = "SELECT \(R.columns.joined(separator: ", ")) FROM \(R.table)\(condition.sql)"
        return try query(sql + (order.map { " ORDER BY \($0)" } ?? ""), condition.arguments).map { try R(row: $0) }
    }

    public func page<R: Record>(
        _ type: R.Type, where condition: Condition, order: String, page: Page
    ) throws -> Listing<R> {
        try self.page(R.columns.joined(separator: ", "), from: R.table, where: condition, order: order, page: page) {
            try R(row: $0)
        }
    }

    public func count<R: Record>(_ type: R.Type, where condition: Condition) throws(StoreError) -> Int {
        try count("SELECT COUNT(*) AS n FROM \(R.table)\(condition.sql)", condition.arguments)
    }
}
