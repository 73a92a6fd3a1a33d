import GatewayModel
import Store

/// What a caller says about a new domain of a group.
public struct DomainDraft: Sendable {
    /// As given; a form that the contract allows.
    public var name: String
    public var minimumTLS: TLSVersionName
    public var redirectsToHTTPS: Bool

    public init(name: String, minimumTLS: TLSVersionName = .tls11, redirectsToHTTPS: Bool = false) {
        self.name = name
        self.minimumTLS = minimumTLS
        self.redirectsToHTTPS = redirectsToHTTPS
    }
}

/// Parts of a domain that shall change; nil stays as it is.
public struct DomainChange: Sendable {
    public var minimumTLS: TLSVersionName?
    public var redirectsToHTTPS: Bool?
    public var verifiesClients: Bool?

    public init(minimumTLS: TLSVersionName? = nil, redirectsToHTTPS: Bool? = nil, verifiesClients: Bool? = nil) {
        self.minimumTLS = minimumTLS
        self.redirectsToHTTPS = redirectsToHTTPS
        self.verifiesClients = verifiesClients
    }
}

extension ControlPlane {
    /// Binds a domain to a group; the gateway routes by it at once.
    ///
    /// All instances share the gateway's listeners, so that a name is taken when any group of any instance has it.
    ///
    /// - Throws: ``OperationError``: group unknown, name not usable or taken, quota.
    public func bindDomain(_ call: Call, groupID: String, _ draft: DomainDraft) async throws -> Written<BoundDomain> {
        let settings = settings
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let group = try w.group(groupID, of: call)
            let name = BoundDomain.normalized(draft.name)
            try Self.checkUsable(name, settings)
            var same = Condition()
            same.equal("name", name)
            guard try w.sql.count(BoundDomain.self, where: same) == 0, try !w.isDomainOfAPI(name) else { throw OperationError.taken(.domain, name: name) }
            var own = Condition()
            own.equal("group_id", group.id)
            try w.checkQuota(
                .domain, count: w.sql.count(BoundDomain.self, where: own), limit: settings.quotas.domainsPerGroup)
            let domain = BoundDomain(
                id: w.newID(), instanceID: call.instanceID, groupID: group.id, name: name, minimumTLS: draft.minimumTLS,
                redirectsToHTTPS: draft.redirectsToHTTPS, verifiesClients: false, createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(domain)
            try w.record(.domain, id: domain.id, before: nil, after: domain)
            w.touch(.hosts(group: group.id))
            return domain
        }
    }

    /// - Throws: ``OperationError``: domain unknown, or of another group; clients to be verified without authorities.
    public func updateDomain(
        _ call: Call, groupID: String, id: String, _ change: DomainChange
    ) async throws -> Written<BoundDomain> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.domain(id, ofGroup: groupID, of: call)
            var domain = before
            domain.minimumTLS = change.minimumTLS ?? before.minimumTLS
            domain.redirectsToHTTPS = change.redirectsToHTTPS ?? before.redirectsToHTTPS
            domain.verifiesClients = change.verifiesClients ?? before.verifiesClients
            if domain.verifiesClients, try !w.certificates(ofDomain: id).contains(where: \.hasAuthorities) {
                throw OperationError.invalid(field: "verified_client_certificate_enabled")
            }
            try w.store(domain, before: before)
            return domain
        }
    }

    /// Takes a domain from its group. Its certificates stay, for other domains.
    ///
    /// - Throws: ``OperationError``: domain unknown, or of another group.
    public func unbindDomain(_ call: Call, groupID: String, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let domain = try w.domain(id, ofGroup: groupID, of: call)
            try w.remove(domain)
        }
    }

    /// Opens or closes the debugging host of a group (APIG's `sl-domain-access-settings`).
    ///
    /// - Throws: ``OperationError``: group unknown.
    public func setDebuggingHost(_ call: Call, groupID: String, isOpen: Bool) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.group(groupID, of: call)
            guard before.slDomainAccessEnabled != isOpen else { return }
            var group = before
            group.slDomainAccessEnabled = isOpen
            group.updatedAt = w.now
            try w.sql.update(group)
            try w.record(.apiGroup, id: groupID, before: before, after: group)
            w.touch(.hosts(group: groupID))
        }
    }

    /// Names that belong to the gateway cannot be given away: debugging hosts of groups, and its own addresses.
    private static func checkUsable(_ name: String, _ settings: ControlPlaneSettings) throws(OperationError) {
        let suffix = settings.groupHostSuffix.lowercased()
        guard name != suffix, !name.hasSuffix("." + suffix), name.utf8.count <= 253 else {
            throw .invalid(field: "url_domain")
        }
        guard !settings.gatewayAddresses.contains(name) else { throw .taken(.domain, name: name) }
    }
}

extension Reading {
    /// - Throws: ``OperationError``: group or domain unknown; ``StateConflict/domainOfAnotherGroup``.
    func domain(_ id: String, ofGroup groupID: String, of call: Call) throws -> BoundDomain {
        _ = try group(groupID, of: call)
        guard let domain = try find(BoundDomain.self, id: id, of: call) else {
            throw OperationError.notFound(.domain, id: id)
        }
        guard domain.groupID == groupID else { throw OperationError.conflict(.domainOfAnotherGroup) }
        return domain
    }
}

extension Writing {
    /// Something has changed that holds at all domains of the instance.
    func touchDomains(of call: Call) throws {
        for row in try sql.query("SELECT DISTINCT group_id FROM url_domains WHERE instance_id = ?", [.text(call.instanceID)]) {
            touch(.hosts(group: try row.text("group_id")))
        }
    }

    /// Writes a changed domain: one change record, and the group's hosts are compiled again.
    func store(_ domain: BoundDomain, before: BoundDomain) throws {
        guard domain != before else { return }
        var domain = domain
        domain.updatedAt = now
        try sql.update(domain)
        try record(.domain, id: domain.id, before: before, after: domain)
        touch(.hosts(group: domain.groupID))
    }

    func remove(_ domain: BoundDomain) throws {
        var bound = Condition()
        bound.equal("domain_id", domain.id)
        for binding in try sql.all(CertificateBinding.self, where: bound) {
            try record(.certificateBinding, id: domain.id, before: binding, after: nil)
        }
        try sql.delete(BoundDomain.self, key: domain.id)
        try record(.domain, id: domain.id, before: domain, after: nil)
        touch(.hosts(group: domain.groupID))
    }
}
