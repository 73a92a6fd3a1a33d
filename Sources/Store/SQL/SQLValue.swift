/// A value as both databases know it. Secrets are stored as text (base64 of their sealed form), never as blobs, and moments as
/// integers, so that no column needs a type that one of the databases lacks.
public enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case text(String)

    public init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    public init(_ number: Int) { self = .integer(Int64(number)) }
    public init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
}

/// One row of an answer; columns are found by name.
public struct SQLRow: Sendable {
    private let columns: [String: Int]
    private let values: [SQLValue]

    /// - Parameter columns: name -> index, shared by all rows of an answer.
    public init(columns: [String: Int], values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// - Throws: ``StoreError/malformed(_:)`` when there is no such column.
    public subscript(_ column: String) -> SQLValue {
        get throws(StoreError) {
            guard let index = columns[column] else { throw .malformed("no column \(column)") }
            return values[index]
        }
    }

    /// All columns by name.
    public var named: [String: SQLValue] { columns.mapValues { values[$0] } }

    public func text(_ column: String) throws(StoreError) -> String {
        guard case .text(let value) = try self[column] else { throw .malformed("column \(column) is not text") }
        return value
    }

    public func optionalText(_ column: String) throws(StoreError) -> String? {
        switch try self[column] {
        case .null: return nil
        case .text(let value): return value
        case .integer: throw .malformed("column \(column) is not text")
        }
    }

    public func integer(_ column: String) throws(StoreError) -> Int64 {
        guard case .integer(let value) = try self[column] else { throw .malformed("column \(column) is not a number") }
        return value
    }

    public func int(_ column: String) throws(StoreError) -> Int { Int(try integer(column)) }

    public func flag(_ column: String) throws(StoreError) -> Bool { try integer(column) != 0 }
}

/// What a database can answer besides rows.
public enum StoreError: Error, Sendable, Equatable {
    /// A unique index refused the write; `detail` names table and columns.
    case notUnique(detail: String)
    /// A foreign key refused the write.
    case referenced(detail: String)
    /// The disk is full or the database refuses writes.
    case readOnly(detail: String)
    /// The database is in use by another process, or did not answer in time.
    case busy(detail: String)
    /// A row does not have the expected form.
    case malformed(String)
    /// Anything else; for logs only.
    case failed(detail: String)
}
