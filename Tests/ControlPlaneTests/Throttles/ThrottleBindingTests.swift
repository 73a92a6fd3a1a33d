import ControlPlane
import GatewayModel
import Snapshot
import Store
import Testing

@Suite struct ThrottleBindingTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)

    init() throws { fixture = try ControlPlaneFixture() }

    private func policy(_ name: String, limit: Int = 10) async throws -> ThrottlePolicy {
        try await plane.createThrottle(call, ThrottleDraft(name: name, apiLimit: limit, unit: .hour, interval: 1)).value.policy
    }

    private func limit(_ api: PublishedFixture) -> Int? { fixture.route(api)?.policies.rateLimit?.api?.limit }

    @Test func eachChangeIsInForceAtOnce() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let policy = try await policy("throttle_demo")
        let binding = try await plane.bindThrottle(call, id: policy.id, publicationIDs: [api.publicationID]).value[0]
        #expect(limit(api) == 10)
        _ = try await plane.updateThrottle(call, id: policy.id, ThrottleDraft(apiLimit: 20))
        #expect(limit(api) == 20)
        let special = try await plane.createThrottleSpecial(
            call, policyID: policy.id, object: .user, objectID: "account", limit: 5
        ).value.special
        #expect(fixture.route(api)?.policies.rateLimit?.specialUsers == ["account": 5])
        _ = try await plane.updateThrottleSpecial(call, policyID: policy.id, id: special.id, limit: 6)
        #expect(fixture.route(api)?.policies.rateLimit?.specialUsers == ["account": 6])
        _ = try await plane.deleteThrottleSpecial(call, policyID: policy.id, id: special.id)
        #expect(fixture.route(api)?.policies.rateLimit?.specialUsers.isEmpty == true)
        _ = try await plane.unbindThrottle(call, bindingID: binding.id)
        #expect(fixture.route(api) != nil && fixture.route(api)?.policies.rateLimit == nil)
    }

    @Test func deletingUnbindsOnlyWhenAsked() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let policy = try await policy("throttle_demo")
        let binding = try await plane.bindThrottle(call, id: policy.id, publicationIDs: [api.publicationID]).value[0]
        _ = try await plane.createThrottleSpecial(call, policyID: policy.id, object: .user, objectID: "account", limit: 5)
        #expect(await refusal { try await plane.deleteThrottle(call, id: policy.id, unbinds: false).revision } == .conflict(.throttleIsBound))
        #expect(limit(api) == 10)
        _ = try await plane.deleteThrottle(call, id: policy.id, unbinds: true)
        #expect(fixture.route(api)?.policies.rateLimit == nil)
        #expect(try fixture.changes(of: binding.id, "after_json").last == .some(nil))
        #expect(try fixture.texts("SELECT id AS c FROM throttle_specials") == [])
    }

    @Test func aBatchDoesWhatItCan() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let (bound, free) = (try await policy("bound"), try await policy("free"))
        _ = try await plane.bindThrottle(call, id: bound.id, publicationIDs: [api.publicationID])
        let outcome = try await plane.deleteThrottles(call, ids: [bound.id, free.id, free.id], unbinds: false).value
        #expect(outcome.succeeded == 1)
        #expect(outcome.failures.map(\.reason) == [.conflict(.throttleIsBound), .notFound(.throttle, id: free.id)])
    }

    @Test func policiesOfAnotherInstanceAreUnknown() async throws {
        let policy = try await policy("throttle_demo")
        let other = fixture.call(instance: fixture.otherInstanceID)
        #expect(await refusal { try await plane.throttle(other, id: policy.id).boundAPIs } == .notFound(.throttle, id: policy.id))
    }

    @Test func aQuotaBounds() async throws {
        var settings = ControlPlaneSettings()
        settings.quotas.throttles = 1
        let small = try ControlPlaneFixture(settings)
        let draft = ThrottleDraft(name: "first", apiLimit: 1, unit: .hour, interval: 1)
        _ = try await small.plane.createThrottle(small.call(), draft)
        let second = ThrottleDraft(name: "second", apiLimit: 1, unit: .hour, interval: 1)
        let refused = await refusal { try await small.plane.createThrottle(small.call(), second).revision }
        #expect(refused == .quotaExceeded(.throttle, limit: 1))
    }
}
