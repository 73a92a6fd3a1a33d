import ControlPlane
import GatewayModel
import Snapshot
import Testing

/// Removal is as good as absence: whatever was written, the gateway decides as a fresh start from the same store would.
struct IncrementalSnapshotTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomWritesLeaveWhatAFreshStartServes(seed: UInt64) async throws {
        let gateway = try await TestGateway()
        var story = Story(gateway, seed: seed)
        for step in 0..<500 {
            let move = try await story.move()
            guard step % 10 == 9 else { continue }
            let hosts = story.allGroups.map { "\($0).apic.localhost" } + story.domainNames + ["127.0.0.1"]
            let served = describe(gateway.snapshot, hosts: hosts)
            let fresh = describe(try gateway.freshSnapshot(), hosts: hosts)
            #expect(
                served == fresh,
                "after step \(step): \(move); only served: \(served.filter { !fresh.contains($0) }), only fresh: \(fresh.filter { !served.contains($0) })")
        }
        // The story is only worth as much as what happens in it.
        for event in [
            "published", "offline", "switched", "key bound", "policy bound", "plug-in attached", "plug-in changed", "domain bound",
            "instance removed", "channel made", "members replaced", "health check set", "certificate renewed",
        ] {
            #expect(story.events.contains(event), "seed \(seed)")
        }
    }

    /// Two APIs exchange their paths; the one that is taken off the old path last must not take the other one with it.
    @Test func pathsMayBeExchanged() async throws {
        let gateway = try await TestGateway()
        let group = try await gateway.group("exchange")
        let a = try await gateway.api("first", "/a", group: group)
        let b = try await gateway.api("second", "/b", group: group)
        _ = try await gateway.publish(a)
        _ = try await gateway.publish(b)
        _ = try await gateway.plane.updateAPI(gateway.call(), id: a.id, .mocked("first", "/c", groupID: group.id))
        _ = try await gateway.plane.updateAPI(gateway.call(), id: b.id, .mocked("second", "/a", groupID: group.id))
        #expect(
            await gateway.refused { try await $0.publishAPI(gateway.call(), apiID: b.id, environmentID: Environment.releaseID, remark: "") }
                == .conflict(.apiPathTaken(name: "first")))
        _ = try await gateway.publish(a)
        _ = try await gateway.publish(b)
        let hosts = ["\(group.id).apic.localhost"]
        #expect(describe(gateway.snapshot, hosts: hosts) == describe(try gateway.freshSnapshot(), hosts: hosts))
    }
}

/// A random sequence of writes over a few names, so that refusals, repetitions and removals are frequent.
struct Story {
    let gateway: TestGateway
    var random: SplitMix
    var groups: [String] = []
    var allGroups: [String] = []
    var apis: [String] = []
    var environments = [Environment.releaseID]
    var versions: [(api: String, version: String)] = []
    var publications: [String] = []
    var bindings: [String] = []
    var keys: [String] = []
    var policies: [String] = []
    var plugins: [String] = []
    var throttles: [String] = []
    var specials: [(policy: String, id: String)] = []
    var variables: [String] = []
    var domains: [(group: String, id: String)] = []
    var responses: [(group: String, id: String)] = []
    var otherInstances: [String] = []
    var channels: [String] = []
    var apps: [String] = []
    var codes: [(app: String, id: String)] = []
    var quotas: [String] = []
    var certificates: [String] = []
    var events: Set<String> = []

    init(_ gateway: TestGateway, seed: UInt64) {
        self.gateway = gateway
        random = SplitMix(state: seed)
    }

    /// One write; a refusal is as good as any other answer.
    mutating func move() async throws -> String {
        let kind = random.next(44)
        do {
            let text = try await perform(kind)
            events.insert(text)
            return text
        } catch let error as OperationError {
            return "\(kind) refused: \(error)"
        }
    }

    private mutating func perform(_ kind: Int) async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch kind {
        case 0:
            let group = try await plane.createAPIGroup(call, APIGroupDraft(name: "group\(random.next(6))")).value
            groups.append(group.id)
            allGroups.append(group.id)
            return "group made"
        case 1:
            let group = try pick(groups)
            _ = try await plane.updateAPIGroup(call, id: group, APIGroupChange(name: "group\(random.next(9))"))
            return "group renamed"
        case 2:
            let group = try pick(groups)
            _ = try await plane.deleteAPIGroup(call, id: group)
            groups.removeAll { $0 == group }
            return "group removed"
        case 3, 4, 5:
            let view = try await plane.createAPI(call, try definition()).value
            apis.append(view.api.id)
            return "api made"
        case 6:
            _ = try await plane.updateAPI(call, id: try pick(apis), try definition())
            return "api changed"
        case 7:
            let api = try pick(apis)
            _ = try await plane.deleteAPI(call, id: api)
            apis.removeAll { $0 == api }
            return "api removed"
        case 8, 9, 10:
            let record = try await plane.publishAPI(
                call, apiID: try pick(apis), environmentID: try pick(environments), remark: "").value
            versions.append((record.publication.apiID, record.versionID))
            publications.append(record.publication.id)
            return "published"
        case 11:
            _ = try await plane.takeAPIOffline(call, apiID: try pick(apis), environmentID: try pick(environments))
            return "offline"
        case 12:
            guard let version = versions.isEmpty ? nil : versions[random.next(versions.count)] else { return "nothing" }
            _ = try await plane.switchAPIVersion(call, apiID: version.api, versionID: version.version)
            return "switched"
        case 13: return try await changeEnvironment()
        case 14, 15: return try await changeKeys()
        case 16, 17: return try await changePolicies()
        case 18, 19, 20: return try await changePlugins()
        case 22, 23, 24: return try await changeThrottles()
        case 25, 26: return try await changeVariables()
        case 27, 28: return try await changeDomains()
        case 29, 30: return try await changeAnswers()
        case 31, 32: return try await changeInstances()
        case 33, 34: return try await changeChannels()
        case 35, 36: return try await changeMembers()
        case 37, 38: return try await changeApplications()
        case 39, 40: return try await changeCallers()
        case 41, 42: return try await changeCertificates()
        default:
            let limit = ["4999", "5000", "60000"][random.next(3)]
            _ = try await plane.setFeature(
                call, name: "backend_timeout", enabled: true, config: #"{"max_timeout":\#(limit)}"#)
            return "timeouts up to \(limit)"
        }
    }

    private mutating func changeKeys() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(5) {
        case 0:
            let draft = SignatureKeyDraft(name: "key\(random.next(3))", type: [.hmac, .basic][random.next(2)])
            keys.append(try await plane.createSignatureKey(call, draft).value.id)
            return "key made"
        case 1, 2:
            let bound = try await plane.bindSignatureKey(call, id: try pick(keys), publicationIDs: [try pick(publications)]).value
            bindings += bound.map(\.binding.id)
            return "key bound"
        case 3:
            _ = try await plane.updateSignatureKey(
                call, id: try pick(keys), SignatureKeyDraft(name: "key\(random.next(3))", key: "key_\(random.next(90_000) + 10_000)"))
            return "key changed"
        default:
            if random.next(2) == 0 {
                _ = try await plane.unbindSignatureKey(call, bindingID: try pick(bindings))
                return "key unbound"
            }
            _ = try await plane.deleteSignatureKey(call, id: try pick(keys))
            return "key removed"
        }
    }

    private mutating func changePolicies() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let value = "10.0.0.\(random.next(200))"
        switch random.next(4) {
        case 0:
            let draft = AccessPolicyDraft(name: "acl\(random.next(3))", action: .deny, entity: .ip, value: value)
            policies.append(try await plane.createAccessPolicy(call, draft).value.id)
            return "policy made"
        case 1:
            let bound = try await plane.bindAccessPolicy(
                call, id: try pick(policies), publicationIDs: [try pick(publications)]).value
            bindings += bound.map(\.binding.id)
            return "policy bound"
        case 2:
            _ = try await plane.updateAccessPolicy(
                call, id: try pick(policies), AccessPolicyChange(action: [.permit, .deny][random.next(2)], value: value))
            return "policy changed"
        default:
            _ = try await plane.unbindAccessPolicy(call, bindingID: try pick(bindings))
            return "policy unbound"
        }
    }

    private mutating func changePlugins() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        let content = """
            {"response_headers":[{"name":"X-A","value":"\(random.next(50))","value_type":"custom_value","action":"override"}]}
            """
        switch random.next(5) {
        case 0:
            let draft = PluginDraft(name: "plugin\(random.next(3))", type: .setResponseHeaders, scope: "global", content: content)
            plugins.append(try await plane.createPlugin(call, draft).value.id)
            return "plug-in made"
        case 1, 2:
            _ = try await plane.attachPlugin(
                call, id: try pick(plugins), apiIDs: [try pick(apis)], environmentID: try pick(environments))
            return "plug-in attached"
        case 3:
            _ = try await plane.updatePlugin(call, id: try pick(plugins), PluginChange(content: content))
            return "plug-in changed"
        default:
            _ = try await plane.detachPlugin(
                call, id: try pick(plugins), apiIDs: [try pick(apis)], environmentID: try pick(environments))
            return "plug-in detached"
        }
    }

    private mutating func changeEnvironment() async throws -> String {
        let plane = gateway.plane
        let call = gateway.call()
        switch random.next(3) {
        case 0:
            environments.append(try await plane.createEnvironment(call, name: "env\(random.next(4))", remark: "").value.id)
            return "environment made"
        case 1:
            _ = try await plane.updateEnvironment(
                call, id: try pick(environments), name: "env\(random.next(6))", remark: nil)
            return "environment renamed"
        default:
            let id = try pick(environments)
            _ = try await plane.deleteEnvironment(call, id: id)
            environments.removeAll { $0 == id }
            return "environment removed"
        }
    }

    private mutating func definition() throws -> APIDefinition {
        let paths = ["/a", "/a/", "/a/{x}", "/a/{y}/b", "/{rest+}", "/b"]
        var made = APIDefinition.mocked(
            "api\(random.next(8))", paths[random.next(paths.count)], groupID: try pick(groups),
            method: [.get, .any, .post][random.next(3)], body: "body \(random.next(3))")
        if made.reqURI != "/{rest+}", random.next(3) == 0 { made.matchMode = .prefix }
        if random.next(3) == 0 {
            let proxied = APIDefinition.proxied("", "/", groupID: "", to: ["/backend", "/#place#", "/#other#/b"][random.next(3)])
            made.backendType = .http
            made.mock = nil
            made.http = proxied.http
            if random.next(2) == 0, !channels.isEmpty {
                made.http?.address = nil
                made.http?.channelID = try pick(channels)
            }
        }
        if random.next(3) == 0, let response = responses.isEmpty ? nil : responses[random.next(responses.count)] {
            made.responseID = response.id
        }
        if random.next(3) == 0 {
            made.authType = [.app, .iam][random.next(2)]
        }
        return made
    }

    mutating func pick(_ ids: [String]) throws -> String {
        guard !ids.isEmpty else { throw OperationError.invalid(field: "nothing to pick from") }
        return ids[random.next(ids.count)]
    }
}

/// A small generator with a seed, so that a failing sequence can be run again.
struct SplitMix {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
