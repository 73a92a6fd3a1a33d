import GatewayPrimitives
import RequestSigning

/// Everything that decides about requests, as it stands at one revision.
///
/// Immutable and shared by all event loops: each loop holds its own reference (``SnapshotSlot``) and a request keeps the
/// one that it started with. Changes make a new value that shares all untouched parts with the old one.
public final class GatewaySnapshot: Sendable {
    /// The store's revision that this snapshot was compiled from.
    public let revision: UInt64
    /// Host name in lower case, without port and trailing dot -> API group.
    public let hosts: ByteTrie<VirtualHost>
    /// What follows the `*` of a wildcard domain (`.example.com`) -> API group.
    public let wildcardHosts: ByteTrie<VirtualHost>
    /// Bound domains, published or not: what the TLS listener chooses by. Keys as in `hosts` and `wildcardHosts`.
    public let domains: ByteTrie<DomainRules>
    public let wildcardDomains: ByteTrie<DomainRules>
    /// Settings of each instance, addressed by ``VirtualHost/instance``.
    public let instances: [InstanceContext]
    /// `<instance id>/<key name>` -> PEM of the public key, for ``InstanceSettings/publicKeyPrefix``.
    public let publicKeys: ByteTrie<PublicKeyText>
    /// Applications that may call.
    public let callers: CallerDirectory
    /// Addresses of the gateway -> place of the instance in ``instances``.
    public let addresses: ByteTrie<Int>
    /// Id of an application -> its APIs; only for instances with feature `app_route`.
    public let appRoutes: ByteTrie<AppRoutes>
    /// Reads the marks of ``Route/hop``; nil: nobody's are known.
    public let hops: HopKey?
    /// Channels whose members are to be checked.
    public let checkedChannels: CheckedChannels
    /// Where records for Kafka are put that must be delivered while this snapshot is in force.
    public let kafkaOutboxes: [KafkaOutbox]

    public init(
        revision: UInt64, hosts: ByteTrie<VirtualHost>, wildcardHosts: ByteTrie<VirtualHost>,
        domains: ByteTrie<DomainRules> = ByteTrie(), wildcardDomains: ByteTrie<DomainRules> = ByteTrie(),
        instances: [InstanceSettings], publicKeys: ByteTrie<PublicKeyText> = ByteTrie(), callers: CallerDirectory = .empty,
        addresses: ByteTrie<Int> = ByteTrie(), appRoutes: ByteTrie<AppRoutes> = ByteTrie(),
        hops: HopKey? = nil, checkedChannels: CheckedChannels = .none, kafkaOutboxes: [KafkaOutbox] = []
    ) {
        self.revision = revision
        self.hosts = hosts
        self.wildcardHosts = wildcardHosts
        self.domains = domains
        self.wildcardDomains = wildcardDomains
        self.instances = instances.map(InstanceContext.init)
        self.publicKeys = publicKeys
        self.callers = callers
        self.hops = hops
        self.addresses = addresses
        self.appRoutes = appRoutes
        self.checkedChannels = checkedChannels
        self.kafkaOutboxes = kafkaOutboxes
    }

    /// A gateway that knows no API.
    public static let empty = GatewaySnapshot(
        revision: 0, hosts: ByteTrie(), wildcardHosts: ByteTrie(), instances: [])
}

/// An API group as the gateway sees it: the environments that have something published, and their routes.
public final class VirtualHost: Sendable {
    public let groupID: String
    public let groupName: String
    /// Index into ``GatewaySnapshot/instances``.
    public let instance: Int
    /// At most a handful; RELEASE first, so that a request without `X-Stage` compares once.
    public let environments: [EnvironmentRoutes]
    /// Set where the host is a bound domain.
    public let domain: DomainRules?
    /// Answers to requests that reach the group but no API of it; nil: the gateway's own.
    public let failures: FailureShapes?

    public init(
        groupID: String, groupName: String, instance: Int, environments: [EnvironmentRoutes], domain: DomainRules? = nil,
        failures: FailureShapes? = nil
    ) {
        self.groupID = groupID
        self.groupName = groupName
        self.instance = instance
        self.environments = environments
        self.domain = domain
        self.failures = failures
    }
}

/// What is published of one group in one environment.
public final class EnvironmentRoutes: Sendable {
    public let id: String
    /// Exact, case-sensitive value of `X-Stage`.
    public let name: [UInt8]
    public let routes: RouteTable

    public init(id: String, name: [UInt8], routes: RouteTable) {
        self.id = id
        self.name = name
        self.routes = routes
    }
}
