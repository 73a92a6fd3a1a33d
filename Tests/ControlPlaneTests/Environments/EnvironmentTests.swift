import ControlPlane
import GatewayModel
import Snapshot
import Store
import Testing

struct EnvironmentTests {
    @Test func namesAreUniqueAndReleaseKeepsItsName() async throws {
        let g = try await TestGateway()
        let test = try await g.plane.createEnvironment(g.call(), name: "TEST", remark: "r").value
        #expect(await g.refused { try await $0.createEnvironment(g.call(), name: "TEST", remark: "") } == .taken(.environment, name: "TEST"))
        #expect(
            await g.refused { try await $0.updateEnvironment(g.call(), id: test.id, name: "RELEASE", remark: nil) }
                == .taken(.environment, name: "RELEASE"))
        let changed = try await g.plane.updateEnvironment(g.call(), id: test.id, name: "STAGE", remark: nil).value
        #expect(changed.name == "STAGE" && changed.remark == "r" && changed.createdAt == test.createdAt)
        let release = Environment.releaseID
        #expect(
            await g.refused { try await $0.updateEnvironment(g.call(), id: release, name: "PROD", remark: nil) }
                == .conflict(.environmentIsPreset))
        #expect(try await g.plane.updateEnvironment(g.call(), id: release, name: "RELEASE", remark: "live").value.remark == "live")
        #expect(await g.refused { try await $0.deleteEnvironment(g.call(), id: release) } == .conflict(.environmentIsPreset))
        #expect(await g.refused { try await $0.deleteEnvironment(g.call(), id: "nowhere") } == .notFound(.environment, id: "nowhere"))
    }

    @Test func removalTakesWhatIsOfflineThereWithIt() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let test = try await g.plane.createEnvironment(g.call(), name: "TEST", remark: "").value
        let record = try await g.publish(api, in: test.id)
        #expect(await g.refused { try await $0.deleteEnvironment(g.call(), id: test.id) } == .conflict(.environmentHoldsPublications))
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: test.id)
        _ = try await g.plane.deleteEnvironment(g.call(), id: test.id)
        #expect(try g.trace(of: record.publication.id) == ["publication -a", "publication ba", "publication b-"])
        let left = try await g.plane.apiVersions(
            g.call(), apiID: api.id, environmentID: nil, environmentName: nil, page: Page(offset: 0, limit: 20))
        #expect(left.total == 0)
        _ = try await g.plane.deleteAPI(g.call(), id: api.id)
    }

    @Test func quota() async throws {
        var quotas = Quotas()
        quotas.environments = 2
        let g = try await TestGateway(ControlPlaneSettings(quotas: quotas))
        _ = try await g.plane.createEnvironment(g.call(), name: "TEST", remark: "")
        #expect(await g.refused { try await $0.createEnvironment(g.call(), name: "MORE", remark: "") } == .quotaExceeded(.environment, limit: 2))
    }

    @Test func aNewNameIsWhatTheGatewayKnows() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let test = try await g.plane.createEnvironment(g.call(), name: "TEST", remark: "").value
        _ = try await g.publish(try await g.api("one", "/one", group: group), in: test.id)
        _ = try await g.plane.updateEnvironment(g.call(), id: test.id, name: "STAGE", remark: nil)
        let host = g.snapshot.hosts.value(for: Array("\(group.id).apic.localhost".utf8))
        #expect(host?.environments.map { String(decoding: $0.name, as: UTF8.self) } == ["STAGE"])
    }
}
