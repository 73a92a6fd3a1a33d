import ControlPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Sockets
import WireContract

/// Choices of the operator about the management port.
public struct ManagementSettings: Sendable {
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
        publicURL: String, region: String, connectionLimit: Int = 1024,
        headTimeout: TimeAmount = .seconds(75), bodyTimeout: TimeAmount = .seconds(120)
    ) {
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
    ///   - socket: of the port; stays open behind the service, for the process after this one.
    ///   - onListening: called with the listener, before `onRunning`.
    ///   - onRunning: called once calls are taken.
    /// - Returns: a service to run; it stops taking connections when its service group shuts down.
    public static func build(
        settings: ManagementSettings, socket: ListeningSocket, directory: IdentityDirectory, routes: OperationRoutes,
        status: ProcessStatus, log: Logger, onListening: @escaping @Sendable (any Channel) async -> Void = { _ in },
        onRunning: @escaping @Sendable () async -> Void = {}
    ) -> ManagementServer {
        let headTimeout = settings.headTimeout
        let bodyTimeout = settings.bodyTimeout
        // The server's own lines about single requests repeat the access log, with less.
        var serverLog = log
        serverLog.logLevel = max(log.logLevel, .notice)
        return ManagementServer(
            responder: responder(settings: settings, directory: directory, routes: routes, status: status, log: log),
            configuration: .init(
                additionalChannelHandlers: [SlowClientHandler(headTimeout: headTimeout, bodyTimeout: bodyTimeout)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 32 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 128)),
            connectionLimit: settings.connectionLimit, socket: socket, log: serverLog, onListening: onListening,
            onRunning: onRunning)
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
