import ControlPlane
import GatewayModel
import Store
import Testing

@Suite struct AccessPolicyTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }

    init() throws { fixture = try ControlPlaneFixture() }

    func draft(_ name: String = "acl_demo", _ value: String = "192.168.1.5,192.168.10.1") -> AccessPolicyDraft {
        AccessPolicyDraft(name: name, action: .permit, entity: .ip, value: value)
    }

    @Test func createsAndReads() async throws {
        let made = try await plane.createAccessPolicy(call, draft("acl_demo", "10.0.0.1, 10.0.0.0/8,10.0.0.1,10.0.0.1-10.0.0.9"))
            .value
        #expect(made.value == "10.0.0.1,10.0.0.0/8,10.0.0.1-10.0.0.9")
        #expect(try await plane.accessPolicy(call, id: made.id) == made)
        let listed = try await plane.accessPolicies(call, AccessPolicyFilter(), page: Page(offset: 0, limit: 20))
        #expect(listed.items.map(\.policy) == [made] && listed.items.map(\.boundAPIs) == [0])
    }

    static let badValues: [(AccessControlPolicy.Entity, String)] = [
        (.ip, ""), (.ip, ","), (.ip, "1.2.3.4,"), (.ip, "1.2.3"), (.ip, "1.2.3.4/33"), (.ip, "1.2.3.9-1.2.3.4"),
        (.ip, "host.example"), (.ip, (1...101).map { "10.0.0.\($0)" }.joined(separator: ",")), (.ip, "1.2.3.4;5.6.7.8"),
        (.domain, ""), (.domain, "123456"), (.domain, String(repeating: "a", count: 65)), (.domain, "a b"),
        (.domain, (0..<30).map { "\($0)" + String(repeating: "n", count: 60) }.joined(separator: ",")),
        (.domainID, "abc"), (.domainID, String(repeating: "g", count: 33)), (.domainID, String(repeating: "-", count: 32)),
    ]

    @Test(arguments: badValues.indices)
    func refusesValues(_ index: Int) async throws {
        let (entity, value) = Self.badValues[index]
        let draft = AccessPolicyDraft(name: "acl_demo", action: .deny, entity: entity, value: value)
        #expect(await refusal { try await plane.createAccessPolicy(call, draft) } == .invalid(field: "acl_value"))
    }

    @Test(arguments: ["ab", "1abc", "_abc", "a b c", "a-bc", String(repeating: "a", count: 65), ""])
    func refusesNames(_ name: String) async throws {
        #expect(await refusal { try await plane.createAccessPolicy(call, draft(name)) } == .invalid(field: "acl_name"))
    }

    @Test func acceptsAHundredEntriesAndOtherEntities() async throws {
        let many = (1...100).map { "10.0.0.\($0)" }.joined(separator: ",")
        #expect(try await plane.createAccessPolicy(call, draft("many", many)).value.value == many)
        let accounts = AccessPolicyDraft(name: "accounts", action: .deny, entity: .domain, value: "acme,other_1")
        _ = try await plane.createAccessPolicy(call, accounts)
        let id = AccessPolicyDraft(
            name: "ids", action: .deny, entity: .domainID, value: "0123456789abcdef0123456789abcdef")
        _ = try await plane.createAccessPolicy(call, id)
        #expect(
            try await plane.accessPolicies(call, AccessPolicyFilter(entity: "DOMAIN"), page: Page(offset: 0, limit: 5)).items
                .map(\.policy.name) == ["accounts"])
    }

    @Test func changesWhatIsGiven() async throws {
        let old = try await plane.createAccessPolicy(call, draft()).value
        fixture.clock.advance(seconds: 1)
        let new = try await plane.updateAccessPolicy(call, id: old.id, AccessPolicyChange(action: .deny)).value
        #expect(new.action == .deny && new.name == old.name && new.value == old.value && new.updatedAt > old.updatedAt)
        let same = AccessPolicyChange(name: "acl_2", entity: .ip, value: "::1")
        #expect(try await plane.updateAccessPolicy(call, id: old.id, same).value.value == "::1")
        #expect(
            await refusal { try await plane.updateAccessPolicy(call, id: old.id, AccessPolicyChange(entity: .domain)) }
                == .invalid(field: "entity_type"))
        #expect(
            await refusal { try await plane.updateAccessPolicy(call, id: "nothing", AccessPolicyChange()) }
                == .notFound(.accessPolicy, id: "nothing"))
    }

    @Test func namesQuotasAndScope() async throws {
        var settings = ControlPlaneSettings()
        settings.quotas.accessPolicies = 2
        let fixture = try ControlPlaneFixture(settings)
        let plane = fixture.plane
        let call = fixture.call()
        let first = try await plane.createAccessPolicy(call, draft("one")).value
        #expect(
            await refusal { try await plane.createAccessPolicy(call, draft("one")) } == .taken(.accessPolicy, name: "one"))
        _ = try await plane.createAccessPolicy(call, draft("two"))
        #expect(
            await refusal { try await plane.createAccessPolicy(call, draft("three")) }
                == .quotaExceeded(.accessPolicy, limit: 2))
        let other = fixture.call(instance: fixture.otherInstanceID)
        _ = try await plane.createAccessPolicy(other, draft("one"))
        let unknown = OperationError.notFound(.accessPolicy, id: first.id)
        #expect(await refusal { try await plane.accessPolicy(other, id: first.id) } == unknown)
        #expect(await refusal { try await plane.updateAccessPolicy(other, id: first.id, AccessPolicyChange()) } == unknown)
        #expect(await refusal { try await plane.deleteAccessPolicy(other, id: first.id).revision } == unknown)
        #expect(try await plane.deleteAccessPolicies(other, ids: [first.id]).value.succeeded == 0)
        #expect(try await plane.accessPolicy(call, id: first.id) == first)
    }

    @Test func deletesManyAndSaysWhichFailed() async throws {
        let first = try await plane.createAccessPolicy(call, draft("one")).value
        let second = try await plane.createAccessPolicy(call, draft("two")).value
        let outcome = try await plane.deleteAccessPolicies(call, ids: [first.id, "nothing", first.id, second.id]).value
        #expect(outcome.succeeded == 2)
        #expect(
            outcome.failures == [
                BatchFailure(id: "nothing", name: nil, reason: .notFound(.accessPolicy, id: "nothing")),
                BatchFailure(id: first.id, name: nil, reason: .notFound(.accessPolicy, id: first.id)),
            ])
        #expect(try await plane.deleteAccessPolicies(call, ids: []).value == BatchOutcome())
        let tooMany = Array(repeating: "x", count: ControlPlane.bindingLimit + 1)
        #expect(await refusal { try await plane.deleteAccessPolicies(call, ids: tooMany) } == .invalid(field: "acls"))
    }
}
