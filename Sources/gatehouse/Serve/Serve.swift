import ArgumentParser

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the management API and the gateway.")

    @Option(name: .customLong("data-dir"), help: "Folder of database, keys and credentials; made where missing.")
    var dataFolder: String
    @Option(help: "Address of the management API (default 127.0.0.1:8700).") var management: Address?
    @Option(help: "Address of the gateway over HTTP (default 127.0.0.1:8780).") var gateway: Address?
    @Option(name: .customLong("gateway-tls"), help: "Address of the gateway over TLS (default 127.0.0.1:8743).")
    var gatewayTLS: Address?
    @Flag(name: .customLong("gateway-proxy-protocol"), help: "Connections to --gateway begin with a PROXY header.")
    var gatewayProxyProtocol = false
    @Flag(name: .customLong("gateway-tls-proxy-protocol"), help: "Connections to --gateway-tls begin with a PROXY header.")
    var gatewayTLSProxyProtocol = false
    @Flag(name: .customLong("gateway-h2c"), help: "Take HTTP/2 without TLS at --gateway.") var gatewayH2C = false
    @Option(name: .customLong("gateway-threads"), help: "Event loops that carry traffic (default: one a core).")
    var gatewayThreads: Int?
    @Flag(name: .customLong("take-over"), help: "Take the sockets of the gatehouse that runs on the data folder, which then ends.")
    var takeOver = false
    @Option(help: "Settings file (YAML).") var config: String?
    @Option(help: "Database URL; without it, SQLite in the data folder.") var store: String?

    func run() async throws {
        var settings = ServeSettings(dataFolder: dataFolder)
        if let config { try settings.apply(file: config) }
        if let management { settings.management = management }
        if let gateway { settings.gateway = gateway }
        if let gatewayTLS { settings.gatewayTLS = gatewayTLS }
        if gatewayProxyProtocol { settings.gatewayProxyProtocol = true }
        if gatewayTLSProxyProtocol { settings.gatewayTLSProxyProtocol = true }
        if gatewayH2C { settings.gatewayH2C = true }
        settings.takesOver = takeOver
        if let gatewayThreads { settings.gatewayThreads = gatewayThreads }
        try settings.check()
        if let store { throw PlainFailure("--store \(store.prefix { $0 != ":" }): only the embedded SQLite store is built in") }
        try await Daemon.run(settings)
    }
}
