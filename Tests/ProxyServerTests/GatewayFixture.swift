import GatewayPrimitives
import Logging
import ProxyServer
import Snapshot

/// A gateway on a free port with hand-made routes on host `h`.
struct Gateway {
    let server: ProxyServer
    let port: Int

    static func start(
        _ routes: [Route], settings: InstanceSettings = InstanceSettings(instanceID: "i"),
        change: (inout ProxyConfiguration) -> Void = { _ in }
    ) async throws -> Gateway {
        var configuration = ProxyConfiguration(http: .init(host: "127.0.0.1", port: 0), eventLoops: 2)
        change(&configuration)
        let server = try ProxyServer(configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let bound = try await server.start()
        await server.publish(snapshot(routes, settings: settings))
        return Gateway(server: server, port: bound.http?.port ?? 0)
    }

    static func snapshot(
        _ routes: [Route], settings: InstanceSettings = InstanceSettings(instanceID: "i"), callers: CallerDirectory = .empty
    ) -> GatewaySnapshot {
        var table = RouteTable()
        for route in routes { table = table.inserting(route) }
        let host = VirtualHost(
            groupID: "g", groupName: "g", instance: 0,
            environments: [EnvironmentRoutes(id: "e", name: Array("RELEASE".utf8), routes: table)])
        return GatewaySnapshot(
            revision: 1, hosts: ByteTrie().setting(Array("h".utf8), to: host), wildcardHosts: ByteTrie(), instances: [settings],
            callers: callers)
    }

    func stop() async { await server.shutdown(drain: .milliseconds(100)) }

    func client() throws -> Socket { try Socket(port: port) }

    /// One request on a connection of its own.
    func send(_ request: String, isHead: Bool = false) throws -> Message? {
        let socket = try client()
        socket.write(request)
        return socket.readMessage(isAnswerToHead: isHead)
    }
}

func route(
    _ path: String, _ method: RouteMethod = .any, mode: MatchMode = .normal, schemes: AllowedSchemes = [.http, .https],
    refusal: RouteRefusal? = nil, to backend: Snapshot.Backend, policies: RoutePolicies = RoutePolicies()
) throws -> Route {
    Route(
        identity: RouteIdentity(
            apiID: path, apiName: path, groupID: "g", groupName: "g", environmentID: "e", environmentName: "RELEASE",
            publishID: path),
        method: method, path: try PathTemplate(parsing: path, allowsRest: mode == .normal), matchMode: mode, schemes: schemes,
        refusal: refusal, backend: backend, policies: policies)
}

func http(
    _ port: Int, path: BackendPath = .asReceived, method: RouteMethod? = nil, timeout: Int = 5000, retry: RetryRule = .automatic,
    host: String = "127.0.0.1"
) -> Snapshot.Backend {
    .http(
        HTTPBackend(
            upstream: Upstream(usesTLS: false, host: host, port: port), hostHeader: Array("\(host):\(port)".utf8),
            method: method, path: path, timeoutMilliseconds: timeout, retry: retry))
}
