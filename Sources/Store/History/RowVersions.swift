import Foundation

/// A row of a captured table.
public struct RowID: Hashable, Sendable {
    public let table: String
    public let key: String

    public init(table: String, key: String) {
        self.table = table
        self.key = key
    }
}

/// All columns of a row by name.
public typealias RowImage = [String: SQLValue]

/// That a revision changed a row, and how it stood before.
public struct RowChange: Sendable {
    public let row: RowID
    public let revision: Int64
    /// Whether the row was there before.
    public let existed: Bool
    /// Row key of its owner then; nil for none.
    public let owner: String?
}

/// Table `row_versions`, which the database itself fills (``StoreDriver/capture(_:in:)``): for each row that a revision
/// changed, the row before.
extension SQLConnection {
    /// Changes of rows after a revision, the newest first.
    public func rowChanges(after revision: Int64) throws -> [RowChange] {
        try query(
            """
            SELECT table_name, row_key, revision, owner_key, CASE WHEN image IS NULL THEN 0 ELSE 1 END AS existed
            FROM row_versions WHERE revision > ? ORDER BY revision DESC
            """, [.integer(revision)]
        ).map { row in
            RowChange(
                row: RowID(table: try row.text("table_name"), key: try row.text("row_key")),
                revision: try row.integer("revision"), existed: try row.flag("existed"), owner: try row.optionalText("owner_key"))
        }
    }

    /// A row as it was when a revision had been made; nil when it was not there.
    public func image(of id: RowID, at revision: Int64) throws -> RowImage? {
        let later = try first(
            "SELECT image FROM row_versions WHERE table_name = ? AND row_key = ? AND revision > ? ORDER BY revision LIMIT 1",
            [.text(id.table), .text(id.key), .integer(revision)])
        guard let later else { return try presentImage(of: id) }
        return try later.optionalText("image").map(Self.image)
    }

    /// A row as it is.
    public func presentImage(of id: RowID) throws -> RowImage? {
        guard let table = CapturedTable.named[id.table] else { throw StoreError.malformed("no history of \(id.table)") }
        return try first("SELECT * FROM \(table.name) WHERE \(table.keyCondition)", table.keyArguments(id.key))?.named
    }

    /// Row key of the owner of a row as it is; nil when there is no such row.
    public func presentOwner(of id: RowID) throws -> (exists: Bool, owner: String?) {
        guard let table = CapturedTable.named[id.table] else { throw StoreError.malformed("no history of \(id.table)") }
        let owner = table.owner.map { CapturedTable.keyExpression($0.columns) } ?? "NULL"
        let row = try first("SELECT \(owner) AS owner FROM \(table.name) WHERE \(table.keyCondition)", table.keyArguments(id.key))
        return (row != nil, try row?.optionalText("owner"))
    }

    /// Rows of a table that refer to a row.
    public func rows(of table: CapturedTable, referring reference: CapturedTable.Reference, to key: String) throws -> [RowID] {
        try query(
            """
            SELECT \(CapturedTable.keyExpression(table.key)) AS row_key FROM \(table.name)
            WHERE \(CapturedTable.condition(reference.columns))
            """, CapturedTable.arguments(reference.columns, key)
        ).map { RowID(table: table.name, key: try $0.text("row_key")) }
    }

    /// Forgets states before a revision, which then is the oldest that can be told.
    public func forgetVersions(before revision: Int64) throws(StoreError) {
        let moved = try execute("UPDATE gateway_state SET history_floor = ? WHERE id = 1 AND history_floor < ?", [.integer(revision), .integer(revision)])
        if moved > 0 { try execute("DELETE FROM row_versions WHERE revision <= ?", [.integer(revision)]) }
    }

    public func deleteRow(_ id: RowID) throws {
        guard let table = CapturedTable.named[id.table] else { throw StoreError.malformed("no history of \(id.table)") }
        try execute("DELETE FROM \(table.name) WHERE \(table.keyCondition)", table.keyArguments(id.key))
    }

    /// Gives a row other values in its unique columns, which no other row has.
    public func parkRow(_ id: RowID, columns: [String]) throws {
        guard let table = CapturedTable.named[id.table] else { throw StoreError.malformed("no history of \(id.table)") }
        let assignments = columns.map { "\($0) = ?" }.joined(separator: ", ")
        try execute(
            "UPDATE \(table.name) SET \(assignments) WHERE \(table.keyCondition)",
            columns.map { _ in .text("\u{7F}\(id.key)") } + table.keyArguments(id.key))
    }

    /// Makes a row what an image says, whether it is there or not.
    public func putRow(_ id: RowID, _ image: RowImage) throws {
        guard let table = CapturedTable.named[id.table] else { throw StoreError.malformed("no history of \(id.table)") }
        let columns = image.keys.sorted()
        // Names of columns come from the database's own images, and are held to the form of names all the same.
        guard columns.allSatisfy({ $0.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F || (0x30...0x39).contains($0) } }) else {
            throw StoreError.malformed("an image of \(id.table)")
        }
        let values = columns.map { image[$0] ?? .null }
        let changed = try execute(
            "UPDATE \(table.name) SET \(columns.map { "\($0) = ?" }.joined(separator: ", ")) WHERE \(table.keyCondition)",
            values + table.keyArguments(id.key))
        guard changed == 0 else { return }
        let marks = Array(repeating: "?", count: columns.count).joined(separator: ", ")
        try execute("INSERT INTO \(table.name) (\(columns.joined(separator: ", "))) VALUES (\(marks))", values)
    }

    private static func image(_ text: String) throws(StoreError) -> RowImage {
        do {
            return try JSONDecoder().decode([String: ImageValue].self, from: Data(text.utf8)).mapValues(\.value)
        } catch {
            throw .malformed("an image of a row")
        }
    }
}

extension CapturedTable {
    var keyCondition: String { Self.condition(key) }

    func keyArguments(_ text: String) -> [SQLValue] { Self.arguments(key, text) }

    static func condition(_ columns: [String]) -> String {
        // The first column alone finds few rows, by an index.
        columns.enumerated().map { $0 == 0 ? "\($1) = ?" : "COALESCE(\($1), '') = ?" }.joined(separator: " AND ")
    }

    static func arguments(_ columns: [String], _ key: String) -> [SQLValue] {
        var parts = key.split(separator: "/", maxSplits: columns.count - 1, omittingEmptySubsequences: false).map(String.init)
        while parts.count < columns.count { parts.append("") }
        return parts.map(SQLValue.text)
    }

    /// Row key of what a reference of an image leads to; nil when it leads to nothing.
    public static func target(of reference: Reference, in image: RowImage) -> String? {
        var parts: [String] = []
        for column in reference.columns {
            guard case .text(let text)? = image[column], !text.isEmpty else { return nil }
            parts.append(text)
        }
        return parts.joined(separator: "/")
    }
}

private struct ImageValue: Decodable {
    let value: SQLValue

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let number = try? container.decode(Int64.self) {
            value = .integer(number)
        } else {
            value = .text(try container.decode(String.self))
        }
    }
}
