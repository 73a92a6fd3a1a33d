import GatewayPrimitives
import Snapshot

/// What a request addresses (gateway-runtime.md, section 1).
public enum Resolution {
    case route(Route, instance: InstanceContext)
    /// Stops here, with the settings of the instance if its host is known.
    case failure(GatewayFailure)
    /// The same of a group that answers failures its own way, or at a domain with rules of its own.
    case hostFailure(GatewayFailure, VirtualHost, instance: InstanceContext)
    /// To the same target over HTTPS.
    case redirect
    /// `GET /apic/health_check`: the node itself is asked.
    case healthCheck
    case publicKey(PublicKeyText)
    /// Whatever the method: an application asks for a token.
    case token(AppTokenPolicy, instance: InstanceContext)
    /// A browser asks beforehand about a route that has a cors plug-in (gateway-runtime.md, 8.1).
    case preflight(Route, CORSPolicy, instance: InstanceContext)
}

extension GatewaySnapshot {
    /// Finds the group by host, the environment by `X-Stage`, the route by path and method, and brings the path of `head` into
    /// the form that the instance asks for.
    public func resolve(
        _ head: RequestHead, captures: RouteCaptures, security: ConnectionSecurity = .plain
    ) -> Resolution {
        if head.method == .get, head.target.equals("/apic/health_check") { return .healthCheck }
        let host = virtualHost(head.host)
        guard let instance = settings(of: host) ?? addressed(head.host) else {
            return head.normalizePath(keepsEscapes: false) ? .failure(.apiNotFound) : .failure(.malformedRequest)
        }
        guard head.normalizePath(keepsEscapes: instance.settings.keepsEscapedPath) else { return .failure(.malformedRequest) }
        if let prefix = instance.settings.publicKeyPrefix, head.method == .get,
            prefix.withUnsafeBytes({ head.path.hasPrefix(ByteView($0)) })
        {
            let name = head.path.dropFirst(prefix.count)
            guard let key = publicKey(instanceID: instance.settings.instanceID, name: name) else { return .failure(.publicKeyNotFound) }
            return .publicKey(key)
        }
        if let tokens = instance.settings.carriers.tokens, head.path.equals(tokens.path) { return .token(tokens, instance: instance) }
        if !appRoutes.isEmpty, let route = routeOfApp(head, instance, captures) { return .route(route, instance: instance) }
        guard let host else { return .failure(.apiNotFound) }
        if let domain = host.domain {
            // A plain request that is going to be sent to HTTPS may show its certificate there.
            let moves = domain.redirectsToHTTPS && !security.usesTLS
            if !moves, let failure = domain.refusal(security) { return .hostFailure(failure, host, instance: instance) }
        }
        guard let environment = environment(of: host, head) else { return failure(.apiNotFound, host, instance) }
        if CORSStage.isPreflight(head), let route = preflighted(head, environment.routes, captures), let cors = route.policies.cors {
            return .preflight(route, cors, instance: instance)
        }
        guard let route = environment.routes.match(path: head.path.buffer, method: head.method.routeMethod, captures: captures)
        else { return failure(captures.sawOtherMethod ? .methodNotFound : .apiNotFound, host, instance) }
        if let domain = host.domain, domain.redirectsToHTTPS, !security.usesTLS {
            if route.schemes.contains(.https) { return .redirect }
            if let failure = domain.refusal(security) { return .hostFailure(failure, host, instance: instance) }
        }
        return .route(route, instance: instance)
    }

    /// The instance behind a server name has switched HTTP/2 off.
    /// - Parameter name: lower case; nil: the client named none.
    public func refusesHTTP2(at name: [UInt8]?) -> Bool {
        let host = name.flatMap { name in name.withUnsafeBytes { virtualHost(ByteView($0)) } }
        return settings(of: host)?.settings.refusesHTTP2 ?? false
    }

    private func failure(_ failure: GatewayFailure, _ host: VirtualHost, _ instance: InstanceContext) -> Resolution {
        host.failures == nil ? .failure(failure) : .hostFailure(failure, host, instance: instance)
    }

    /// The route whose method is asked for, or else any on this path that has the plug-in: all of a path have the same one.
    private func preflighted(_ head: RequestHead, _ routes: RouteTable, _ captures: RouteCaptures) -> Route? {
        func find(_ method: RouteMethod?) -> Route? {
            let route = routes.match(path: head.path.buffer, method: method, captures: captures)
            return route?.policies.cors == nil ? nil : route
        }
        if let route = find(CORSStage.requestedMethod(head)) { return route }
        for method in RouteMethod.allCases where method != .any {
            if let route = find(method) { return route }
        }
        return nil
    }

    func virtualHost(_ name: ByteView) -> VirtualHost? {
        guard !name.isEmpty else { return nil }
        if let exact = hosts.value(for: name.buffer) { return exact }
        guard !wildcardHosts.isEmpty else { return nil }
        // `*.example.com` covers every name below it; the longest suffix wins.
        var from = 0
        while let dot = name.firstIndex(of: UInt8(ascii: "."), from: from) {
            if dot > 0, let found = wildcardHosts.value(for: name.dropFirst(dot).buffer) { return found }
            from = dot + 1
        }
        return nil
    }

    /// Whose settings hold for a request, if its host is known.
    public func instance(of head: RequestHead) -> InstanceContext? { settings(of: virtualHost(head.host)) ?? addressed(head.host) }

    /// At an address of an instance with feature `app_route`, `X-HW-ID` says whose API is meant (gateway-runtime.md, 1.1); what
    /// is none of that application's is one of the group DEFAULT or nothing. Who calls is found out later, as for any API.
    private func routeOfApp(_ head: RequestHead, _ instance: InstanceContext, _ captures: RouteCaptures) -> Route? {
        guard let named = namedApp(head, instance), let environment = environment(among: named.routes.environments, head) else { return nil }
        return environment.routes.match(path: head.path.buffer, method: head.method.routeMethod, captures: captures)
    }

    /// The application whose APIs are looked at before those of the host.
    func namedApp(_ head: RequestHead, _ instance: InstanceContext) -> (app: AppCredential, routes: AppRoutes)? {
        guard instance.settings.routesByApp, addresses.value(for: head.host.buffer) != nil,
            let key = head.value(named: ByteView("x-hw-id")),
            let app = callers.app(key: key, instanceID: instance.settings.instanceID, scratch: ByteScratch(capacity: 256))
        else { return nil }
        var id = app.appID
        guard let routes = id.withUTF8({ appRoutes.value(for: UnsafeRawBufferPointer($0)) }) else { return nil }
        return (app, routes)
    }

    private func addressed(_ name: ByteView) -> InstanceContext? {
        guard !name.isEmpty, let place = addresses.value(for: name.buffer), instances.indices.contains(place) else { return nil }
        return instances[place]
    }

    /// By host; a gateway with a single instance has no doubt about it.
    private func settings(of host: VirtualHost?) -> InstanceContext? {
        if let host { return instances.indices.contains(host.instance) ? instances[host.instance] : nil }
        return instances.count == 1 ? instances[0] : nil
    }

    func environment(of host: VirtualHost, _ head: RequestHead) -> EnvironmentRoutes? {
        environment(among: host.environments, head)
    }

    func environment(among environments: [EnvironmentRoutes], _ head: RequestHead) -> EnvironmentRoutes? {
        let wanted = head.value(.xStage) ?? ByteView("RELEASE")
        for index in environments.indices where wanted.equals(environments[index].name) { return environments[index] }
        return nil
    }

    private func publicKey(instanceID: String, name: ByteView) -> PublicKeyText? {
        publicKeys.isEmpty ? nil : publicKeys.value(for: Array(instanceID.utf8) + [UInt8(ascii: "/")] + name.array)
    }
}

extension RequestMethod {
    /// nil for methods that no API can be defined with; they meet ANY alone.
    var routeMethod: RouteMethod? {
        switch self {
        case .get: .get
        case .post: .post
        case .put: .put
        case .delete: .delete
        case .head: .head
        case .patch: .patch
        case .options: .options
        case .other: nil
        }
    }
}
