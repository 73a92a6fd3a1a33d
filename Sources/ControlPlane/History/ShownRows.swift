import GatewayModel
import GatewayPrimitives
import Store

/// Rows as people may see them: columns by name, JSON in its members, secrets masked.
struct ShownRows {
    static let mask = "**********"
    private static let limits = JSONValue.Limits(length: 8 << 20, depth: 64, values: 400_000)

    let box: SecretBox

    /// All fields of an object by path.
    ///
    /// - Parameter rows: its rows with their images; those that are not there are left out.
    func fields(of object: RowID, _ rows: [(row: RowID, image: RowImage)]) throws -> [String: Field] {
        var fields: [String: Field] = [:]
        for (row, image) in rows {
            guard let table = CapturedTable.named[row.table] else { continue }
            let isOwn = row == object
            let prefix = isOwn ? "" : "\(row.table)[\(row.key)]."
            for (column, value) in image {
                let path = prefix + column
                if column == table.sealed {
                    try addSealed(value, path, table, row, image, &fields)
                } else {
                    Self.add(value, path, &fields)
                }
            }
        }
        return fields
    }

    struct Field: Equatable {
        /// What may be seen of it.
        let shown: String
        /// What it is compared by; never shown.
        let compared: String
    }

    private func addSealed(
        _ value: SQLValue, _ path: String, _ table: CapturedTable, _ row: RowID, _ image: RowImage, _ fields: inout [String: Field]
    ) throws {
        guard case .text(let sealed) = value, !sealed.isEmpty else { return Self.add(value, path, &fields) }
        let opened = try box.open(sealed, context: "\(table.name):\(row.key)")
        fields[path] = Field(shown: Self.mask, compared: opened)
        // Of a plug-in's content all may be seen but its password.
        if table.name == "plugins", case .text(let type)? = image["plugin_type"], let type = PluginType(rawValue: type) {
            Self.add(.text(PluginSecrets.hidden(opened, type: type)), "plugin_content", &fields)
        }
    }

    private static func add(_ value: SQLValue, _ path: String, _ fields: inout [String: Field]) {
        switch value {
        case .null: break
        case .integer(let number): fields[path] = Field(shown: String(number), compared: String(number))
        case .text(let text):
            if text.hasPrefix("{") || text.hasPrefix("["), let json = try? JSONValue(parsing: text, limits: limits) {
                add(json, path, &fields)
            } else {
                fields[path] = Field(shown: text, compared: text)
            }
        }
    }

    private static func add(_ value: JSONValue, _ path: String, _ fields: inout [String: Field]) {
        switch value {
        case .null: break
        case .object(let members) where !members.isEmpty: for member in members { add(member.value, "\(path).\(member.name)", &fields) }
        case .array(let elements) where !elements.isEmpty:
            for (index, element) in elements.enumerated() { add(element, "\(path)[\(index)]", &fields) }
        case .string(let text): fields[path] = Field(shown: text, compared: text)
        case .bool, .number, .object, .array: fields[path] = Field(shown: value.text, compared: value.text)
        }
    }

    /// The name of what a row holds.
    static func name(_ image: RowImage?) -> String? {
        for column in ["name", "config_name", "host", "tag_key", "version_no"] {
            if case .text(let text)? = image?[column] { return text }
        }
        return nil
    }
}
