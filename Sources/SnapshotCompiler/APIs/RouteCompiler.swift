import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot

/// Turns a published API into a route. Pure, but for the runtime state that policies share by stable key.
public struct RouteCompiler: Sendable {
    private let policies: PolicyCompiler
    private let meters: TrafficMeters
    private let hops: HopKey?

    /// - Parameter hops: as for ``SnapshotBuilder``.
    public init(policies: PolicyCompiler, meters: TrafficMeters = TrafficMeters(loops: 0), hops: HopKey? = nil) {
        self.policies = policies
        self.meters = meters
        self.hops = hops
    }

    /// - Throws: ``CompileDiagnostic`` when this gateway cannot do what the definition or a binding says.
    public func compile(_ api: PublishedAPI, settings: InstanceSettings) throws(CompileDiagnostic) -> Route {
        let resource = "api \(api.apiID)"
        let definition = try Self.resolved(api, resource: resource)
        let path = try Self.frontPath(definition, resource: resource)
        let channels = ChannelCompiler(contents: api.channels, registry: policies.registry, tls: settings.backendTLS)
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
            policies: compiled, meter: meter(of: api), hop: hops?.value(depth: 1, apiID: api.apiID) ?? [],
            domain: Self.domain(of: definition))
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
            backend: .mock(MockBackend(status: 500, headers: [], body: [])), policies: Self.callersAlone(api),
            meter: meter(of: api), domain: Self.domain(of: definition))
    }

    private static func domain(of definition: APIDefinition) -> String? {
        definition.domainName.isEmpty ? nil : BoundDomain.normalized(definition.domainName)
    }

    /// By which applications find it at the gateway's address; nobody is asked before the refusal.
    private static func callersAlone(_ api: PublishedAPI) -> RoutePolicies {
        var policies = RoutePolicies()
        if api.definition.authType == .app {
            policies.callers = CallerPolicy(kind: .app(AppAccess(takesCodes: false, apps: api.authorizedApplications)))
        }
        return policies
    }

    private static func identity(_ api: PublishedAPI) -> RouteIdentity {
        RouteIdentity(
            apiID: api.apiID, apiName: api.definition.name, groupID: api.groupID, groupName: api.groupName,
            environmentID: api.environmentID, environmentName: api.environmentName, publishID: api.publicationID,
            providerAppID: api.definition.romaAppID)
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
            case .grpcs: .grpcs
            }
    }
}
