import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store

/// Channels, applications and certificates of the random sequence.
extension Story {
    mutating func changeChannels() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(4) {
        case 0:
            var draft = ChannelDraft(
                name: "channel\(random.next(3))", port: 8080, strategy: BalanceStrategy.allCases[random.next(4)], memberType: .ip)
            draft.groups = [MemberGroupDraft(name: "group_a"), MemberGroupDraft(name: "group_b", weight: 1 + random.next(9))]
            draft.members = memberDrafts()
            channels.append(try await plane.createChannel(call, draft).value.channel.id)
            return "channel made"
        case 1:
            let strategy = BalanceStrategy.allCases[random.next(4)]
            let draft = ChannelDraft(port: [8080, 8081][random.next(2)], strategy: strategy)
            _ = try await plane.updateChannel(call, id: try pick(channels), draft, emptyMembersRemove: false)
            return "channel changed"
        case 2:
            let draft = HealthCheckDraft(
                protocolName: ["TCP", "HTTP"][random.next(2)], path: "/health", method: "GET", thresholdNormal: 1 + random.next(3),
                thresholdAbnormal: 2, timeInterval: 5 + random.next(3), timeout: 2, httpCode: "200", isEnabled: random.next(3) > 0)
            _ = try await plane.setHealthCheck(call, channelID: try pick(channels), draft)
            return "health check set"
        default:
            let id = try pick(channels)
            _ = try await plane.deleteChannel(call, id: id)
            channels.removeAll { $0 == id }
            return "channel removed"
        }
    }

    mutating func changeMembers() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let channel = try pick(channels)
        let present = try await plane.channel(call, id: channel)
        switch random.next(6) {
        case 0, 1:
            _ = try await plane.addMembers(call, channelID: channel, memberDrafts())
            return "members added"
        case 2:
            _ = try await plane.replaceMembers(
                call, channelID: channel, groupName: [nil, "group_a"][random.next(2)], memberDrafts(group: "group_a"))
            return "members replaced"
        case 3:
            _ = try await plane.enableMembers(
                call, channelID: channel, ids: [try pick(present.members.map(\.id))], random.next(2) == 0)
            return "member switched"
        case 4:
            _ = try await plane.deleteMember(call, channelID: channel, id: try pick(present.members.map(\.id)))
            return "member removed"
        default:
            let group = try pick(present.groups.map(\.id))
            if random.next(2) == 0 {
                _ = try await plane.updateMemberGroup(call, channelID: channel, id: group, MemberGroupDraft(weight: random.next(9)))
                return "member group changed"
            }
            _ = try await plane.deleteMemberGroup(call, channelID: channel, id: group)
            return "member group removed"
        }
    }

    private mutating func memberDrafts(group: String? = nil) -> [MemberDraft] {
        var drafts: [MemberDraft] = []
        for _ in 0..<(1 + random.next(3)) {
            drafts.append(
                MemberDraft(
                    host: "10.0.1.\(random.next(5))", port: [0, 9000][random.next(2)], weight: random.next(4),
                    isBackup: random.next(4) == 0, groupName: group))
        }
        return drafts
    }

    mutating func changeApplications() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(8) {
        case 0, 1:
            let draft = ApplicationDraft(name: "app\(random.next(5))", key: "key\(random.next(6))")
            apps.append(try await plane.createApplication(call, draft).value.application.id)
            return "application made"
        case 2:
            _ = try await plane.updateApplication(
                call, id: try pick(apps),
                ApplicationChange(name: "app\(random.next(5))", key: [nil, "key\(random.next(6))"][random.next(2)]))
            return "application changed"
        case 3:
            if random.next(2) == 0 {
                _ = try await plane.rotateApplicationSecret(
                    call, id: try pick(apps), secret: nil, overlapSeconds: [0, 3600][random.next(2)])
                return "secret rotated"
            }
            _ = try await plane.resetApplicationSecret(call, id: try pick(apps), secret: nil)
            return "secret reset"
        case 4, 5:
            let app = try pick(apps)
            codes.append((app, try await plane.createAppCode(call, appID: app, code: nil).value.code.id))
            return "code made"
        case 6:
            guard let code = codes.isEmpty ? nil : codes[random.next(codes.count)] else { return "nothing" }
            _ = try await plane.deleteAppCode(call, appID: code.app, id: code.id)
            return "code removed"
        default:
            let id = try pick(apps)
            _ = try await plane.deleteApplication(call, id: id)
            apps.removeAll { $0 == id }
            return "application removed"
        }
    }

    /// Who may call what, from where and how often.
    mutating func changeCallers() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(9) {
        case 0, 1, 2:
            let request = AuthorizationRequest(
                environmentID: try pick(environments), applicationIDs: [try pick(apps)], apiIDs: [try pick(apis)], visits: [])
            let outcomes = try await plane.authorize(call, request).value
            return outcomes.contains { if case .granted = $0.result { true } else { false } } ? "authorised" : "not authorised"
        case 3:
            let listed = try await plane.authorizations(call, AuthorizationFilter(), page: Page(offset: 0, limit: 500)).items
            _ = try await plane.cancelAuthorization(call, id: try pick(listed.map(\.authorization.id)))
            return "authorisation cancelled"
        case 4:
            _ = try await plane.setAppAccessList(
                call, appID: try pick(apps), kind: [.permit, .deny][random.next(2)], addresses: ["10.0.0.\(random.next(9))"])
            return "access list set"
        case 5:
            _ = try await plane.deleteAppAccessList(call, appID: try pick(apps))
            return "access list removed"
        case 6:
            let draft = AppQuotaDraft(name: "quota\(random.next(3))", callLimits: 1 + random.next(9), unit: .hour, interval: 1)
            if random.next(2) == 0, !quotas.isEmpty {
                _ = try await plane.updateAppQuota(call, id: try pick(quotas), draft)
                return "quota changed"
            }
            quotas.append(try await plane.createAppQuota(call, draft).value.quota.id)
            return "quota made"
        case 7:
            _ = try await plane.bindAppQuota(call, id: try pick(quotas), appIDs: [try pick(apps)])
            return "quota bound"
        default:
            let id = try pick(quotas)
            if random.next(2) == 0 {
                _ = try await plane.unbindAppQuota(call, id: id, appID: try pick(apps))
                return "quota unbound"
            }
            _ = try await plane.deleteAppQuota(call, id: id)
            quotas.removeAll { $0 == id }
            return "quota removed"
        }
    }

    mutating func changeCertificates() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        var draft = CertificateDraft()
        (draft.chain, draft.key) = DomainCertificates.all[random.next(DomainCertificates.all.count)]
        switch random.next(6) {
        case 0:
            draft.name = "certificate\(random.next(9))"
            certificates.append(try await plane.createCertificate(call, draft).value.id)
            return "certificate made"
        case 1, 2:
            guard let domain = domains.isEmpty ? nil : domains[random.next(domains.count)] else { return "nothing" }
            _ = try await plane.attachCertificates(
                call, groupID: domain.group, domainID: domain.id, ids: [try pick(certificates)], verifiesClients: nil)
            return "certificate bound"
        case 3:
            _ = try await plane.updateCertificate(call, id: try pick(certificates), draft)
            return "certificate renewed"
        case 4:
            guard let domain = domains.isEmpty ? nil : domains[random.next(domains.count)] else { return "nothing" }
            _ = try await plane.detachCertificates(
                call, groupID: domain.group, domainID: domain.id, ids: [try pick(certificates)])
            return "certificate unbound"
        default:
            let id = try pick(certificates)
            _ = try await plane.deleteCertificate(call, id: id)
            certificates.removeAll { $0 == id }
            return "certificate removed"
        }
    }
}
