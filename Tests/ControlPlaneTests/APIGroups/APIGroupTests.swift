import ControlPlane
import GatewayModel
import Store
import Testing

struct APIGroupTests {
    @Test func firstStartMakesInstanceReleaseAndDefaultOnce() async throws {
        let g = try await TestGateway()
        let again = try await g.plane.prepareFirstStart(projectID: TestGateway.project)
        #expect(again == g.instance)
        let groups = try await g.plane.apiGroups(g.call(), APIGroupFilter(), page: Page(offset: 0, limit: 20))
        #expect(groups.items.map(\.name) == ["DEFAULT"])
        #expect(groups.items[0].isDefault)
        let environments = try await g.plane.environments(g.call(), name: nil, page: Page(offset: 0, limit: 20))
        #expect(environments.items.map(\.id) == ["DEFAULT_ENVIRONMENT_RELEASE_ID"])
        #expect(environments.items[0].name == "RELEASE")
        #expect(try await g.plane.instance(g.call()) == g.instance)
    }

    @Test func namesAreUniqueInTheInstance() async throws {
        let g = try await TestGateway()
        let group = try await g.group("orders")
        #expect(await g.refused { try await $0.createAPIGroup(g.call(), APIGroupDraft(name: "orders")) } == .taken(.apiGroup, name: "orders"))
        #expect(await g.refused { try await $0.checkAPIGroupName(g.call(), name: "orders", romaAppID: "") } == .taken(.apiGroup, name: "orders"))
        try await g.plane.checkAPIGroupName(g.call(), name: "Orders", romaAppID: "")
        let renamed = try await g.plane.updateAPIGroup(g.call(), id: group.id, APIGroupChange(remark: "r")).value
        #expect(renamed.name == "orders" && renamed.remark == "r" && renamed.updatedAt > group.updatedAt)
        #expect(renamed.createdAt == group.createdAt)
        #expect(
            await g.refused { try await $0.updateAPIGroup(g.call(), id: group.id, APIGroupChange(name: "DEFAULT")) }
                == .taken(.apiGroup, name: "DEFAULT"))
        #expect(try g.trace(of: group.id) == ["apiGroup -a", "apiGroup ba"])
    }

    @Test func markupInRemarksAndUnknownApplicationsAreRefused() async throws {
        let g = try await TestGateway()
        #expect(
            await g.refused { try await $0.createAPIGroup(g.call(), APIGroupDraft(name: "abc", remark: "<b>")) }
                == .invalid(field: "remark"))
        #expect(
            await g.refused { try await $0.createAPIGroup(g.call(), APIGroupDraft(name: "abc", romaAppID: "app-1")) }
                == .notFound(.integrationApplication, id: "app-1"))
    }

    @Test func aGroupWithAPIsStays() async throws {
        let g = try await TestGateway()
        let group = try await g.group("full")
        let api = try await g.api("one", "/one", group: group)
        #expect(await g.refused { try await $0.deleteAPIGroup(g.call(), id: group.id) } == .conflict(.groupHoldsAPIs(id: group.id)))

        // A version in force keeps its group, though the draft has moved.
        _ = try await g.publish(api)
        let other = try await g.group("other")
        _ = try await g.plane.updateAPI(g.call(), id: api.id, .mocked("one", "/one", groupID: other.id))
        #expect(await g.refused { try await $0.deleteAPIGroup(g.call(), id: group.id) } == .conflict(.groupHoldsAPIs(id: group.id)))
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID)
        _ = try await g.plane.deleteAPIGroup(g.call(), id: group.id)
        #expect(await g.refused { try await $0.apiGroup(g.call(), id: group.id) } == .notFound(.apiGroup, id: group.id))
        #expect(await g.refused { try await $0.deleteAPIGroup(g.call(), id: group.id) } == .notFound(.apiGroup, id: group.id))
        #expect(try g.trace(of: group.id) == ["apiGroup -a", "apiGroup b-"])

        // Its old version cannot come back without the group; publishing anew works.
        _ = try await g.publish(api)
    }

    @Test func theDefaultGroupStays() async throws {
        let g = try await TestGateway()
        let all = try await g.plane.apiGroups(g.call(), APIGroupFilter(), page: Page(offset: 0, limit: 1))
        #expect(await g.refused { try await $0.deleteAPIGroup(g.call(), id: all.items[0].id) } == .conflict(.groupIsDefault))
    }

    @Test func listsFilterAndPage() async throws {
        let g = try await TestGateway()
        for name in ["alpha", "beta", "Alphabet", "al%ha"] { _ = try await g.group(name) }
        func names(_ change: (inout APIGroupFilter) -> Void, _ page: Page = Page(offset: 0, limit: 20)) async throws -> [String] {
            var filter = APIGroupFilter()
            change(&filter)
            return try await g.plane.apiGroups(g.call(), filter, page: page).items.map(\.name)
        }
        #expect(try await names { _ in } == ["al%ha", "Alphabet", "beta", "alpha", "DEFAULT"])
        #expect(try await names { $0.name = "ALPHA" } == ["Alphabet", "alpha"])
        #expect(try await names { $0.name = "l%h" } == ["al%ha"])
        #expect(try await names { $0.name = "alpha"; $0.namePrecisely = true } == ["alpha"])
        #expect(try await names { $0.domainName = "example.com" } == [])
        #expect(try await names({ _ in }, Page(offset: 1, limit: 2)) == ["Alphabet", "beta"])
        let past = try await g.plane.apiGroups(g.call(), APIGroupFilter(), page: Page(offset: 9, limit: 2))
        #expect(past.total == 5 && past.items.isEmpty)
    }

    @Test func quotaAndStrangers() async throws {
        var quotas = Quotas()
        quotas.apiGroups = 2
        let g = try await TestGateway(ControlPlaneSettings(quotas: quotas))
        let group = try await g.group("one")
        #expect(await g.refused { try await $0.createAPIGroup(g.call(), APIGroupDraft(name: "two")) } == .quotaExceeded(.apiGroup, limit: 2))

        let stranger = g.call(project: "ffffffffffffffffffffffffffffffff")
        #expect(await g.refused { try await $0.apiGroup(stranger, id: group.id) } == .notFound(.instance, id: g.instance.id))
        let other = try await g.plane.prepareFirstStart(projectID: "ffffffffffffffffffffffffffffffff")
        let neighbour = g.call(instance: other.id, project: "ffffffffffffffffffffffffffffffff")
        #expect(await g.refused { try await $0.apiGroup(neighbour, id: group.id) } == .notFound(.apiGroup, id: group.id))
        #expect(await g.refused { try await $0.deleteAPIGroup(neighbour, id: group.id) } == .notFound(.apiGroup, id: group.id))
    }
}
