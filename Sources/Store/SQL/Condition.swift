/// A `WHERE` clause under construction: clauses joined by AND, with their arguments in order.
public struct Condition: Sendable {
    public private(set) var clauses: [String] = []
    public private(set) var arguments: [SQLValue] = []

    public init() {}

    /// - Parameter sql: a clause of the program's own making, `?` for each argument.
    public mutating func and(_ sql: String, _ arguments: SQLValue...) {
        clauses.append(sql)
        self.arguments += arguments
    }

    /// The same with as many arguments as the clause has marks.
    public mutating func and(_ sql: String, arguments more: [SQLValue]) {
        clauses.append(sql)
        arguments += more
    }

    /// Nothing for nil and for the empty text: an empty filter is no filter.
    public mutating func equal(_ column: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        and("\(column) = ?", .text(value))
    }

    /// Substring without regard to ASCII case, or the whole value when `exactly`.
    public mutating func matches(_ column: String, _ value: String?, exactly: Bool = false) {
        guard let value, !value.isEmpty else { return }
        if exactly {
            and("\(column) = ?", .text(value))
        } else {
            and("LOWER(\(column)) LIKE LOWER(?) ESCAPE '!'", .text("%" + Self.escaped(value) + "%"))
        }
    }

    /// A list that is empty matches nothing.
    public mutating func isIn(_ column: String, _ values: [String]) {
        guard !values.isEmpty else { return and("1 = 0") }
        clauses.append("\(column) IN (\(Array(repeating: "?", count: values.count).joined(separator: ", ")))")
        arguments += values.map(SQLValue.text)
    }

    public var sql: String { clauses.isEmpty ? "" : " WHERE " + clauses.joined(separator: " AND ") }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            if character == "%" || character == "_" || character == "!" { out.append("!") }
            out.append(character)
        }
        return out
    }
}

/// Which part of a list is wanted.
public struct Page: Sendable, Equatable {
    /// 0 or more.
    public let offset: Int
    /// 1...500.
    public let limit: Int
    public init(offset: Int, limit: Int) {
        self.offset = offset
        self.limit = limit
    }
}

/// One page of a list and the number of all matches.
public struct Listing<Element: Sendable>: Sendable {
    public let total: Int
    public let items: [Element]
    public init(total: Int, items: [Element]) {
        self.total = total
        self.items = items
    }
    public func map<Other: Sendable>(_ transform: (Element) throws -> Other) rethrows -> Listing<Other> {
        Listing<Other>(total: total, items: try items.map(transform))
    }
}

extension SQLConnection {
    /// One page of `SELECT columns FROM tables WHERE condition ORDER BY order`.
    public func page<Element: Sendable>(
        _ columns: String, from tables: String, where condition: Condition, order: String, page: Page,
        _ make: (SQLRow) throws -> Element
    ) throws -> Listing<Element> {
        let total = try count("SELECT COUNT(*) AS n FROM \(tables)\(condition.sql)", condition.arguments)
        guard page.offset < total else { return Listing(total: total, items: []) }
        let rows = try query(
            "SELECT \(columns) FROM \(tables)\(condition.sql) ORDER BY \(order) LIMIT ? OFFSET ?",
            condition.arguments + [SQLValue(page.limit), SQLValue(page.offset)])
        return Listing(total: total, items: try rows.map(make))
    }
}
