import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import Hummingbird
import KafkaLog
import Logging
import ManagementAPI
import ProxyServer
import ServiceLifecycle
import Snapshot
import Sockets
import Store
import Synchronization
import TraceExport
import UnixSignals

/// Builds both planes, runs them until a signal, drains.
enum Daemon {
    static let version = "0.1.0"

    /// - Throws: ``PlainFailure`` for everything that an operator can mend.
    static func run(_ settings: ServeSettings) async throws {
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let log = Logger(label: "gatehouse")
        ProcessLimits.raiseDescriptors()
        let inheritance = settings.takesOver
            ? try Inheritance(folder: DataFolder.absolute(settings.dataFolder), settings: settings) : nil
        let folder = try DataFolder(path: settings.dataFolder)
        let box = SecretBox(keyMaterial: try folder.secretKey())
        let store = try FirstStart.openStore(folder.database)
        let tls = try GatewayCertificate.tlsContext(
            certificatePath: folder.certificate, keyPath: folder.certificateKey,
            hosts: ["localhost", "*.\(settings.groupHostSuffix)"])
        var configuration = ProxyConfiguration(
            http: .init(host: settings.gateway.host, port: settings.gateway.port),
            https: .init(host: settings.gatewayTLS.host, port: settings.gatewayTLS.port), tls: tls.withHTTP2,
            eventLoops: settings.gatewayThreads)
        configuration.verifiesBackendCertificates = settings.verifiesBackendCertificates
        let folderPath = folder.path
        let accessLog = try settings.accessLog.map { try openAccessLog($0, folder: folderPath, region: settings.region, log: log) }
        configuration.accessLog = accessLog
        configuration.region = settings.region
        let ledger = KafkaLedger(
            maxMessages: settings.kafkaQueueRecords, maxBytes: settings.kafkaQueueBytes, maxCapturedBytes: settings.kafkaBodyBytes)
        configuration.kafka = ledger
        let kafka = KafkaPush(ledger, logger: log)
        let tracing = try settings.tracing.map { try makeTracing($0, log) }
        configuration.tracing = tracing?.queue
        configuration.httpExpectsProxyHeader = settings.gatewayProxyProtocol
        configuration.httpsExpectsProxyHeader = settings.gatewayTLSProxyProtocol
        configuration.tlsWithoutHTTP2 = tls.withoutHTTP2
        configuration.allowsPlainHTTP2 = settings.gatewayH2C
        configuration.maxConnections = settings.maxConnections
        configuration.maxConnectionsPerClient = settings.maxConnectionsPerClient
        configuration.tunnelIdleMilliseconds = settings.tunnelIdleSeconds * 1000
        let gateway: ProxyServer
        do {
            gateway = try ProxyServer(configuration: configuration, logger: log)
        } catch {
            throw PlainFailure("cannot set up the gateway: \(error)")
        }
        let state = ReadyState()
        let plane = try ControlPlane(
            store: store, box: box, settings: planeSettings(settings, ledger), log: log,
            tls: ProxyServer.prepareTLS(verifiesBackends: settings.verifiesBackendCertificates),
            traffic: { await gateway.takeTraffic() + (inheritance?.takeTraffic() ?? []) },
            uses: { await gateway.takeUses() + (inheritance?.takeUses() ?? []) },
            sink: { snapshot, inForce in
                kafka.serve(snapshot.kafkaOutboxes)
                gateway.publish(snapshot) {
                    state.revision.withLock { $0 = max($0, snapshot.revision) }
                    inForce()
                }
            })
        let certificates = CertificateWatch(
            plane: plane, own: CertificateEnd(use: .gateway, id: "gateway", endsAt: tls.endsAt),
            revision: { state.revision.withLock { $0 } }, log: log)
        let directory = IdentityDirectory(plane: plane, lifeSeconds: Int64(settings.tokenLifeSeconds))
        try await FirstStart.run(plane: plane, directory: directory, folder: folder, settings: settings)
        gateway.identifyCallers(GatewayIdentities.lookup(in: directory))
        inheritance?.waitForSockets(log: log)
        let bound: ProxyServer.Bound
        do {
            bound = try await gateway.start(inheriting: inheritance?.gateway ?? ProxyServer.Sockets())
        } catch {
            throw PlainFailure(reason(error))
        }
        let gatewayHTTP = "http://\(Address(host: settings.gateway.host, port: bound.http?.port ?? settings.gateway.port))"
        let gatewayHTTPS = "https://\(Address(host: settings.gatewayTLS.host, port: bound.https?.port ?? settings.gatewayTLS.port))"
        let managementSocket = try inheritance?.management ?? openManagement(settings.management)
        let management = "http://\(Address(host: settings.management.host, port: managementSocket.port))"
        let publicURL = settings.publicURL ?? management
        try FirstStart.writeAddresses(
            folder: folder, management: publicURL, gatewayHTTP: gatewayHTTP, gatewayHTTPS: gatewayHTTPS)
        let credentialsPath = folder.credentials
        let application = ManagementApplication.build(
            settings: ManagementSettings(publicURL: publicURL, region: settings.region), socket: managementSocket,
            directory: directory, routes: ManagementOperations.all(
                plane, debugging: GatewayDebugging.sender(gateway), explaining: GatewayExplaining.explainer(gateway, directory)),
            status: ProcessStatus(
                version: version, startTime: ControlPlane.wallClock().seconds, revision: { state.revision.withLock { $0 } },
                isReady: { state.isReady.withLock { $0 } && gateway.isListening }, isWritable: { plane.isWritable },
                metrics: {
                    var own = MetricsText()
                    ProcessMetrics.write(to: &own)
                    await certificates.write(to: &own)
                    return await gateway.metrics().text + kafka.metrics().text + (tracing?.exporter.metrics().text ?? "") + plane.metrics().text + own.text
                }),
            log: log, onListening: { await gateway.watchAccepting(at: $0) },
            onRunning: {
                state.isReady.withLock { $0 = true }
                print(
                    """
                    Gatehouse \(version) is running.
                      management   \(management)
                      gateway      \(gatewayHTTP)
                      gateway TLS  \(gatewayHTTPS)
                      credentials  \(credentialsPath)
                    """)
                fflush(nil)
            })
        inheritance?.waitForDecisions(log: log)
        let taken = TakenOver()
        let writing = EndingEarly(services: [application, StatisticsService(plane: plane)], log: log) { managementSocket.closeDescriptor() }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: GatewayService(
                gateway: gateway, kafka: kafka, tracing: tracing?.exporter, state: state, drain: .seconds(settings.drainSeconds))),
            .init(service: writing, successTerminationBehavior: .ignore),
            .init(service: certificates),
            .init(service: LogReopening(log: accessLog)),
        ]
        if let http = bound.sockets.http, let https = bound.sockets.https {
            if let listener = DescriptorListener(path: HandOver.path(in: folderPath)) {
                let lock = folder.lockDescriptor
                let handingOver = HandingOver(
                    listener: listener, sockets: [managementSocket, http, https], gateway: gateway,
                    stopWriting: {
                        state.isReady.withLock { $0 = false }
                        await writing.end()
                        await plane.settleTraffic()
                        flock(lock, LOCK_UN)
                    }, taken: taken, log: log)
                services.append(.init(service: handingOver, successTerminationBehavior: .gracefullyShutdownGroup))
            } else {
                log.warning("nobody can take over from this process: no socket can be made in the data folder, whose path may be too long")
            }
        }
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
        do {
            try await group.run()
        } catch {
            throw PlainFailure("stopped: \(error)")
        }
        if taken.isTaken {
            taken.send(CountsLeft(traffic: await gateway.takeTraffic(), uses: await gateway.takeUses()))
        } else {
            await plane.settleTraffic()
        }
        try plane.close()
    }

    /// - Throws: ``PlainFailure`` when the file cannot be opened.
    private static func openAccessLog(
        _ wanted: AccessLogSettings, folder: String, region: String, log: Logger
    ) throws -> AccessLog {
        var wanted = wanted
        if !wanted.path.hasPrefix("/") { wanted.path = "\(folder)/\(wanted.path)" }
        do throws(AccessLogError) {
            return try AccessLog(wanted, region: region, logger: log)
        } catch .cannotOpen(let path, let reason) {
            throw PlainFailure("access_log: cannot open \(path): \(reason)")
        }
    }

    /// The exporter runs beside everything else until it is closed.
    private static func makeTracing(_ settings: TraceSettings, _ log: Logger) throws -> (queue: TraceQueue, exporter: TraceExporter) {
        let queue = TraceQueue(ratio: settings.ratio, maxSpans: settings.queueSpans)
        do {
            let exporter = try TraceExporter(queue, to: settings.endpoint, authorities: settings.authorities, logger: log)
            Task { await exporter.run() }
            return (queue, exporter)
        } catch {
            throw PlainFailure("tracing: TLS cannot be set up: \(error)")
        }
    }

    private static func reason(_ error: ProxyStartError) -> String {
        switch error {
        case .tlsListenerWithoutCertificate: "the TLS listener has no certificate"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .tlsSettings(let reason): "the TLS settings cannot be used: \(reason)"
        }
    }

    /// The catalog names the port, so it is opened before anything answers on it.
    private static func openManagement(_ address: Address) throws -> ListeningSocket {
        do {
            return try ListeningSocket.open(host: address.host, port: address.port)
        } catch {
            throw PlainFailure("cannot listen on \(address): \(error.reason)")
        }
    }

    private static func planeSettings(_ settings: ServeSettings, _ kafka: KafkaLedger) -> ControlPlaneSettings {
        let wildcards = ["0.0.0.0", "::"]
        let own = wildcards.contains(settings.gateway.host) ? [] : [settings.gateway.host.lowercased()]
        var plane = ControlPlaneSettings(
            groupHostSuffix: settings.groupHostSuffix,
            gatewayAddresses: Array(Set(own + ["127.0.0.1", "localhost"])).sorted(), quotas: settings.quotas,
            featureIntervalSeconds: Int64(settings.featureIntervalSeconds), functions: settings.functions,
            gatewayLoops: settings.gatewayThreads, historyRevisions: Int64(settings.historyRevisions))
        plane.kafka = kafka
        return plane
    }
}

/// What the probes tell.
final class ReadyState: Sendable {
    let isReady = Mutex(false)
    let revision = Mutex<UInt64>(0)
}

/// Stores what the gateway has counted every ten seconds: a crash loses no more than that. And asks a store that took no changes
/// whether it takes them again.
private struct StatisticsService: Service {
    let plane: ControlPlane

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: .seconds(10))) != nil else { return }
                await plane.settleTraffic()
                await plane.retryStore()
            }
        }
    }
}

/// SIGHUP: the access log was moved away, and goes on in a new file. Without a log nothing happens.
private struct LogReopening: Service {
    let log: AccessLog?

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { log?.reopen() }
    }
}

/// Ties the gateway to the life of the process.
private struct GatewayService: Service {
    let gateway: ProxyServer
    let kafka: KafkaPush
    let tracing: TraceExporter?
    let state: ReadyState
    let drain: Duration

    func run() async throws {
        try? await gracefulShutdown()
        state.isReady.withLock { $0 = false }
        await gateway.shutdown(drain: drain)
        async let traced: Void? = tracing?.close()
        await kafka.close()
        await traced
    }
}
