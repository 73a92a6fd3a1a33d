import ControlPlane
import GatewayModel
import GatewayPrimitives
import Snapshot
import Store
import Testing

@Suite struct AccessPolicyBindingTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)

    init() throws { fixture = try ControlPlaneFixture() }

    func policy(
        _ name: String, _ action: AccessControlPolicy.Action = .permit, _ value: String = "10.0.0.0/8",
        entity: AccessControlPolicy.Entity = .ip
    ) async throws -> AccessControlPolicy {
        try await plane.createAccessPolicy(
            call, AccessPolicyDraft(name: name, action: action, entity: entity, value: value)
        ).value
    }

    @Test func decidesAtOnceAfterEachChange() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let inside = try #require(IPAddress("10.1.2.3"))
        let outside = try #require(IPAddress("192.0.2.1"))
        let policy = try await policy("acl_demo")
        let bound = try await plane.bindAccessPolicy(call, id: policy.id, publicationIDs: [api.publicationID]).value
        var access = try #require(fixture.route(api)?.policies.access)
        #expect(access.verdict(for: inside) == .allowed && access.verdict(for: outside) == .refused)
        #expect(access.verdict(for: nil) == .addressUnknown)
        _ = try await plane.updateAccessPolicy(call, id: policy.id, AccessPolicyChange(action: .deny))
        access = try #require(fixture.route(api)?.policies.access)
        #expect(access.verdict(for: inside) == .refused && access.verdict(for: outside) == .allowed)
        _ = try await plane.updateAccessPolicy(call, id: policy.id, AccessPolicyChange(value: "192.0.2.0-192.0.2.9"))
        access = try #require(fixture.route(api)?.policies.access)
        #expect(access.verdict(for: inside) == .allowed && access.verdict(for: outside) == .refused)
        _ = try await plane.unbindAccessPolicy(call, bindingID: bound[0].binding.id)
        #expect(fixture.route(api) != nil && fixture.route(api)?.policies.access == nil)
        #expect(
            await refusal { try await plane.unbindAccessPolicy(call, bindingID: bound[0].binding.id).revision }
                == .notFound(.accessBinding, id: bound[0].binding.id))
    }

    @Test func onePolicyOfEachEntityType() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let (first, second) = (try await policy("first"), try await policy("second", .deny))
        let account = try await policy("accounts", .deny, "acme", entity: .domain)
        let old = try await plane.bindAccessPolicy(call, id: first.id, publicationIDs: [api.publicationID]).value[0].binding
        let other = try await plane.bindAccessPolicy(call, id: account.id, publicationIDs: [api.publicationID]).value[0].binding
        fixture.clock.advance(seconds: 1)
        #expect(
            try await plane.bindAccessPolicy(call, id: first.id, publicationIDs: [api.publicationID]).value[0].binding == old)
        let new = try await plane.bindAccessPolicy(call, id: second.id, publicationIDs: [api.publicationID]).value[0].binding
        #expect(new.id != old.id)
        let listed = try await plane.accessPolicies(call, boundTo: api.apiID, BoundAccessPolicyFilter(), page: all)
        #expect(listed.items.map(\.binding) == [new, other])
        #expect(fixture.route(api)?.policies.access?.id == second.id)
        let narrow = BoundAccessPolicyFilter(policyName: "sec", environmentName: "rel")
        #expect(try await plane.accessPolicies(call, boundTo: api.apiID, narrow, page: all).items.map(\.binding) == [new])
        let none = BoundAccessPolicyFilter(policyID: first.id)
        #expect(try await plane.accessPolicies(call, boundTo: api.apiID, none, page: all).total == 0)
    }

    @Test func aBoundPolicyIsNotDeleted() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let (bound, free) = (try await policy("bound"), try await policy("free"))
        let binding = try await plane.bindAccessPolicy(call, id: bound.id, publicationIDs: [api.publicationID]).value[0].binding
        #expect(
            await refusal { try await plane.deleteAccessPolicy(call, id: bound.id).revision }
                == .conflict(.accessPolicyIsBound))
        let outcome = try await plane.deleteAccessPolicies(call, ids: [bound.id, free.id]).value
        #expect(outcome.succeeded == 1)
        #expect(outcome.failures == [BatchFailure(id: bound.id, name: "bound", reason: .conflict(.accessPolicyIsBound))])
        _ = try await plane.unbindAccessPolicy(call, bindingID: binding.id)
        _ = try await plane.deleteAccessPolicy(call, id: bound.id)
    }

    @Test func unbindsManyAndSaysWhichFailed() async throws {
        let group = try await fixture.group()
        let apis = [try await fixture.publish("one", group: group), try await fixture.publish("two", group: group)]
        let policy = try await policy("acl_demo")
        let ids = try await plane.bindAccessPolicy(call, id: policy.id, publicationIDs: apis.map(\.publicationID)).value
            .map(\.binding.id)
        let missing = "3a68d39f115d4c128fccd6f624ea6109"
        let outcome = try await plane.unbindAccessPolicies(call, bindingIDs: [ids[0], missing, ids[0]]).value
        #expect(outcome.succeeded == 1)
        #expect(
            outcome.failures == [missing, ids[0]].map {
                BatchFailure(id: $0, name: nil, reason: .notFound(.accessBinding, id: $0))
            })
        #expect(fixture.route(apis[0])?.policies.access == nil && fixture.route(apis[1])?.policies.access != nil)
        #expect(try await plane.unbindAccessPolicies(call, bindingIDs: []).value == BatchOutcome())
        let other = fixture.call(instance: fixture.otherInstanceID)
        #expect(try await plane.unbindAccessPolicies(other, bindingIDs: [ids[1]]).value.succeeded == 0)
        #expect(fixture.route(apis[1])?.policies.access != nil)
    }

    @Test func listsOfAPIs() async throws {
        let group = try await fixture.group()
        let one = try await fixture.publish("one", group: group)
        fixture.clock.advance(seconds: 1)
        let two = try await fixture.publish("two", group: group)
        let (first, second) = (try await policy("first"), try await policy("second"))
        let account = try await policy("accounts", .deny, "acme", entity: .domain)
        _ = try await plane.bindAccessPolicy(call, id: first.id, publicationIDs: [one.publicationID])
        _ = try await plane.bindAccessPolicy(call, id: second.id, publicationIDs: [two.publicationID])
        let bound = try await plane.apis(call, boundToAccessPolicy: first.id, PublicationFilter(), page: all)
        #expect(bound.items.map(\.publication.publicationID) == [one.publicationID])
        let unbound = try await plane.apis(call, notBoundToAccessPolicy: first.id, PublicationFilter(), page: all)
        #expect(unbound.items.map(\.publication.publicationID) == [two.publicationID])
        #expect(unbound.items.map(\.boundPolicyName) == ["second"])
        // Policies of another entity type do not count.
        let free = try await plane.apis(call, notBoundToAccessPolicy: account.id, PublicationFilter(), page: all)
        #expect(free.items.map(\.publication.apiName) == ["two", "one"])
        #expect(free.items.map(\.boundPolicyName) == [nil, nil])
        #expect(
            try await plane.apis(call, notBoundToAccessPolicy: account.id, PublicationFilter(apiName: "tw"), page: all).total == 1)
        #expect(
            await refusal { try await plane.apis(call, boundToAccessPolicy: "none", PublicationFilter(), page: all) }
                == .notFound(.accessPolicy, id: "none"))
    }

    @Test func refusesUnknownEnds() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let policy = try await policy("acl_demo")
        #expect(
            await refusal { try await plane.bindAccessPolicy(call, id: "none", publicationIDs: [api.publicationID]) }
                == .notFound(.accessPolicy, id: "none"))
        #expect(
            await refusal { try await plane.bindAccessPolicy(call, id: policy.id, publicationIDs: [api.publicationID, "none"]) }
                == .notFound(.publication, id: "none"))
        let other = fixture.call(instance: fixture.otherInstanceID)
        #expect(
            await refusal { try await plane.bindAccessPolicy(other, id: policy.id, publicationIDs: [api.publicationID]) }
                == .notFound(.accessPolicy, id: policy.id))
        #expect(fixture.route(api)?.policies.access == nil)
    }
}
