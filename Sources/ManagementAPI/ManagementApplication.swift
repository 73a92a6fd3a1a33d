import ControlPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import WireContract

/// Choices of the operator about the management port.
public struct ManagementSettings: Sendable {
    public var host: String
    /// 0 lets the system choose.
    public var port: Int
    /// What clients are told to call, without a slash at the end: in the catalog and version documents.
    public var publicURL: String
    public var region: String
    /// Connections beyond this wait to be accepted.
    public var connectionLimit: Int
    /// Time for a request head, from the connection's or the last answer's end on.
    public var headTimeout: TimeAmount
    /// Time for a request body, from its head on.
    public var bodyTimeout: TimeAmount

    public init(
        host: String, port: Int, publicURL: String, region: String, connectionLimit: Int = 1024,
        headTimeout: TimeAmount = .seconds(75), bodyTimeout: TimeAmount = .seconds(120)
    ) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.region = region
        self.connectionLimit = connectionLimit
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
    }
}

/// Puts the management port together; the daemon and the tests use the same.
public enum ManagementApplication {
    /// Value of the header `Server`.
    static let serverName = "api-gateway"

    /// - Parameters:
    ///   - routes: what the resource families registered.
    ///   - status: what the probes tell of the process.
    ///   - onListening: called with the listener, before `onRunning`.
    ///   - onRunning: called with the bound address once the port is open.
    /// - Returns: a service to run; it stops taking connections when its service group shuts down.
    public static func build(
        settings: ManagementSettings, directory: IdentityDirectory, routes: OperationRoutes, status: ProcessStatus,
        log: Logger, onListening: @escaping @Sendable (any Channel) async -> Void = { _ in },
        onRunning: @escaping @Sendable (SocketAddress?) async -> Void = { _ in }
    ) -> Application<ManagementResponder> {
        let headTimeout = settings.headTimeout
        let bodyTimeout = settings.bodyTimeout
        // The server's own lines about single requests repeat the access log, with less.
        var serverLog = log
        serverLog.logLevel = max(log.logLevel, .notice)
        return Application(
            responder: responder(settings: settings, directory: directory, routes: routes, status: status, log: log),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [SlowClientHandler(headTimeout: headTimeout, bodyTimeout: bodyTimeout)],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 32 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 128))),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: serverName,
                availableConnectionsDelegate: MaximumAvailableConnections(settings.connectionLimit)),
            onServerRunning: { channel in
                await onListening(channel)
                await onRunning(channel.localAddress)
            },
            logger: serverLog)
    }

    static func responder(
        settings: ManagementSettings, directory: IdentityDirectory, routes: OperationRoutes, status: ProcessStatus, log: Logger
    ) -> ManagementResponder {
        let authentication = Authentication(directory: directory)
        return ManagementResponder(
            tree: ManagementRouter.build(routes), authentication: authentication,
            identity: IdentityRoutes(directory: directory, authentication: authentication, settings: settings),
            probes: Probes(status: status), log: log)
    }
}
