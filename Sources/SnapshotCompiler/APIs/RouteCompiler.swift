import GatewayModel
import GatewayPrimitives
import Snapshot

/// Turns a published API into a route. Pure, but for the runtime state that policies share by stable key.
public struct RouteCompiler: Sendable {
    private let policies: PolicyCompiler
    private let meters: TrafficMeters

    public init(policies: PolicyCompiler, meters: TrafficMeters = TrafficMeters(loops: 0)) {
        self.policies = policies
        self.meters = meters
    }

    /// - Throws: ``CompileDiagnostic`` when this gateway cannot do what the definition or a binding says.
    public func compile(_ api: PublishedAPI, settings: InstanceSettings) throws(CompileDiagnostic) -> Route {
        let resource = "api \(api.apiID)"
        let definition = try Self.resolved(api, resource: resource)
        try Self.refuseWhatIsNotServed(definition, resource: resource)
        let path = try Self.frontPath(definition, resource: resource)
        let channels = ChannelCompiler(contents: api.channels, registry: policies.registry)
        var compiled = try policies.compile(api, settings: settings)
        compiled.parameters = ParameterPolicy(compiling: definition, front: path)
        compiled.defaultContentType = definition.contentType.map { Array($0.utf8) }
        compiled.failures = api.groupResponse.flatMap(FailureShapes.compile)
        compiled.allowsAnyOrigin = definition.cors && compiled.cors == nil
        // Browsers send preflights without credentials, so that an API for them asks for none (gateway-runtime.md, 10).
        if definition.cors, definition.reqMethod == .options {
            compiled.callers = nil
            compiled.authorizer = nil
        }
        return Route(
            identity: Self.identity(api), method: RouteMethod(definition.reqMethod), path: path,
            matchMode: MatchMode(definition.matchMode), schemes: AllowedSchemes(definition.reqProtocol), refusal: nil,
            backends: try BackendCompiler(
                definition: definition, front: path, settings: settings, resource: resource, channels: channels,
                orchestrations: api.orchestrations, authorizers: policies.authorizers(of: api, settings)
            ).compile(),
            policies: compiled, meter: meter(of: api))
    }

    private func meter(of api: PublishedAPI) -> TrafficMeter? {
        meters.meter(instanceID: api.instanceID, groupID: api.groupID, apiID: api.apiID)
    }

    /// The definition with the values of its variables.
    private static func resolved(_ api: PublishedAPI, resource: String) throws(CompileDiagnostic) -> APIDefinition {
        try api.definition.resolvingVariables { name throws(CompileDiagnostic) in
            guard let value = api.variables[name] else {
                throw CompileDiagnostic(field: "url_domain", reason: "the environment variable \(name) has no value", resource: resource)
            }
            return value
        }
    }

    /// The route that answers for an API which cannot be compiled: design.md, invariant 5.
    ///
    /// - Returns: nil when not even its path can be understood; it then matches nothing.
    public func refusing(_ api: PublishedAPI) -> Route? {
        let definition = api.definition
        guard let path = try? Self.frontPath(definition, resource: "") else { return nil }
        return Route(
            identity: Self.identity(api), method: RouteMethod(definition.reqMethod), path: path,
            matchMode: MatchMode(definition.matchMode), schemes: [.http, .https],
            refusal: RouteRefusal(status: 500, code: "0606", message: "Failed to load the API configurations."),
            backend: .mock(MockBackend(status: 500, headers: [], body: [])), policies: RoutePolicies(),
            meter: meter(of: api))
    }

    private static func identity(_ api: PublishedAPI) -> RouteIdentity {
        RouteIdentity(
            apiID: api.apiID, apiName: api.definition.name, groupID: api.groupID, groupName: api.groupName,
            environmentID: api.environmentID, environmentName: api.environmentName, publishID: api.publicationID)
    }

    private static func frontPath(
        _ definition: APIDefinition, resource: String
    ) throws(CompileDiagnostic) -> PathTemplate {
        do {
            return try PathTemplate(parsing: definition.reqURI, allowsRest: definition.matchMode == .normal)
        } catch {
            throw CompileDiagnostic(field: "req_uri", reason: "\(error)", resource: resource)
        }
    }

    /// What later versions will serve; until then publication says so instead of ignoring it.
    private static func refuseWhatIsNotServed(
        _ definition: APIDefinition, resource: String
    ) throws(CompileDiagnostic) {
        func refuse(_ field: String, _ reason: String) -> CompileDiagnostic {
            CompileDiagnostic(field: field, reason: reason, resource: resource)
        }
        if !definition.domainName.isEmpty { throw refuse("domain_name", "domains of single APIs are not served") }
    }
}

extension RouteMethod {
    init(_ method: HTTPMethod) {
        self =
            switch method {
            case .get: .get
            case .post: .post
            case .put: .put
            case .delete: .delete
            case .head: .head
            case .patch: .patch
            case .options: .options
            case .any: .any
            }
    }
}

extension MatchMode {
    init(_ mode: PathMatchMode) { self = mode == .normal ? .normal : .prefix }
}

extension AllowedSchemes {
    init(_ requestProtocol: RequestProtocol) {
        self =
            switch requestProtocol {
            case .http: .http
            case .https: .https
            case .both: [.http, .https]
            }
    }
}
