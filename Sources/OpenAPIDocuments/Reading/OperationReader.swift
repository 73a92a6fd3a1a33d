import GatewayModel
import GatewayPrimitives

/// One operation -> one API.
struct OperationReader {
    let context: DocumentContext
    let item: JSONValue
    let operation: JSONValue

    func read(_ key: OperationKey, path: String) throws(InvalidField) -> DocumentAPI {
        var definition = APIDefinition(
            name: try name(key.method, path: path), groupID: "", type: try type(), reqProtocol: try protocols(),
            reqMethod: key.method, reqURI: path, matchMode: try matchMode(key), authType: .none, backendType: .mock)
        try security(&definition)
        definition.version = try text(Extension.version) ?? "V0.0.1"
        definition.cors = try operation.flag(Extension.cors) ?? false
        definition.remark = try operation.remark("description", "summary", limit: 1000, plain: true) ?? ""
        definition.tags = try unique(operation.words("tags"))
        definition.tag = try text(Extension.tag) ?? ""
        definition.contentType = try text(Extension.contentType)
        definition.domainName = try text(Extension.domainName) ?? ""
        definition.romaAppID = try text(Extension.romaApp) ?? ""
        definition.responseID = try text(Extension.response)
        try samples(&definition)
        let parameters = try ParameterReader(context: context).read(item: item, operation: operation)
        definition.requestParameters = parameters.parameters
        definition.bodyRemark = parameters.bodyRemark
        try backends(&definition)
        definition.sendsFunctionBodyEncoded = try operation.flag(Extension.functionBase64)
        let policies = PolicyNames(
            accessControls: try unique(operation.oneOrMore(Extension.accessControl)),
            rateLimits: try unique(operation.oneOrMore(Extension.rateLimit)),
            plugins: try unique(operation.oneOrMore(Extension.plugins)))
        return DocumentAPI(definition: definition, policies: policies, orchestrations: parameters.orchestrations)
    }

    /// An empty text is no text.
    private func text(_ name: String) throws(InvalidField) -> String? {
        try operation.filled(name)
    }

    private func unique(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    private func name(_ method: HTTPMethod, path: String) throws(InvalidField) -> String {
        if let given = try text("operationId") { return given }
        // `GET /v1/pets/{id}` -> `get_v1_pets_id`.
        let words = path.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let name = ([method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
        return String((name.count < 3 ? "\(name)_root" : name).prefix(255))
    }

    private func type() throws(InvalidField) -> Int {
        switch try text(Extension.requestType)?.lowercased() {
        case nil, "public": return 1
        case "private": return 2
        default: throw InvalidField(field: Extension.requestType, reason: "neither public nor private")
        }
    }

    private func matchMode(_ key: OperationKey) throws(InvalidField) -> PathMatchMode {
        guard let word = try text(Extension.matchMode) else { return key.isPrefix ? .prefix : .normal }
        guard let mode = PathMatchMode(rawValue: word.uppercased()), !key.isPrefix || mode == .prefix else {
            throw InvalidField(field: Extension.matchMode, reason: "neither NORMAL nor SWA")
        }
        return mode
    }

    private func protocols() throws(InvalidField) -> RequestProtocol {
        switch context.version {
        case .two:
            return try DocumentContext.protocols(schemes: try operation.words("schemes")) ?? context.protocols ?? .https
        case .three:
            let own = try DocumentContext.urls(operation)
            let inherited = try DocumentContext.urls(item)
            return DocumentContext.protocols(urls: own) ?? DocumentContext.protocols(urls: inherited) ?? context.protocols ?? .https
        }
    }

    // MARK: security

    private func security(_ definition: inout APIDefinition) throws(InvalidField) {
        guard let security = operation["security"] ?? context.security else { return }
        guard case .array(let alternatives) = security else { throw InvalidField(field: "security", reason: "not a list") }
        // Alternatives: the first one counts; an API has one way of authentication.
        guard let name = alternatives.first?.members.first?.name else { return }
        guard let scheme = context.schemes?[name] else { throw InvalidField(field: "security", reason: "an unknown scheme") }
        let resolved = try context.resolved(scheme, "security")
        switch try resolved.text(Extension.authType) {
        case "IAM": definition.authType = .iam
        case "IAM_NONE", "NONE": return
        case "AUTHORIZER":
            definition.authType = .authorizer
            definition.authorizerID = try authorizer(of: resolved, scheme: name)
        // A scheme of somebody else's asks for credentials: so does the API.
        case nil, "AppSigv1": definition.authType = .app
        default: throw InvalidField(field: Extension.authType, reason: "unknown")
        }
        if definition.authType == .app, let option = try resolved.object(Extension.authOption) {
            switch try option.text("appcode-auth-type")?.lowercased() {
            case "header": definition.appCodeAllowed = true
            case nil, "", "disable": break
            default: throw InvalidField(field: "appcode-auth-type", reason: "neither header nor disable")
            }
        }
    }

    /// The name of an authorizer; where the scheme describes one instead, the scheme is named like it.
    private func authorizer(of scheme: JSONValue, scheme name: String) throws(InvalidField) -> String {
        if case .object? = scheme[Extension.authorizer] {
            return name.hasPrefix(SecurityWriter.authorizer("")) ? String(name.dropFirst(SecurityWriter.authorizer("").count)) : name
        }
        guard let authorizer = try scheme.text(Extension.authorizer), !authorizer.isEmpty else {
            throw InvalidField(field: Extension.authorizer, reason: "absent")
        }
        return authorizer
    }

    // MARK: samples

    private func samples(_ definition: inout APIDefinition) throws(InvalidField) {
        var normal = try text(Extension.normalSample)
        var failure = try text(Extension.failureSample)
        for response in try operation.object("responses")?.members ?? [] {
            guard case .object = response.value else { continue }
            if normal == nil { normal = try response.value.filled(Extension.normalSample) }
            if failure == nil { failure = try response.value.filled(Extension.failureSample) }
        }
        definition.resultNormalSample = normal ?? ""
        definition.resultFailureSample = failure ?? ""
    }

    // MARK: backends

    private func backends(_ definition: inout APIDefinition) throws(InvalidField) {
        if context.options.mockMode {
            definition.backendType = .mock
            definition.mock = MockBackendDefinition(id: "", resultContent: definition.resultNormalSample)
            return
        }
        guard let backend = try operation.object(Extension.backend) else {
            guard context.options.simpleMode else { throw InvalidField(field: Extension.backend, reason: "absent") }
            definition.backendType = .http
            return
        }
        let reader = BackendReader(frontMethod: definition.reqMethod)
        definition.backendParameters = try reader.parameters(backend)
        switch try reader.backend(backend) {
        case .http(let http):
            definition.backendType = .http
            definition.http = http
        case .mock(let mock):
            definition.backendType = .mock
            definition.mock = mock
        case .function(let function):
            definition.backendType = .function
            definition.function = function
        }
        for policy in try operation.list(Extension.backendPolicies) {
            let name = try policy.text("name") ?? ""
            let mode = (try policy.filled(Extension.effectMode, "effect_mode") ?? "ALL").uppercased()
            guard mode == "ALL" || mode == "ANY" else { throw InvalidField(field: Extension.effectMode, reason: "neither ALL nor ANY") }
            var conditions: [BackendCondition] = []
            for condition in try policy.list("conditions") { conditions.append(try reader.condition(condition)) }
            let parameters = try reader.parameters(policy)
            switch try reader.backend(policy) {
            case .http(let backend):
                definition.httpPolicies.append(
                    BackendPolicy(
                        id: "", name: name, effectMode: mode, conditions: conditions, backendParameters: parameters, backend: backend))
            case .mock(let backend):
                definition.mockPolicies.append(
                    BackendPolicy(
                        id: "", name: name, effectMode: mode, conditions: conditions, backendParameters: parameters, backend: backend))
            case .function(let backend):
                definition.functionPolicies.append(
                    BackendPolicy(
                        id: "", name: name, effectMode: mode, conditions: conditions, backendParameters: parameters, backend: backend))
            }
        }
    }
}
