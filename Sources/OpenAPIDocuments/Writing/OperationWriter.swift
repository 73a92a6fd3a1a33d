import GatewayModel
import GatewayPrimitives

/// One API -> one operation.
struct OperationWriter {
    let version: DocumentVersion
    let scope: DocumentScope
    let host: String

    func write(_ api: DocumentAPI) -> JSONValue {
        let definition = api.definition
        var operation = Members()
        operation.put("operationId", .string(definition.name))
        operation.put("description", text: definition.remark)
        operation.put("tags", list: definition.tags.map(JSONValue.string))
        let schemes =
            switch definition.reqProtocol {
            case .http: ["http"]
            // Documents have no word for gRPC; exports leave such APIs out.
            case .https, .grpcs: ["https"]
            case .both: ["http", "https"]
            }
        switch version {
        case .two: operation.put("schemes", list: schemes.map(JSONValue.string))
        case .three:
            let host = host.isEmpty ? "localhost" : host
            operation.put("servers", list: schemes.map { DocumentWriter.server($0, host) })
        }
        if let name = SecurityWriter.name(definition) {
            operation.put("security", .array([.object([JSONMember(name: name, value: .array([]))])]))
        }
        parameters(api, into: &operation)
        operation.put("responses", responses(definition))
        operation.put(Extension.requestType, .string(definition.type == 2 ? "private" : "public"))
        operation.put(Extension.matchMode, .string(definition.matchMode.rawValue))
        operation.put(Extension.cors, flag: definition.cors)
        operation.put(Extension.romaApp, text: definition.romaAppID)
        operation.put(Extension.response, text: definition.responseID)
        if definition.version != "V0.0.1" { operation.put(Extension.version, text: definition.version) }
        operation.put(Extension.tag, text: definition.tag)
        operation.put(Extension.contentType, text: definition.contentType)
        if let encodes = definition.sendsFunctionBodyEncoded { operation.put(Extension.functionBase64, flag: encodes) }
        operation.put(Extension.domainName, text: definition.domainName)
        if scope != .spec { BackendWriter.write(definition, into: &operation) }
        if scope == .all {
            operation.put(Extension.rateLimit, api.policies.rateLimits)
            operation.put(Extension.accessControl, api.policies.accessControls)
            operation.put(Extension.plugins, list: api.policies.plugins.sorted().map(JSONValue.string))
        }
        return operation.object
    }

    private func responses(_ definition: APIDefinition) -> JSONValue {
        var response = Members()
        response.put("description", .string("response of api"))
        response.put(Extension.normalSample, text: definition.resultNormalSample)
        response.put(Extension.failureSample, text: definition.resultFailureSample)
        return .object([JSONMember(name: "default", value: response.object)])
    }

    // MARK: parameters

    private func parameters(_ api: DocumentAPI, into operation: inout Members) {
        let definition = api.definition
        var list = definition.requestParameters.map { parameter in
            self.parameter(parameter, rules: api.orchestrations["\(parameter.location.rawValue) \(parameter.name)"] ?? [])
        }
        if version == .two, !definition.bodyRemark.isEmpty { list.append(body(definition.bodyRemark)) }
        operation.put("parameters", list: list)
        if version == .three, !definition.bodyRemark.isEmpty { operation.put("requestBody", body(definition.bodyRemark)) }
    }

    private func parameter(_ parameter: RequestParameter, rules: [String]) -> JSONValue {
        var members = Members()
        members.put("name", .string(parameter.name))
        members.put("in", .string(parameter.location.rawValue.lowercased()))
        members.put("required", flag: parameter.required || parameter.location == .path)
        members.put("description", text: parameter.remark)
        var schema = Members()
        schema.put("type", .string(parameter.type == "NUMBER" ? "number" : "string"))
        schema.put("default", parameter.defaultValue.flatMap { $0.isEmpty ? nil : value($0, of: parameter) })
        if let words = parameter.enumerations, !words.isEmpty {
            schema.put(
                "enum", list: words.split(separator: ",", omittingEmptySubsequences: false).map { value(String($0), of: parameter) })
        }
        schema.put("minimum", number: parameter.minNumber)
        schema.put("maximum", number: parameter.maxNumber)
        schema.put("minLength", number: parameter.minSize)
        schema.put("maxLength", number: parameter.maxSize)
        schema.put("pattern", text: parameter.regular)
        switch version {
        case .two:
            for member in schema.list { members.put(member.name, member.value) }
            members.put(Extension.example, text: parameter.sampleValue)
        case .three:
            members.put("schema", schema.object)
            members.put("example", text: parameter.sampleValue)
        }
        members.put(Extension.passThrough, .string(parameter.passThrough ? "always" : "never"))
        if parameter.validates { members.put(Extension.validate, flag: true) }
        members.put(Extension.jsonSchema, text: parameter.jsonSchema)
        members.put(Extension.orchestrations, list: rules.map(JSONValue.string))
        return members.object
    }

    /// A number where the parameter is one and the text is a number of JSON; the text otherwise.
    private func value(_ text: String, of parameter: RequestParameter) -> JSONValue {
        guard parameter.type == "NUMBER",
            let value = try? JSONValue(parsing: text, limits: .init(length: 64, depth: 0, values: 1)),
            case .number(let number) = value, number.text == text
        else { return .string(text) }
        return value
    }

    /// A remark that is a schema stands as one; every other remark is a description.
    private func body(_ remark: String) -> JSONValue {
        var schema = JSONValue.object([])
        var description: String? = remark
        if let value = try? JSONValue(parsing: remark, limits: .init(length: 4 * ParameterReader.bodyRemarkLimit, depth: 48, values: 5000)),
            case .object(let members) = value, !members.isEmpty, value["$ref"] == nil, value.text == remark
        {
            schema = value
            description = nil
        }
        var members = Members()
        switch version {
        case .two:
            members.put("name", .string("body"))
            members.put("in", .string("body"))
            members.put("description", text: description)
            members.put("schema", schema)
        case .three:
            members.put("description", text: description)
            members.put(
                "content",
                .object([JSONMember(name: "*/*", value: .object([JSONMember(name: "schema", value: schema)]))]))
        }
        return members.object
    }
}

extension Members {
    /// One name as a text, several as a list.
    mutating func put(_ name: String, _ words: [String]) {
        if words.count == 1 { put(name, text: words[0]) } else { put(name, list: words.sorted().map(JSONValue.string)) }
    }
}
