import GatewayPrimitives
import RequestSigning
import Snapshot

/// What a snapshot decides, as lines that do not depend on the order in which it came to be.
func describe(_ snapshot: GatewaySnapshot, hosts: [String]) -> [String] {
    var lines = [
        "hosts \(snapshot.hosts.count) wildcards \(snapshot.wildcardHosts.count) public keys \(snapshot.publicKeys.count)",
        "domains \(snapshot.domains.count) wildcards \(snapshot.wildcardDomains.count)",
    ]
    lines += snapshot.callers.apps.map(describe).sorted()
    for app in snapshot.callers.apps.sorted(by: { $0.appID < $1.appID }) {
        let routes = snapshot.appRoutes.value(for: Array(app.appID.utf8))?.environments ?? []
        for environment in routes.sorted(by: { $0.id < $1.id }) {
            lines += environment.routes.all.map { "\(app.appID) reaches \(environment.id) \($0.identity.publishID)" }.sorted()
        }
    }
    lines.append("app routes \(snapshot.appRoutes.count) addresses \(snapshot.addresses.count)")
    lines += snapshot.checkedChannels.channels.map { "checked: \(describe($0))" }.sorted()
    for name in hosts.sorted() {
        let isWildcard = name.hasPrefix("*.")
        let key = Array(name.utf8.dropFirst(isWildcard ? 1 : 0))
        if let rules = (isWildcard ? snapshot.wildcardDomains : snapshot.domains).value(for: key) {
            lines.append("\(name) is bound: \(describe(rules))")
        }
        guard let host = (isWildcard ? snapshot.wildcardHosts : snapshot.hosts).value(for: key) else {
            lines.append("\(name) unknown")
            continue
        }
        let instance = snapshot.instances[host.instance].settings
        lines.append("\(name) -> \(host.groupID) \(host.groupName) \(instance) \(host.domain.map(describe) ?? "own host")")
        lines.append("\(name) answers \(describe(host.failures))")
        for environment in host.environments.sorted(by: { $0.id < $1.id }) {
            lines.append("\(name) \(environment.id) \(String(decoding: environment.name, as: UTF8.self))")
            lines += environment.routes.all.map { "\(name) \(environment.id) \(describe($0))" }.sorted()
        }
        // The first environment is the one of requests without X-Stage.
        let release = host.environments.firstIndex { $0.name == Array("RELEASE".utf8) }
        if let release { lines.append("\(name) release at \(release)") }
    }
    return lines
}

private func describe(_ route: Route) -> String {
    let backend =
        switch route.backends.standard.backend {
        case .mock(let mock): "mock \(mock.status) \(mock.headers) \(String(decoding: mock.body, as: UTF8.self))"
        case .http(let http):
            "http \(http.upstream) \(http.hostHeader) \(String(describing: http.method)) \(http.path) \(http.timeoutMilliseconds) \(http.retry) "
                + (http.channel.map(describe) ?? "direct")
        case .function(let function):
            "function \(function.function) \(function.isAsync) \(function.encodesBody) \(function.timeoutMilliseconds)"
        }
    return "\(route.identity) \(route.method) \(route.path.text) \(route.matchMode) \(route.schemes.rawValue) "
        + "\(String(describing: route.refusal)) \(backend) \(describe(route.policies))"
}

private func describe(_ channel: BalancedChannel) -> String {
    let members = channel.members.map { "\($0.host):\($0.port) \($0.weight) \($0.health == nil ? "unchecked" : "checked")" }
    return "channel \(channel.id) \(channel.strategy) \(members) \(channel.primaryCount) \(String(describing: channel.check))"
}

private func describe(_ app: AppCredential) -> String {
    let codes = app.codes.map { "\(String(decoding: $0.bytes, as: UTF8.self)) \(String(describing: $0.endsAt))" }.sorted()
    let secrets = app.secrets.map { "\(String(decoding: $0.bytes, as: UTF8.self)) \(String(describing: $0.endsAt))" }
    let quota = app.quota.map { "\($0.limit) in \($0.window) from \(String(describing: $0.anchor))" }
    return "app \(app.instanceID) \(app.appID) \(app.name) \(String(decoding: app.key, as: UTF8.self)) \(secrets) \(codes) "
        + "\(app.accountID) \(app.projectID) \(String(describing: app.addresses)) \(String(describing: quota))"
}

private func describe(_ callers: CallerPolicy) -> String {
    switch callers.kind {
    case .app(let access): "apps \(access.takesCodes) \(access.appIDs.sorted())"
    case .iam: "iam \(callers.accounts)"
    }
}

private func describe(_ policies: RoutePolicies) -> String {
    var parts: [String] = []
    if let callers = policies.callers { parts.append(describe(callers)) }
    if let signing = policies.signing { parts.append("signed \(keyName(signing.present.signer)) \(signing.replaced.map { "\(keyName($0.key.signer)) \($0.until)" })") }
    if let access = policies.access { parts.append("access \(access.id) \(access.permitsListed) \(access.addresses)") }
    if policies.cors != nil { parts.append("cors") }
    if let limit = policies.rateLimit {
        parts.append(
            "rate \([limit.api, limit.user, limit.app, limit.address].map(String.init(describing:))) \(limit.isStandard) "
                + "\(limit.specialUsers.sorted { $0.key < $1.key }) \(limit.specialApps.sorted { $0.key < $1.key })")
    }
    if let checks = policies.parameters { parts.append("checks \(checks.checks)") }
    if let type = policies.defaultContentType { parts.append("type \(type)") }
    parts.append("answers \(describe(policies.failures))")
    if policies.allowsAnyOrigin { parts.append("any origin") }
    if policies.thirdAuth != nil { parts.append("third_auth") }
    if policies.breaker != nil { parts.append("breaker") }
    if let headers = policies.responseHeaders {
        parts.append("headers \(headers.rules.map { "\($0.action) \(String(decoding: $0.name, as: UTF8.self)) \($0.value)" })")
    }
    return parts.joined(separator: ", ")
}

private func describe(_ rules: DomainRules) -> String {
    let identities = rules.identities.map { "\($0.usesEllipticCurve) \(($0.context as? NotedTLS)?.material.chain ?? "-")" }
    return "\(rules.name) \(rules.minimumTLS) \(rules.redirectsToHTTPS) \(identities) "
        + "\(rules.authority?.certificates ?? "-")"
}

private func describe(_ failures: FailureShapes?) -> String {
    guard let failures else { return "as ever" }
    return FailureKind.allCases.compactMap { kind in
        failures.shape(for: kind, status: 404).map { shape in
            var text = ""
            dump(shape, to: &text)
            return "\(kind): \(text)"
        }
    }.joined()
}

/// The name of the key as signatures carry it; the signer shows it to nobody else.
private func keyName(_ signer: BackendSigner) -> String {
    let prefix = Mirror(reflecting: signer).children.first { $0.label == "prefix" }?.value as? [UInt8]
    return String(decoding: prefix ?? [], as: UTF8.self)
}
