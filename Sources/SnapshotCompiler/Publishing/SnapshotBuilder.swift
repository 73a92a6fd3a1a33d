import GatewayPrimitives
import RequestSigning
import Snapshot

/// One change to what the gateway serves.
public enum SnapshotChange: Sendable {
    /// This API in this environment is served by `route` from now on; nil when it is served no longer.
    case route(publicationID: String, instanceID: String, Route?)
    /// Hosts of a group: lower case, without port. Wildcards begin with `*.`. `domains` are hosts with rules of their own.
    case group(
        id: String, name: String, instanceID: String, hosts: [String], domains: [DomainRules] = [],
        failures: FailureShapes? = nil)
    case groupRemoved(id: String)
    case instance(InstanceSettings)
    /// All public keys that an instance serves: name of the signature key -> PEM.
    case publicKeys(instanceID: String, [String: PublicKeyText])
    case instanceRemoved(id: String)
    /// An application as it is now; nil when it is gone.
    case application(id: String, AppCredential?)
    /// First of its list: nothing of what was before stays.
    case startOver
}

/// Holds the newest snapshot's parts by the ids of the configuration, and makes the next snapshot from a list of changes at a
/// cost that depends on the changes alone. One thread at a time.
public struct SnapshotBuilder {
    private struct Group {
        var name: String
        var instanceID: String
        var hosts: [String]
        var environments: [EnvironmentRoutes]
        var domains: [DomainRules] = []
        var failures: FailureShapes?
    }

    private struct Placement {
        /// Key in `groups`.
        let site: String
        let route: Route
    }

    private var groups: [String: Group] = [:]
    private var placements: [String: Placement] = [:]
    private var instanceIndex: [String: Int] = [:]
    private var instances: [InstanceSettings] = []
    private var hosts = ByteTrie<VirtualHost>()
    private var wildcardHosts = ByteTrie<VirtualHost>()
    private var domains = ByteTrie<DomainRules>()
    private var wildcardDomains = ByteTrie<DomainRules>()
    private var publicKeys = ByteTrie<PublicKeyText>()
    private var publicKeyNames: [String: [String]] = [:]
    private var callers = CallerDirectory.empty
    private var channels = ChannelUses()
    private var kafka = KafkaUses()
    private var appRoutes = AppRouteTables()
    private var addresses = ByteTrie<Int>()
    private let hops: HopKey?

    /// - Parameter hops: signs the marks of requests that the gateway sends on.
    public init(hops: HopKey? = nil) { self.hops = hops }

    public func snapshot(revision: UInt64) -> GatewaySnapshot {
        GatewaySnapshot(
            revision: revision, hosts: hosts, wildcardHosts: wildcardHosts, domains: domains, wildcardDomains: wildcardDomains,
            instances: instances, publicKeys: publicKeys, callers: callers, addresses: addresses,
            appRoutes: appRoutes.trie, hops: hops, checkedChannels: channels.checked, kafkaOutboxes: kafka.outboxes)
    }

    /// Settings of an instance as of the changes applied so far.
    public func settings(instanceID: String) -> InstanceSettings {
        instanceIndex[instanceID].map { instances[$0] } ?? InstanceSettings(instanceID: instanceID)
    }

    /// Whether an API that is in force cannot be served, so that it refuses its requests.
    public func isRefusing(publicationID: String) -> Bool { placements[publicationID]?.route.refusal != nil }

    public mutating func apply(_ changes: [SnapshotChange]) {
        if case .startOver? = changes.first { self = SnapshotBuilder(hops: hops) }
        var changedGroups: Set<String> = []
        // All old routes go before a new one comes: one API may take over the path that another one leaves.
        for case .route(let publicationID, _, _) in changes {
            guard let old = placements.removeValue(forKey: publicationID) else { continue }
            remove(old)
            changedGroups.insert(old.site)
        }
        for change in changes {
            switch change {
            case .startOver: break
            case .route(let publicationID, let instanceID, let route):
                if let route {
                    insert(route, publicationID: publicationID, instanceID: instanceID)
                    changedGroups.insert(Self.site(of: route))
                }
            case .group(let id, let name, let instanceID, let hosts, let domains, let failures):
                var group = groups[id] ?? Group(name: name, instanceID: instanceID, hosts: [], environments: [])
                for host in group.hosts where !hosts.contains(host) { setHost(host, nil) }
                let kept = Set(domains.map(\.name))
                for old in group.domains where !kept.contains(old.name) { removeDomain(old.name) }
                group.name = name
                group.hosts = hosts
                group.domains = domains
                group.failures = failures
                groups[id] = group
                for domain in domains { setDomain(domain.name, domain) }
                changedGroups.insert(id)
            case .groupRemoved(let id):
                guard let group = groups.removeValue(forKey: id) else { continue }
                for host in group.hosts { setHost(host, nil) }
                for domain in group.domains { removeDomain(domain.name) }
            case .instance(let settings):
                if let index = instanceIndex[settings.instanceID] {
                    let old = instances[index]
                    for address in old.addresses where !settings.addresses.contains(address) { setAddress(address, nil) }
                    // What switches it on compiles all routes again.
                    if !settings.routesByApp { appRoutes.removeAll(instanceID: settings.instanceID) }
                    instances[index] = settings
                } else {
                    instanceIndex[settings.instanceID] = instances.count
                    instances.append(settings)
                }
                for address in settings.addresses { setAddress(address, instanceIndex[settings.instanceID]) }
            case .publicKeys(let instanceID, let keys): setPublicKeys(instanceID, keys)
            case .application(let id, let credential):
                // Words that one application gives up may go to another one in the same write: those that go, go first.
                if credential == nil { callers = callers.replacing(callers.app(id: id), with: nil) }
            case .instanceRemoved(let id):
                setPublicKeys(id, [:])
                appRoutes.removeAll(instanceID: id)
                if let index = instanceIndex[id] {
                    for address in instances[index].addresses { setAddress(address, nil) }
                }
                // Its place stays, so that the places of the others do; no group refers to it any longer.
                instanceIndex[id] = nil
                for app in callers.apps where app.instanceID == id { callers = callers.replacing(app, with: nil) }
            }
        }
        for case .application(let id, let credential?) in changes {
            callers = callers.replacing(callers.app(id: id), with: credential)
        }
        for id in changedGroups { publishGroup(id) }
        appRoutes.settle()
        channels.settle()
    }

    /// Where a route answers: at the hosts of its group, or at a domain of its own. No group has such an id.
    private static func site(of route: Route) -> String {
        route.domain.map { "domain:" + $0 } ?? route.identity.groupID
    }

    private mutating func insert(_ route: Route, publicationID: String, instanceID: String) {
        let site = Self.site(of: route)
        var group = groups[site] ?? Group(name: route.identity.groupName, instanceID: instanceID, hosts: [], environments: [])
        if let domain = route.domain { group.hosts = [domain] }
        group.environments.insert(route)
        groups[site] = group
        if settings(instanceID: instanceID).routesByApp { appRoutes.insert(route, instanceID: instanceID) }
        for channel in route.checkedChannels { channels.add(channel) }
        kafka.add(route)
        placements[publicationID] = Placement(site: site, route: route)
    }

    private mutating func remove(_ placement: Placement) {
        for channel in placement.route.checkedChannels { channels.remove(channel) }
        kafka.remove(placement.route)
        appRoutes.remove(placement.route)
        groups[placement.site]?.environments.remove(placement.route)
    }

    private mutating func publishGroup(_ id: String) {
        guard let group = groups[id] else { return }
        // A group with nothing published answers as one that does not exist.
        func host(_ domain: DomainRules?) -> VirtualHost? {
            if group.environments.isEmpty { return nil }
            return VirtualHost(
                groupID: id, groupName: group.name, instance: instanceIndex[group.instanceID] ?? 0,
                environments: group.environments, domain: domain, failures: group.failures)
        }
        let plain = host(nil)
        for name in group.hosts { setHost(name, plain) }
        if id.hasPrefix("domain:"), group.environments.isEmpty { groups[id] = nil }
        for domain in group.domains { setHost(domain.name, host(domain)) }
    }

    private mutating func setAddress(_ address: String, _ place: Int?) {
        addresses = addresses.setting(Array(address.utf8), to: place)
    }

    private mutating func setPublicKeys(_ instanceID: String, _ keys: [String: PublicKeyText]) {
        func place(_ name: String) -> [UInt8] { Array("\(instanceID)/\(name)".utf8) }
        for name in publicKeyNames.removeValue(forKey: instanceID) ?? [] where keys[name] == nil {
            publicKeys = publicKeys.setting(place(name), to: nil)
        }
        for (name, pem) in keys { publicKeys = publicKeys.setting(place(name), to: pem) }
        if !keys.isEmpty { publicKeyNames[instanceID] = Array(keys.keys) }
    }

    private mutating func removeDomain(_ name: String) {
        setDomain(name, nil)
        setHost(name, nil)
    }

    private mutating func setDomain(_ name: String, _ rules: DomainRules?) {
        if name.hasPrefix("*.") {
            wildcardDomains = wildcardDomains.setting(Array(name.utf8.dropFirst()), to: rules)
        } else {
            domains = domains.setting(Array(name.utf8), to: rules)
        }
    }

    private mutating func setHost(_ name: String, _ host: VirtualHost?) {
        if name.hasPrefix("*.") {
            wildcardHosts = wildcardHosts.setting(Array(name.utf8.dropFirst()), to: host)
        } else {
            hosts = hosts.setting(Array(name.utf8), to: host)
        }
    }
}
