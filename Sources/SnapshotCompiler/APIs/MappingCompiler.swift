import GatewayModel
import GatewayPrimitives
import Snapshot

/// Declared parameters and what is made of them -> what the route reads of its requests, and what each backend gets
/// (gateway-runtime.md, 3.1, 3.2, 3.6).
struct MappingCompiler {
    private let definition: APIDefinition
    private let front: PathTemplate
    private let resource: String
    /// Slots by place in the definition's request parameters.
    private var slots: [Int: Int] = [:]
    private var sources: [ParameterReading.Source] = []
    private var queryNames: [[UInt8]] = []
    private var headerNames: [[UInt8]] = []
    private var orchestration: OrchestrationPolicy?

    init(
        _ definition: APIDefinition, front: PathTemplate, orchestrations: [String: OrchestrationRule], resource: String
    ) throws(CompileDiagnostic) {
        self.definition = definition
        self.front = front
        self.resource = resource
        let lists =
            [definition.backendParameters] + definition.httpPolicies.map(\.backendParameters)
            + definition.mockPolicies.map(\.backendParameters) + definition.functionPolicies.map(\.backendParameters)
        let conditions = (definition.httpPolicies.flatMap(\.conditions) + definition.mockPolicies.flatMap(\.conditions)
            + definition.functionPolicies.flatMap(\.conditions))
        for (place, parameter) in definition.requestParameters.enumerated() {
            let isBearer = parameter.orchestrations?.isEmpty == false
            let isHeld = parameter.location != .path && (!parameter.passThrough || parameter.defaultValue != nil)
            let isMapped = lists.contains { list in list.contains { self.source(of: $0) == place && !isPlain($0, place) } }
            let isAsked = conditions.contains { self.place(of: $0) == place }
            if isBearer || isHeld || isMapped || isAsked { try declare(place, parameter) }
        }
        for parameter in lists.joined() {
            switch parameter.location {
            case .path: break
            case .query: _ = Self.number(Array(parameter.name.utf8), in: &queryNames)
            case .header:
                let name = parameter.name.lowercased()
                if name != "host" { _ = Self.number(Array(name.utf8), in: &headerNames) }
            }
        }
        orchestration = try compileOrchestration(orchestrations)
        for target in orchestration?.targets ?? [] {
            switch target.location {
            case .query: _ = Self.number(target.name, in: &queryNames)
            case .header: _ = Self.number(target.name.map(asciiLowercase), in: &headerNames)
            }
        }
    }

    /// nil: nothing of requests is looked at.
    ///
    /// - Parameter isMapped: a backend has a mapping, which may consist of fixed values alone.
    func reading(isMapped: Bool) -> ParameterReading? {
        if sources.isEmpty, queryNames.isEmpty, headerNames.isEmpty, orchestration == nil, !isMapped { return nil }
        return ParameterReading(
            sources: sources, queryNames: queryNames, headerNames: headerNames, orchestration: orchestration)
    }

    // MARK: Declared parameters

    private mutating func declare(_ place: Int, _ parameter: RequestParameter) throws(CompileDiagnostic) {
        let location: ParameterReading.Source.Location
        switch parameter.location {
        case .path:
            guard let index = front.parameterNames.firstIndex(of: parameter.name) else {
                throw refuse("req_params", "\(parameter.name): is not in the path")
            }
            location = .path(index)
        case .query: location = .query(Self.number(Array(parameter.name.utf8), in: &queryNames))
        case .header: location = .header(Self.number(Array(parameter.name.lowercased().utf8), in: &headerNames))
        }
        slots[place] = sources.count
        sources.append(.init(location: location, defaultValue: parameter.defaultValue.map { Array($0.utf8) }))
    }

    private static func number(_ name: [UInt8], in names: inout [[UInt8]]) -> Int {
        if let found = names.firstIndex(of: name) { return found }
        names.append(name)
        return names.count - 1
    }

    /// Place of the request parameter that a backend parameter takes its value from.
    private func source(of parameter: BackendParameter) -> Int? {
        guard parameter.origin == .request else { return nil }
        return definition.requestParameters.firstIndex { $0.name == parameter.value }
    }

    /// A part of the path that stays in the path: the route's captures are all that it needs.
    private func isPlain(_ parameter: BackendParameter, _ place: Int) -> Bool {
        parameter.location == .path && definition.requestParameters[place].location == .path
    }

    // MARK: Conditions

    private func place(of condition: GatewayModel.BackendCondition) -> Int? {
        guard condition.origin == "param" else { return nil }
        return definition.requestParameters.firstIndex {
            $0.name == condition.requestParameterName
                && (condition.requestParameterLocation == nil || $0.location.rawValue == condition.requestParameterLocation)
        }
    }

    func compile(_ condition: GatewayModel.BackendCondition) throws(CompileDiagnostic) -> ChoiceCondition {
        let subject: ChoiceCondition.Subject
        switch condition.origin {
        case "param":
            guard let place = place(of: condition), let slot = slots[place] else {
                throw refuse("req_param_name", "there is no parameter \(condition.requestParameterName ?? "")")
            }
            subject = .slot(slot)
        case "source":
            let ranges = condition.value.split(separator: ",", omittingEmptySubsequences: false).map { IPRange($0) }
            guard ranges.allSatisfy({ $0 != nil }) else { throw refuse("condition_value", "is no list of addresses") }
            return ChoiceCondition(subject: .source, test: .addresses(IPSet(ranges.compactMap(\.self))))
        case "system":
            switch condition.systemParameterName {
            case "req_path", "reqPath": subject = .path
            case "req_method", "reqMethod": subject = .method
            default: throw refuse("sys_param_name", "is neither req_path nor req_method")
            }
        case "cookie":
            guard let name = condition.cookieName else { throw refuse("cookie_param_name", "is missing") }
            subject = .cookie(Array(name.utf8))
        case "frontend_authorizer":
            guard let name = condition.authorizerParameterName else {
                throw refuse("frontend_authorizer_param_name", "is missing")
            }
            let prefix = "$context.authorizer.frontend."
            subject = .authorizer(.frontend, name: Array((name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name).utf8))
        case "orchestration":
            let number = orchestration?.targets.firstIndex { target in
                let name = target.name
                guard condition.mappedParameterLocation == nil || condition.mappedParameterLocation == "\(target.location)" else {
                    return false
                }
                return name == Array((condition.mappedParameterName ?? "").utf8)
            }
            guard let number else { throw refuse("mapped_param_name", "no rule makes \(condition.mappedParameterName ?? "")") }
            subject = .slot(sources.count + number)
        default: throw refuse("condition_origin", "\(condition.origin) is unknown")
        }
        return ChoiceCondition(subject: subject, test: try test(condition))
    }

    private func test(_ condition: GatewayModel.BackendCondition) throws(CompileDiagnostic) -> ChoiceCondition.Test {
        switch condition.type {
        case "exact": return .equal(Array(condition.value.utf8))
        case "enum":
            // Blanks around an entry do not count.
            return .among(
                condition.value.split(separator: ",", omittingEmptySubsequences: false).map { entry in
                    Array(Array(entry.utf8).withUnsafeBytes { ByteView($0).trimmed().array })
                })
        case "pattern":
            do {
                return .pattern(try PatternMatcher(condition.value))
            } catch {
                throw refuse("condition_value", "is no regular expression")
            }
        default: throw refuse("condition_type", "is missing")
        }
    }

    // MARK: Mappings

    /// What a backend gets.
    ///
    /// - Parameters:
    ///   - parameters: the backend's own.
    ///   - uri: path of an HTTP backend; nil for one that has none.
    /// - Returns: where the backend's path comes from, and the mapping, nil when there is nothing to do.
    func compile(
        _ parameters: [BackendParameter], uri: String?
    ) throws(CompileDiagnostic) -> (path: BackendPath, mapping: ParameterMapping?) {
        var heldQueries = [Bool](repeating: false, count: queryNames.count)
        var heldHeaders = [Bool](repeating: false, count: headerNames.count)
        var query: [ParameterMapping.Target] = []
        var headers: [ParameterMapping.Target] = []
        var host: ParameterMapping.Value?
        func hold(query name: [UInt8]) { if let number = queryNames.firstIndex(of: name) { heldQueries[number] = true } }
        func hold(header name: [UInt8]) {
            if let number = headerNames.firstIndex(of: name.map(asciiLowercase)) { heldHeaders[number] = true }
        }
        func put(_ name: [UInt8], _ location: OrchestrationPolicy.Target.Location, _ value: ParameterMapping.Value) {
            let target = ParameterMapping.Target(name: name, value: value)
            switch location {
            case .query:
                query.append(target)
                hold(query: name)
            case .header:
                headers.append(target)
                hold(header: name)
            }
        }
        var moved: Set<Int> = []
        for parameter in parameters {
            if let place = source(of: parameter) { moved.insert(place) }
            switch parameter.location {
            case .path: break
            case .query: put(Array(parameter.name.utf8), .query, try value(of: parameter))
            case .header where parameter.name.lowercased() == "host": host = try hostValue(of: parameter)
            case .header: put(Array(parameter.name.utf8), .header, try value(of: parameter))
            }
        }
        for (number, target) in (orchestration?.targets ?? []).enumerated() {
            guard !(target.location == .query ? query : headers).contains(where: { Self.isSame($0, target) }) else {
                throw refuse("orchestrations", "\(String(decoding: target.name, as: UTF8.self)) is a backend parameter, too")
            }
            put(target.name, target.location, .slot(sources.count + number))
        }
        for (place, parameter) in definition.requestParameters.enumerated() where parameter.location != .path {
            let name = Array(parameter.name.utf8)
            if moved.contains(place) || !parameter.passThrough {
                if parameter.location == .query { hold(query: name) } else { hold(header: name) }
            } else if parameter.defaultValue != nil, let slot = slots[place] {
                let target = ParameterMapping.Target(name: name, value: .fallback(slot))
                if parameter.location == .query {
                    if !query.contains(where: { $0.name == name }) { query.append(target) }
                } else if !headers.contains(where: { $0.lowercase == target.lowercase }) {
                    headers.append(target)
                }
            }
        }
        let (path, pieces) = try uri.map { uri throws(CompileDiagnostic) in try self.path(uri, parameters) } ?? (.asReceived, nil)
        if pieces == nil, query.isEmpty, headers.isEmpty, host == nil, !heldQueries.contains(true), !heldHeaders.contains(true) {
            return (path, nil)
        }
        return (
            path,
            ParameterMapping(
                path: pieces, query: query, headers: headers, host: host, heldQueries: heldQueries, heldHeaders: heldHeaders)
        )
    }

    private static func isSame(_ target: ParameterMapping.Target, _ made: OrchestrationPolicy.Target) -> Bool {
        made.location == .query ? target.name == made.name : target.lowercase == made.name.map(asciiLowercase)
    }

    private func value(of parameter: BackendParameter) throws(CompileDiagnostic) -> ParameterMapping.Value {
        switch parameter.origin {
        case .constant: return .constant(Array(parameter.value.utf8))
        case .request:
            guard let place = source(of: parameter), let slot = slots[place] else {
                throw refuse("backend_params", "\(parameter.name): there is no parameter \(parameter.value)")
            }
            return .slot(slot)
        case .system:
            for (prefix, side) in [("$context.authorizer.frontend.", AuthorizerSide.frontend), ("$context.authorizer.backend.", .backend)]
            where parameter.value.hasPrefix(prefix) {
                return .authorizer(side, name: Array(parameter.value.dropFirst(prefix.count).utf8))
            }
            let prefix = "$context."
            guard parameter.value.hasPrefix(prefix), let known = SystemParameter(rawValue: String(parameter.value.dropFirst(prefix.count)))
            else { throw refuse("backend_params", "\(parameter.name): \(parameter.value) is unknown") }
            return .system(known)
        }
    }

    private func hostValue(of parameter: BackendParameter) throws(CompileDiagnostic) -> ParameterMapping.Value {
        let isHost =
            BackendCompiler.split(parameter.value, defaultPort: 80) != nil
            && parameter.value.utf8.allSatisfy { ByteSet.lettersAndDigits.contains($0) || "-._~:[]".utf8.contains($0) }
        if parameter.origin == .constant, !isHost {
            throw refuse("backend_params", "Host: is not host[:port]")
        }
        return try value(of: parameter)
    }

    // MARK: Path

    private func path(
        _ uri: String, _ parameters: [BackendParameter]
    ) throws(CompileDiagnostic) -> (BackendPath, [ParameterMapping.PathPiece]?) {
        let isPrefix = definition.matchMode == .prefix
        if !uri.contains("{") {
            if isPrefix { return (.prefix(Array(uri.utf8)), nil) }
            return (uri == definition.reqURI ? .asReceived : .pieces([.literal(Array(uri.utf8))]), nil)
        }
        var pieces: [ParameterMapping.PathPiece] = []
        // The same without a mapping; nil when it needs more than captures.
        var plain: [BackendPath.Piece]? = isPrefix ? nil : []
        func add(literal bytes: [UInt8]) {
            if bytes.isEmpty { return }
            pieces.append(.literal(bytes))
            plain?.append(.literal(bytes))
        }
        var rest = Substring(uri)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { throw refuse("req_uri", "has an open brace") }
            add(literal: Array(rest[..<open].utf8))
            let name = String(rest[rest.index(after: open)..<close])
            rest = rest[rest.index(after: close)...]
            guard let parameter = parameters.first(where: { $0.location == .path && $0.name == name }) else {
                throw refuse("backend_params", "the backend path needs \(name)")
            }
            if parameter.origin == .constant {
                add(literal: PercentEncoding.encode(Array(parameter.value.utf8), keeping: PercentEncoding.pathValue))
            } else if let place = source(of: parameter), isPlain(parameter, place),
                let index = front.parameterNames.firstIndex(of: parameter.value)
            {
                plain?.append(.capture(index))
                pieces.append(.capture(index))
            } else {
                plain = nil
                pieces.append(.value(try value(of: parameter)))
            }
        }
        add(literal: Array(rest.utf8))
        if let plain { return (.pieces(plain), nil) }
        if isPrefix { pieces.append(.tail) }
        return (.mapped, pieces)
    }

    // MARK: Orchestration

    private func compileOrchestration(
        _ known: [String: OrchestrationRule]
    ) throws(CompileDiagnostic) -> OrchestrationPolicy? {
        guard let place = definition.requestParameters.firstIndex(where: { $0.orchestrations?.isEmpty == false }),
            let slot = slots[place]
        else { return nil }
        var rules: [OrchestrationRule] = []
        for id in definition.requestParameters[place].orchestrations ?? [] {
            guard let rule = known[id] else { throw refuse("orchestrations", "rule \(id) does not exist") }
            rules.append(rule)
        }
        let chain = OrchestrationChain(rules)
        guard chain.fits(beside: definition) else {
            throw refuse("orchestrations", "the rules of \(definition.requestParameters[place].name) make no chain")
        }
        let mapped = chain.mapped
        func target(_ rule: OrchestrationRule) -> Int? {
            rule.isPreprocessing ? nil : rule.mapped.flatMap { mapped.firstIndex(of: $0) }
        }
        func fixed(_ rule: OrchestrationRule?) -> OrchestrationPolicy.Fixed? {
            guard let rule, let target = target(rule), let value = rule.entries.first?.mappedValue else { return nil }
            return .init(target: target, value: Array(value.utf8))
        }
        return OrchestrationPolicy(
            slot: slot,
            targets: mapped.map { .init(name: Array($0.name.utf8), location: $0.location == .query ? .query : .header) },
            forNone: fixed(chain.forNone),
            steps: chain.rules.compactMap { rule in
                Self.rule(rule).map { .init(rule: $0, target: target(rule), isNumber: !rule.isPreprocessing && rule.mapped?.kind == .number) }
            },
            otherwise: fixed(chain.otherwise))
    }

    /// nil: of the strategies that stand beside the chain.
    private static func rule(_ rule: OrchestrationRule) -> OrchestrationPolicy.Rule? {
        var ranges: [OrchestrationPolicy.Range] {
            rule.entries.compactMap { entry in
                guard let start = entry.rangeStart, let end = entry.rangeEnd else { return nil }
                return .init(start: start, end: end, value: Array((entry.mappedValue ?? "").utf8))
            }
        }
        switch rule.strategy {
        case .list:
            var words = ByteTrie<[UInt8]>()
            // The first entry that lists a value wins.
            for entry in rule.entries.reversed() {
                for word in entry.list ?? [] { words = words.setting(Array(word.utf8), to: Array((entry.mappedValue ?? "").utf8)) }
            }
            return .list(words)
        case .hash: return .hash
        case .range: return .range(ranges)
        case .hashRange: return .hashRange(ranges)
        case .headN: return .head(rule.entries.first?.interceptLength ?? 0)
        case .tailN: return .tail(rule.entries.first?.interceptLength ?? 0)
        case .noneValue, .default: return nil
        }
    }

    private func refuse(_ field: String, _ reason: String) -> CompileDiagnostic {
        CompileDiagnostic(field: field, reason: reason, resource: resource)
    }
}
