import GatewayModel
import GatewayPrimitives
import Logging
import RequestSigning
import Snapshot
import SnapshotCompiler
import Store

/// Keeps the newest snapshot and hands each next one to the gateway, in the order of revisions. Confined to the writer's thread.
///
/// `@unchecked Sendable`: its state is touched on ``ControlPlane``'s one writer thread alone, which the compiler cannot see.
final class SnapshotPublisher: @unchecked Sendable {
    private let settings: ControlPlaneSettings
    private let log: Logger
    private let sink: SnapshotSink
    private let tls: TLSPreparation
    private let routes: RouteCompiler
    private let callers: CallerCompiler
    private var builder: SnapshotBuilder
    private var domains: DomainCompiler
    private var current = GatewaySnapshot.empty

    init(settings: ControlPlaneSettings, log: Logger, tls: @escaping TLSPreparation, hops: HopKey, sink: @escaping SnapshotSink) {
        let uses = UseMeters(loops: settings.gatewayLoops)
        builder = SnapshotBuilder(hops: hops)
        domains = DomainCompiler(prepare: tls)
        self.tls = tls
        self.settings = settings
        callers = CallerCompiler(uses: uses)
        self.log = log
        self.sink = sink
        routes = RouteCompiler(
            policies: PolicyCompiler(functions: settings.functions, uses: uses, kafka: settings.kafka), meters: TrafficMeters(loops: settings.gatewayLoops),
            hops: hops)
    }

    /// Compiles the whole store. An API that cannot be compiled refuses; the others are served.
    func start(_ reading: Reading) throws {
        let loader = PublicationLoader(reading: reading, settings: settings)
        builder.apply(try loader.instanceSettings(ids: nil, prepare: tls, tolerates: true).map(SnapshotChange.instance))
        builder.apply(try loader.publicKeys(ids: nil))
        builder.apply(try loader.groups(ids: nil, &domains, tolerates: true))
        builder.apply(
            try loader.callingApplications(ids: nil).map { .application(id: $0.application.id, callers.credential($0)) })
        for api in try loader.publishedAPIs(.all) {
            builder.apply([.route(publicationID: api.publicationID, instanceID: api.instanceID, tolerantly(api))])
        }
        let revision = try reading.sql.first("SELECT revision FROM gateway_state WHERE id = 1", [])?.integer("revision") ?? 0
        current = builder.snapshot(revision: UInt64(revision))
        sink(current) {}
    }

    /// Compiles what a write touched, reading through its own transaction.
    ///
    /// - Throws: ``OperationError/cannotServe(field:reason:)``; the write is undone then.
    func compile(_ touched: Set<Touch>, in reading: Reading) throws -> [SnapshotChange] {
        guard !touched.isEmpty else { return [] }
        for case .everything(let tolerates) in touched { return try everything(reading, tolerates: tolerates) }
        let loader = PublicationLoader(reading: reading, settings: settings)
        var plan: [SnapshotChange] = []
        var publications: Set<String> = []
        // Those that the write is about; the others use something that it changed.
        var own: Set<String> = []
        var changedSettings: [String: InstanceSettings] = [:]
        for touch in touched {
            switch touch {
            case .publication(let id):
                publications.insert(id)
                own.insert(id)
            case .signatureKey(let id): publications.formUnion(try loader.publications(ofSignatureKey: id))
            case .accessPolicy(let id): publications.formUnion(try loader.publications(ofAccessPolicy: id))
            case .plugin(let id): publications.formUnion(try loader.publications(ofPlugin: id))
            case .channel(let id):
                publications.formUnion(try loader.publications(ofChannel: id))
            case .throttle(let id): publications.formUnion(try loader.publications(ofThrottle: id))
            case .environment(let instanceID, let id):
                publications.formUnion(try loader.publications(ofEnvironment: id, instanceID: instanceID))
            case .group(let id):
                let group = try loader.groups(ids: [id], &domains, tolerates: false)
                plan += group.isEmpty ? [.groupRemoved(id: id)] : group
                if !group.isEmpty { publications.formUnion(try loader.publications(ofGroup: id)) }
            case .hosts(let id):
                let group = try loader.groups(ids: [id], &domains, tolerates: false)
                plan += group.isEmpty ? [.groupRemoved(id: id)] : group
            case .instance(let id):
                let found = try loader.instanceSettings(ids: [id], prepare: tls, tolerates: false)
                plan += found.isEmpty ? [.instanceRemoved(id: id)] : found.map(SnapshotChange.instance)
                plan += try loader.publicKeys(ids: [id])
                for settings in found { changedSettings[id] = settings }
            case .application(let id):
                let found = try loader.callingApplications(ids: [id]).first
                plan.append(.application(id: id, found.map(callers.credential)))
            case .everything: break
            case .authorization(let apiID, let environmentID):
                publications.formUnion(try loader.publications(ofAPI: apiID, environmentID: environmentID))
            }
        }
        var missing = publications
        for api in try loader.publishedAPIs(.some(Array(publications))) {
            missing.remove(api.publicationID)
            let settings = changedSettings[api.instanceID] ?? builder.settings(instanceID: api.instanceID)
            do {
                let route = try routes.compile(api, settings: settings)
                plan.append(.route(publicationID: api.publicationID, instanceID: api.instanceID, route))
            } catch let diagnostic {
                // An API that refuses already, because a function is gone, must not keep others from being changed.
                guard !own.contains(api.publicationID), builder.isRefusing(publicationID: api.publicationID) else {
                    throw OperationError.cannotServe(field: diagnostic.field, reason: diagnostic.reason)
                }
                plan.append(
                    .route(publicationID: api.publicationID, instanceID: api.instanceID, routes.refusing(api)))
            }
        }
        for id in missing { plan.append(.route(publicationID: id, instanceID: "", nil)) }
        return plan
    }

    /// A plan that replaces all that there is.
    private func everything(_ reading: Reading, tolerates: Bool) throws -> [SnapshotChange] {
        let loader = PublicationLoader(reading: reading, settings: settings)
        let instances = try loader.instanceSettings(ids: nil, prepare: tls, tolerates: tolerates)
        let byID = Dictionary(instances.map { ($0.instanceID, $0) }) { first, _ in first }
        var plan: [SnapshotChange] = [.startOver]
        plan += instances.map(SnapshotChange.instance)
        plan += try loader.publicKeys(ids: nil)
        plan += try loader.groups(ids: nil, &domains, tolerates: tolerates)
        plan += try loader.callingApplications(ids: nil).map { .application(id: $0.application.id, callers.credential($0)) }
        for api in try loader.publishedAPIs(.all) {
            let settings = byID[api.instanceID] ?? InstanceSettings(instanceID: api.instanceID)
            let route: Route?
            do {
                route = try routes.compile(api, settings: settings)
            } catch let diagnostic {
                guard tolerates || builder.isRefusing(publicationID: api.publicationID) else {
                    throw OperationError.cannotServe(field: diagnostic.field, reason: diagnostic.reason)
                }
                log(diagnostic)
                route = routes.refusing(api)
            }
            plan.append(.route(publicationID: api.publicationID, instanceID: api.instanceID, route))
        }
        return plan
    }

    /// Takes over a plan whose transaction has committed. Without changes the present snapshot is handed over again, so that
    /// the caller still waits for writes before it.
    func publish(_ plan: [SnapshotChange], revision: UInt64, inForce: @escaping @Sendable () -> Void) {
        if !plan.isEmpty {
            builder.apply(plan)
            current = builder.snapshot(revision: revision)
        }
        sink(current, inForce)
    }

    /// The present snapshot with one API more, for those who ask for it alone.
    ///
    /// - Throws: ``OperationError/cannotServe(field:reason:)``.
    func snapshot(adding api: PublishedAPI) throws -> GatewaySnapshot {
        let route: Route
        do {
            route = try routes.compile(api, settings: builder.settings(instanceID: api.instanceID))
        } catch let diagnostic {
            throw OperationError.cannotServe(field: diagnostic.field, reason: diagnostic.reason)
        }
        var builder = builder
        builder.apply([.route(publicationID: api.publicationID, instanceID: api.instanceID, route)])
        return builder.snapshot(revision: current.revision)
    }

    private func tolerantly(_ api: PublishedAPI) -> Route? {
        do {
            return try routes.compile(api, settings: builder.settings(instanceID: api.instanceID))
        } catch let diagnostic {
            log(diagnostic)
            return routes.refusing(api)
        }
    }

    private func log(_ diagnostic: CompileDiagnostic) {
        log.error(
            "an API cannot be served and refuses its requests",
            metadata: ["resource": "\(diagnostic.resource)", "field": "\(diagnostic.field)", "reason": "\(diagnostic.reason)"])
    }
}
