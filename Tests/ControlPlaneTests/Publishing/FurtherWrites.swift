import ControlPlane
import GatewayModel

/// Throttles, variables, domains, answers and whole instances of the random sequence.
extension Story {
    mutating func changeThrottles() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let draft = ThrottleDraft(
            name: "throttle\(random.next(3))", kind: 1 + random.next(2), apiLimit: 100 + random.next(5), userLimit: 50,
            addressLimit: [nil, 10][random.next(2)], unit: [.minute, .hour][random.next(2)], interval: 1)
        switch random.next(8) {
        case 0:
            throttles.append(try await plane.createThrottle(call, draft).value.policy.id)
            return "throttle made"
        case 1, 2:
            let bound = try await plane.bindThrottle(
                call, id: try pick(throttles), publicationIDs: [try pick(publications)]).value
            bindings += bound.map(\.id)
            return "throttle bound"
        case 3:
            _ = try await plane.updateThrottle(call, id: try pick(throttles), draft)
            return "throttle changed"
        case 4:
            let policy = try pick(throttles)
            let made = try await plane.createThrottleSpecial(
                call, policyID: policy, object: .user, objectID: "user\(random.next(3))", limit: 1 + random.next(40)).value
            specials.append((policy, made.special.id))
            return "special made"
        case 5:
            guard let special = specials.isEmpty ? nil : specials[random.next(specials.count)] else { return "nothing" }
            if random.next(2) == 0 {
                _ = try await plane.updateThrottleSpecial(call, policyID: special.policy, id: special.id, limit: 1 + random.next(40))
                return "special changed"
            }
            _ = try await plane.deleteThrottleSpecial(call, policyID: special.policy, id: special.id)
            return "special removed"
        case 6:
            _ = try await plane.unbindThrottle(call, bindingID: try pick(bindings))
            return "throttle unbound"
        default:
            let id = try pick(throttles)
            _ = try await plane.deleteThrottle(call, id: id, unbinds: random.next(2) == 0)
            throttles.removeAll { $0 == id }
            return "throttle removed"
        }
    }

    mutating func changeVariables() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let name = ["place", "other"][random.next(2)]
        switch random.next(4) {
        case 0, 1:
            let draft = EnvironmentVariableDraft(
                groupID: try pick(groups), environmentID: try pick(environments), name: name, value: "value\(random.next(5))")
            variables.append(try await plane.createEnvironmentVariable(call, draft).value.id)
            return "variable made"
        case 2:
            _ = try await plane.updateEnvironmentVariable(
                call, id: try pick(variables), name: [nil, name][random.next(2)], value: "value\(random.next(5))")
            return "variable changed"
        default:
            let id = try pick(variables)
            _ = try await plane.deleteEnvironmentVariable(call, id: id)
            variables.removeAll { $0 == id }
            return "variable removed"
        }
    }

    /// Names that may be bound.
    var domainNames: [String] { ["a.example.com", "b.example.com", "*.example.com", "*.example.org"] }

    mutating func changeDomains() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(4) {
        case 0, 1:
            let group = try pick(groups)
            let made = try await plane.bindDomain(
                call, groupID: group, DomainDraft(name: try pick(domainNames), minimumTLS: [.tls11, .tls12][random.next(2)])).value
            domains.append((group, made.id))
            return "domain bound"
        case 2:
            let group = try pick(groups)
            _ = try await plane.setDebuggingHost(call, groupID: group, isOpen: random.next(2) == 0)
            return "debugging host set"
        default:
            guard let domain = domains.isEmpty ? nil : domains[random.next(domains.count)] else { return "nothing" }
            if random.next(2) == 0 {
                _ = try await plane.updateDomain(
                    call, groupID: domain.group, id: domain.id,
                    DomainChange(minimumTLS: [.tls11, .tls12][random.next(2)], redirectsToHTTPS: random.next(2) == 0))
                return "domain changed"
            }
            _ = try await plane.unbindDomain(call, groupID: domain.group, id: domain.id)
            return "domain unbound"
        }
    }

    mutating func changeAnswers() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let entry = GroupResponseEntryDraft(status: 400 + random.next(5), body: #"{"n":\#(random.next(9))}"#, headers: nil)
        let type: GroupResponseType = [.throttled, .notFound, .default4xx][random.next(3)]
        switch random.next(4) {
        case 0:
            let group = try pick(groups)
            let made = try await plane.createGroupResponse(call, groupID: group, name: "answers\(random.next(3))", [type: entry]).value
            responses.append((group, made.id))
            return "answers made"
        case 1:
            // The default response of a group has the group's id.
            let group = try pick(groups)
            _ = try await plane.updateGroupResponse(call, groupID: group, id: group, name: nil, [type: entry])
            return "default answers changed"
        case 2:
            guard let response = responses.isEmpty ? nil : responses[random.next(responses.count)] else { return "nothing" }
            _ = try await plane.updateGroupResponse(call, groupID: response.group, id: response.id, name: nil, [type: entry])
            return "answers changed"
        default:
            guard let response = responses.isEmpty ? nil : responses[random.next(responses.count)] else { return "nothing" }
            if random.next(2) == 0 {
                _ = try await plane.restoreGroupResponseType(call, groupID: response.group, id: response.id, type)
                return "answers restored"
            }
            _ = try await plane.deleteGroupResponse(call, groupID: response.group, id: response.id)
            return "answers removed"
        }
    }

    /// An instance with a published API, a key that it serves to backends and a setting of its own, or the end of one.
    mutating func changeInstances() async throws -> String {
        let plane = gateway.plane
        if random.next(2) == 0 {
            let id = try pick(otherInstances)
            _ = try await plane.deleteInstance(gateway.call(instance: id))
            otherInstances.removeAll { $0 == id }
            return "instance removed"
        }
        var profile = InstanceProfile()
        profile.spec = "BASIC"
        let made = try await plane.createInstance(
            gateway.call(instance: ""),
            InstanceDraft(
                id: nil, name: "other\(random.next(4))", description: "", profile: profile, maintainBegin: nil, maintainEnd: nil,
                tags: [])).value
        otherInstances.append(made.id)
        let call = gateway.call(instance: made.id)
        _ = try await plane.setFeature(call, name: "request_body_size", enabled: true, config: "\(1_000_000 + random.next(9))")
        _ = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "key", type: .hmac))
        let group = try await plane.createAPIGroup(call, APIGroupDraft(name: "group")).value
        allGroups.append(group.id)
        let api = try await plane.createAPI(call, .mocked("api", "/a", groupID: group.id, body: made.id)).value.api
        _ = try await plane.publishAPI(call, apiID: api.id, environmentID: Environment.releaseID, remark: "")
        // Another instance may have the name.
        if let bound = try? await plane.bindDomain(call, groupID: group.id, DomainDraft(name: try pick(domainNames))) {
            domains.append((group.id, bound.value.id))
        }
        return "instance made"
    }
}
