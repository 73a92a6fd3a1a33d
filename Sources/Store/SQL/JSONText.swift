import Foundation

/// Columns that hold a part of an object as JSON, with sorted keys.
enum JSONText {
    static func write(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Values of this program's own types have a JSON form: texts, numbers, lists.
        guard let data = try? encoder.encode(value) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    static func read<Value: Decodable>(_ type: Value.Type, _ text: String, column: String) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw .malformed("column \(column)")
        }
    }
}
