import Dispatch
import Foundation
import GatewayModel
import GatewayPrimitives
import Logging
import RequestSigning
import Snapshot
import SnapshotCompiler
import Store
import Synchronization

/// Hands a snapshot to the gateway and calls back, on any thread, once every event loop serves it. Calls come in the order of
/// revisions, from one queue.
public typealias SnapshotSink = @Sendable (GatewaySnapshot, _ inForce: @escaping @Sendable () -> Void) -> Void

/// The configuration and its rules: every operation of the management API ends here.
///
/// Reads run side by side. Writes run one after the other on one thread: transaction (rules, changes, record, compiling),
/// commit, swap of the snapshot; the caller is resumed when the gateway serves it (design.md, invariants 1 and 2).
/// Any thread, any task.
public final class ControlPlane: Sendable {
    public let settings: ControlPlaneSettings
    let store: any StoreDriver
    let box: SecretBox
    let log: Logger
    private let writer = WorkThreads("store-writer", limit: 1)
    private let readers = WorkThreads("store-reader", limit: 3)
    /// Does not stand back: requests of clients wait for what is read here.
    private let lookups = DispatchQueue(label: "gatehouse.lookups", attributes: .concurrent)
    private let clock: @Sendable () -> Timestamp
    /// Only touched on `writer`, once it has started.
    private let publisher: SnapshotPublisher
    let publicationMetrics = PublicationMetrics()
    let health: StoreHealth
    let traffic: TrafficBook
    let uses: UseBook

    /// - Parameters:
    ///   - clock: nanoseconds since 1970; given so that tests can set it.
    ///   - tls: makes contexts of the TLS library for certificates of domains; refuses those that cannot be used.
    ///   - traffic: what the gateway counts; statistics are made of it.
    ///   - uses: what the gateway counts of secrets, codes and signature keys.
    ///   - sink: receives the first snapshot, compiled from the whole store, before this returns.
    public init(
        store: any StoreDriver, box: SecretBox, settings: ControlPlaneSettings, log: Logger,
        clock: @escaping @Sendable () -> Timestamp = ControlPlane.wallClock,
        tls: @escaping TLSPreparation = ControlPlane.withoutTLS, traffic: @escaping TrafficSource = { [] },
        uses: @escaping UseSource = { [] },
        sink: @escaping SnapshotSink
    ) throws {
        self.store = store
        self.box = box
        self.settings = settings
        self.log = log
        health = StoreHealth(log: log)
        self.clock = clock
        self.traffic = TrafficBook(source: traffic)
        self.uses = UseBook(source: uses)
        publisher = SnapshotPublisher(
            settings: settings, log: log, tls: tls, hops: HopKey(Array(box.fingerprint("hops", context: "gateway").utf8)), sink: sink)
        let now = clock()
        // Nobody else has this yet: what is done here comes before everything that the writer will do.
        try store.write { sql in
            try Self.abandonAssetJobs(sql, now: now)
            try Self.separateFeatureSecrets(sql, box: box)
        }
        try store.read { sql in try publisher.start(Reading(sql: sql, now: now, box: box)) }
    }

    /// Who waits for what is read.
    public enum ReadPurpose: Sendable {
        case management
        /// A request of a client. Never held up by what management has asked for.
        case traffic
    }

    /// Runs `body` on a consistent view of the store.
    ///
    /// - Throws: ``OperationError``.
    public func read<Result: Sendable>(
        for purpose: ReadPurpose = .management, _ body: @escaping @Sendable (Reading) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let work: WorkThreads.Work = { [self] in
                continuation.resume(
                    with: Swift.Result { () throws -> Result in
                        try mapped { try store.read { sql in try body(Reading(sql: sql, now: clock(), box: box)) } }
                    })
            }
            switch purpose {
            case .management: readers.run(work)
            case .traffic: lookups.async(execute: work)
            }
        }
    }

    /// Runs `body` in a write transaction; returns when the change is durable and in force on every event loop.
    ///
    /// - Throws: ``OperationError``; nothing was changed then.
    public func write<Result: Sendable>(
        _ call: Call, _ body: @escaping @Sendable (Writing) throws -> Result
    ) async throws -> Written<Result> {
        try await withCheckedThrowingContinuation { continuation in
            writer.run { [self] in
                do {
                    let (value, revision, tags, plan) = try mapped {
                        try stored { sql in
                            let writing = Writing(sql: sql, now: clock(), box: box, instanceID: call.instanceID)
                            let value = try body(writing)
                            try writing.checkExpectedState(of: call)
                            let revision = try writing.finish(call: call)
                            try sql.forgetVersions(before: Int64(clamping: revision) - settings.historyRevisions)
                            let tags = try writing.tags(of: call, revision: revision)
                            return (value, revision, tags, try compile(writing))
                        }
                    }
                    let committed = PublicationMetrics.now()
                    publisher.publish(plan, revision: revision) { [publicationMetrics] in
                        publicationMetrics.published(since: committed)
                        continuation.resume(returning: Written(value: value, revision: revision, tags: tags))
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// On the writer's thread.
    private func compile(_ writing: Writing) throws -> [SnapshotChange] {
        let began = PublicationMetrics.now()
        do {
            let plan = try publisher.compile(writing.touched, in: writing)
            publicationMetrics.compiled(since: began)
            return plan
        } catch {
            publicationMetrics.refused()
            throw error
        }
    }

    /// Runs `body` in a write transaction that changes nothing of the configuration: no revision, no change record, nothing to
    /// compile. Returns when it is durable.
    func bookkeeping<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection, _ now: Timestamp) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            writer.run { [self] in
                continuation.resume(with: Swift.Result { () throws -> Value in try stored { sql in try body(sql, clock()) } })
            }
        }
    }

    /// What is in force with one API more; nothing is published.
    ///
    /// - Throws: ``OperationError/cannotServe(field:reason:)``.
    func snapshot(adding api: PublishedAPI) async throws -> GatewaySnapshot {
        try await withCheckedThrowingContinuation { continuation in
            writer.run { [self] in
                continuation.resume(with: Swift.Result { () throws -> GatewaySnapshot in try publisher.snapshot(adding: api) })
            }
        }
    }

    /// Waits for writes that have begun, then closes the store. Nothing may be called afterwards.
    public func close() throws {
        let outcome = Mutex<Result<Void, any Error>?>(nil)
        let ended = DispatchSemaphore(value: 0)
        writer.run { [store] in
            let result = Result { try store.close() }
            outcome.withLock { $0 = result }
            ended.signal()
        }
        ended.wait()
        try outcome.withLock { $0 }?.get()
    }

    /// The machine's clock.
    public static let wallClock: @Sendable () -> Timestamp = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(nanoseconds: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
    }

    /// For a control plane without a TLS listener.
    public static let withoutTLS: TLSPreparation = { _ in UnusedTLS() }

    private func mapped<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StoreError {
            log.error("store failed", metadata: ["error": "\(error)"])
            throw OperationError.store(error)
        }
    }
}

/// Stands for a context where no listener will use one.
private final class UnusedTLS: PreparedTLS {}

/// Choices of the operator that operations need.
public struct ControlPlaneSettings: Sendable {
    /// `<group_id>.<suffix>` is the debugging host of a group.
    public var groupHostSuffix: String
    /// Hosts at which the group DEFAULT answers: the gateway's own addresses, lower case, without port.
    public var gatewayAddresses: [String]
    /// Seconds east of UTC of version numbers (management-api.md, 1.7).
    public var versionZoneOffsetSeconds: Int64
    public var quotas: Quotas
    /// Shortest time between two changes of one feature in seconds; 0 switches the rule off (management-api.md, 3.2).
    public var featureIntervalSeconds: Int64
    /// Where functions of authorizers and FUNCTION backends are.
    public var functions: FunctionRegistry
    /// Event loops of the gateway, each of which counts the APIs' requests; 0: none does.
    public var gatewayLoops: Int
    /// How many revisions can be told and restored.
    public var historyRevisions: Int64
    /// Bounds and counts of Kafka logs.
    public var kafka = KafkaLedger()

    public init(
        groupHostSuffix: String = "apic.localhost", gatewayAddresses: [String] = [],
        versionZoneOffsetSeconds: Int64 = 8 * 3600, quotas: Quotas = Quotas(), featureIntervalSeconds: Int64 = 0,
        functions: FunctionRegistry = FunctionRegistry(), gatewayLoops: Int = 0, historyRevisions: Int64 = 10_000
    ) {
        self.groupHostSuffix = groupHostSuffix
        self.gatewayAddresses = gatewayAddresses
        self.versionZoneOffsetSeconds = versionZoneOffsetSeconds
        self.quotas = quotas
        self.featureIntervalSeconds = featureIntervalSeconds
        self.functions = functions
        self.gatewayLoops = gatewayLoops
        self.historyRevisions = historyRevisions
    }
}

/// How many of each an instance may hold (management-api.md, 4.2). The vendor's numbers are the defaults; the operator may raise them.
public struct Quotas: Sendable, Equatable {
    /// In a project.
    public var instances = 5
    public var tagsPerInstance = 20
    public var apiGroups = 1500
    public var apis = 5000
    public var apisPerGroup = 1000
    public var apisPerImport = 1000
    /// Asynchronous imports and exports at work at a time.
    public var documentTasks = 10
    public var environments = 10
    public var signatureKeys = 200
    public var accessPolicies = 100
    public var authorizers = 50
    public var identitiesPerAuthorizer = 10
    public var orchestrations = 100
    public var orchestrationsPerAPI = 10
    /// In each environment.
    public var variablesPerGroup = 50
    public var plugins = 500
    public var applications = 100
    public var appCodesPerApplication = 5
    public var appConfigsPerApplication = 50
    public var appQuotas = 20_000
    public var authorizationsPerApplication = 1000
    public var throttles = 300
    public var kafkaPlugins = 5
    public var parametersPerAPI = 50
    public var tagsPerAPI = 10
    public var backendPoliciesPerAPI = 5
    public var conditionsPerPolicy = 5
    public var versionsPerPublication = 10
    public var domainsPerGroup = 5
    /// Besides the default one.
    public var responsesPerGroup = 4
    public var vpcChannels = 200
    public var membersPerChannel = 10
    /// Instances that one call about project-level channels may name.
    public var instancesPerProjectChannel = 10
    public var dictionaries = 10_000
    public var livedataAPIs = 500
    public var scriptsPerLivedataAPI = 10
    public init() {}
}
