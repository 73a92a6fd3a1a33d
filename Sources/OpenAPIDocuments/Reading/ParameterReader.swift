import GatewayModel
import GatewayPrimitives

/// Parameters of an operation with those of its path item; what describes the body becomes a remark.
struct ParameterReader {
    struct Found {
        var parameters: [RequestParameter] = []
        var orchestrations: [String: [String]] = [:]
        var bodyRemark = ""
    }

    /// Characters of a body's remark (contract, ApiCreate.body_remark).
    static let bodyRemarkLimit = 20_480

    let context: DocumentContext

    func read(item: JSONValue, operation: JSONValue) throws(InvalidField) -> Found {
        var found = Found()
        // Those of the operation stand for those of the path item.
        var places: [String: Int] = [:]
        for parameter in try item.list("parameters") + operation.list("parameters") {
            let value = try context.resolved(parameter, "parameters")
            guard case .object = value else { throw InvalidField(field: "parameters", reason: "not an object") }
            switch try value.text("in") {
            case "body": found.bodyRemark = try bodyRemark(value)
            case "path", "query", "header":
                let made = try self.parameter(value)
                let key = "\(made.location.rawValue) \(made.name)"
                if let place = places[key] {
                    found.parameters[place] = made
                } else {
                    places[key] = found.parameters.count
                    found.parameters.append(made)
                }
                let rules = try value.words(Extension.orchestrations)
                found.orchestrations[key] = rules.isEmpty ? nil : rules
            // Fields of forms and cookies reach the backend as they are; nothing can be said about them.
            case "formData", "cookie": continue
            default: throw InvalidField(field: "in", reason: "unknown")
            }
        }
        if let body = operation["requestBody"] {
            let resolved = try context.resolved(body, "requestBody")
            let content = try resolved.object("content")?.members.first?.value
            found.bodyRemark = try remark(description: resolved.word("description"), schema: content.flatMap { $0["schema"] })
        }
        return found
    }

    private func bodyRemark(_ value: JSONValue) throws(InvalidField) -> String {
        try remark(description: value.word("description"), schema: value["schema"])
    }

    /// The schema as compact JSON; the description when there is no schema to speak of.
    private func remark(description: String?, schema: JSONValue?) -> String {
        guard let schema, case .object(let members) = schema, !members.isEmpty else { return description ?? "" }
        let text = schema.text
        return text.unicodeScalars.count <= Self.bodyRemarkLimit ? text : description ?? ""
    }

    private func parameter(_ value: JSONValue) throws(InvalidField) -> RequestParameter {
        guard let name = try value.text("name") else { throw InvalidField(field: "name", reason: "absent") }
        guard let location = ParameterLocation(rawValue: (try value.text("in") ?? "").uppercased()) else {
            throw InvalidField(field: "in", reason: "unknown")
        }
        // OpenAPI 3 has type and limits in a schema, OpenAPI 2 beside the name.
        let schema = try context.version == .three ? context.resolved(value.object("schema") ?? .object([]), "schema") : value
        let type = switch try schema.text("type")?.lowercased() {
        case "integer"?, "number"?, "long"?, "float"?, "double"?: "NUMBER"
        default: "STRING"
        }
        let always = try value.word(Extension.passThrough)?.lowercased()
        return RequestParameter(
            id: "", name: name, type: type, location: location,
            required: location == .path ? true : try value.flag("required") ?? false, defaultValue: try filled(schema, "default"),
            remark: try value.remark("description", limit: 255),
            sampleValue: try filled(value, value[Extension.example] == nil ? "example" : Extension.example),
            validates: try value.flag(Extension.validate) ?? false, enumerations: try enumerations(schema),
            minNumber: try schema.integer("minimum"), maxNumber: try schema.integer("maximum"),
            minSize: try schema.integer("minLength"), maxSize: try schema.integer("maxLength"),
            regular: try filled(schema, "pattern"), jsonSchema: try filled(value, Extension.jsonSchema),
            passThrough: always == nil || always == "always" || always == "true")
    }

    private func filled(_ value: JSONValue, _ name: String) throws(InvalidField) -> String? {
        // Samples and defaults of lists and objects say nothing about one value.
        switch value[name] {
        case .array?, .object?: return nil
        default: return try value.word(name).flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    private func enumerations(_ schema: JSONValue) throws(InvalidField) -> String? {
        var words: [String] = []
        for element in try schema.list("enum") {
            switch element {
            case .string(let text):
                // Words are kept in one text, parted by commas.
                guard !text.contains(",") else { throw InvalidField(field: "enum", reason: "a comma within a word") }
                words.append(text)
            case .number(let number): words.append(number.text)
            case .bool(let flag): words.append(flag ? "true" : "false")
            default: throw InvalidField(field: "enum", reason: "not words")
            }
        }
        return words.isEmpty ? nil : words.joined(separator: ",")
    }
}
