import GatewayModel
import GatewayPrimitives

/// Swagger 2.0 documents of live-data APIs, both ways. A document that was written and is read again describes the same APIs.
public enum LivedataDocument {
    /// What the scripts of an API are called; SQL and SP need data sources, which no instance has.
    private static let scriptType = "function"

    // MARK: writing

    /// - Parameter apis: each with the `sign_key` of its signature key, if it has one. Method and path differ.
    public static func write(
        title: String, version: String, _ apis: [(api: LivedataAPI, signatureKey: String?)]
    ) -> JSONValue {
        var info = Members()
        info.put("title", .string(title))
        info.put("version", .string(version))
        var paths: [JSONMember] = []
        for path in Set(apis.map(\.api.path)).sorted() {
            let operations = apis.filter { $0.api.path == path }.sorted { $0.api.method.rawValue < $1.api.method.rawValue }
            paths.append(
                JSONMember(
                    name: path,
                    value: .object(
                        operations.map {
                            JSONMember(name: $0.api.method.rawValue.lowercased(), value: operation($0.api, $0.signatureKey))
                        })))
        }
        var document = Members()
        document.put("swagger", .string("2.0"))
        document.put("info", info.object)
        document.put("paths", .object(paths))
        return document.object
    }

    private static func operation(_ api: LivedataAPI, _ signatureKey: String?) -> JSONValue {
        var out = Members()
        out.put("operationId", .string(api.name))
        out.put("description", text: api.description)
        out.put("produces", list: [.string(api.contentType.mediaType)])
        out.put("parameters", list: api.parameters.map(parameter))
        var success = Members()
        success.put("description", .string("success"))
        out.put("responses", .object([JSONMember(name: "200", value: success.object)]))
        out.put(LivedataExtension.version, .string(api.version))
        out.put(LivedataExtension.status, .string(api.status.word))
        out.put(LivedataExtension.romaApp, .string(api.romaAppID))
        if api.returnFormat { out.put(LivedataExtension.returnFormat, flag: true) }
        if let signatureKey {
            out.put(LivedataExtension.authType, .string("SIGNATURE"))
            out.put(LivedataExtension.signature, .object([JSONMember(name: "key", value: .string(signatureKey))]))
        }
        out.put(
            LivedataExtension.scripts,
            list: api.scripts.map { script in
                var out = Members()
                out.put("type", .string(scriptType))
                out.put("result", .string(script.objectName))
                out.put("content", .string(script.content))
                return out.object
            })
        return out.object
    }

    private static func parameter(_ parameter: LivedataParameter) -> JSONValue {
        var out = Members()
        out.put("name", .string(parameter.name))
        out.put("in", .string(parameter.location.documentWord))
        out.put("type", .string("string"))
        out.put("required", flag: parameter.required)
        out.put("default", parameter.defaultValue.map(JSONValue.string))
        out.put("description", parameter.description.map(JSONValue.string))
        return out.object
    }

    // MARK: reading

    /// - Parameter bytes: the file, JSON or YAML.
    /// - Throws: ``DocumentFault`` when nothing can be imported.
    public static func read(_ bytes: [UInt8]) throws(DocumentFault) -> [LivedataOperation] {
        let tree = try DocumentText.read(bytes)
        guard case .object = tree else { throw .unreadable(reason: "the document is no object") }
        guard (try? tree.word("swagger")) == "2.0" else { throw .wrongVersion }
        guard case .object(let items)? = tree["paths"] else { throw .syntax(reason: "paths is absent") }
        let base: String
        do {
            base = try tree.text("basePath") ?? ""
        } catch {
            throw .syntax(reason: "\(error.field): \(error.reason)")
        }
        var operations: [LivedataOperation] = []
        for item in items where !item.name.hasPrefix("x-") {
            guard item.name.hasPrefix("/") else { throw .syntax(reason: "a path that does not begin with a slash") }
            guard case .object(let members) = item.value else { throw .syntax(reason: "a path item that is no object") }
            let path = (base.hasSuffix("/") ? String(base.dropLast()) : base) + item.name
            for member in members where !member.name.hasPrefix("x-") && member.name != "parameters" {
                guard case .object = member.value else { throw .syntax(reason: "an operation that is no object") }
                operations.append(
                    LivedataOperation(
                        method: member.name.uppercased(), path: path,
                        outcome: Result { () throws(InvalidField) in
                            try description(member.value, shared: item.value, method: member.name, path: path)
                        }))
            }
        }
        return operations
    }

    private static func description(
        _ operation: JSONValue, shared: JSONValue, method: String, path: String
    ) throws(InvalidField) -> LivedataDescription {
        guard let method = LivedataAPI.Method(rawValue: method.uppercased()) else {
            throw InvalidField(field: "method", reason: "not one of live data")
        }
        guard let name = try operation.text("operationId"), !name.isEmpty else {
            throw InvalidField(field: "operationId", reason: "absent")
        }
        guard let app = try operation.text(LivedataExtension.romaApp), !app.isEmpty else {
            throw InvalidField(field: LivedataExtension.romaApp, reason: "absent")
        }
        var parameters: [LivedataParameter] = []
        for element in try shared.list("parameters") + operation.list("parameters") {
            let read = try parameter(element)
            parameters.removeAll { $0.name == read.name && $0.location == read.location }
            parameters.append(read)
        }
        return LivedataDescription(
            name: name, method: method, path: path, description: try operation.text("description") ?? "",
            version: try operation.word(LivedataExtension.version) ?? "1.0.0", contentType: try contentType(operation),
            returnFormat: try operation.flag(LivedataExtension.returnFormat) ?? false, parameters: parameters,
            scripts: try scripts(operation), romaAppID: app, signatureKey: try signatureKey(operation))
    }

    private static func contentType(_ operation: JSONValue) throws(InvalidField) -> LivedataAPI.ContentType {
        guard let type = try operation.words("produces").first else { return .json }
        guard let found = LivedataAPI.ContentType.allCases.first(where: { $0.mediaType == type }) else {
            throw InvalidField(field: "produces", reason: "not one of live data")
        }
        return found
    }

    private static func parameter(_ element: JSONValue) throws(InvalidField) -> LivedataParameter {
        guard let word = try element.text("in"),
            let location = LivedataParameter.Location.allCases.first(where: { $0.documentWord == word })
        else { throw InvalidField(field: "in", reason: "not header, query or formData") }
        return LivedataParameter(
            name: try element.text("name") ?? "", location: location, defaultValue: try element.word("default"),
            description: try element.text("description"), required: try element.flag("required") ?? false)
    }

    private static func scripts(_ operation: JSONValue) throws(InvalidField) -> [LivedataDescription.Script] {
        var scripts: [LivedataDescription.Script] = []
        for element in try operation.list(LivedataExtension.scripts) {
            guard try element.text("type") ?? scriptType == scriptType else {
                throw InvalidField(field: LivedataExtension.scripts, reason: "only scripts of type function are kept")
            }
            scripts.append(
                LivedataDescription.Script(
                    objectName: try element.text("result") ?? "", content: try element.text("content") ?? ""))
        }
        return scripts
    }

    private static func signatureKey(_ operation: JSONValue) throws(InvalidField) -> String? {
        switch try operation.text(LivedataExtension.authType) {
        case nil, "", "NONE": return nil
        case "SIGNATURE":
            guard let key = try operation.object(LivedataExtension.signature)?.text("key"), !key.isEmpty else {
                throw InvalidField(field: LivedataExtension.signature, reason: "names no key")
            }
            return key
        default: throw InvalidField(field: LivedataExtension.authType, reason: "only SIGNATURE is known")
        }
    }
}
