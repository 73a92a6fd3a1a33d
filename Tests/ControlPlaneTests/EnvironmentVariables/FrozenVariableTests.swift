import ControlPlane
import GatewayModel
import Snapshot
import Store
import Testing

/// Values of variables in force: the gateway decides as a fresh start from the store does, whatever was written.
struct FrozenVariableTests {
    private func definition(_ group: APIGroup) -> APIDefinition {
        var definition = APIDefinition.mocked("variables", "/v", groupID: group.id)
        definition.backendType = .http
        definition.mock = nil
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .get, reqURI: "/#part#", address: "#host#", timeoutMilliseconds: 1000)
        return definition
    }

    private func variable(_ gateway: TestGateway, _ group: APIGroup, _ name: String, _ value: String) async throws -> EnvironmentVariable {
        try await gateway.plane.createEnvironmentVariable(
            gateway.call(),
            EnvironmentVariableDraft(groupID: group.id, environmentID: Environment.releaseID, name: name, value: value)
        ).value
    }

    private func path(_ snapshot: GatewaySnapshot, _ group: APIGroup) -> String? {
        let host = snapshot.hosts.value(for: Array("\(group.id).apic.localhost".utf8))
        guard case .http(let backend)? = host?.environments.first?.routes.all.first?.backends.standard.backend else { return nil }
        return "\(backend.upstream.host) \(backend.path)"
    }

    @Test func valuesAreFrozenChangedAndKept() async throws {
        let gateway = try await TestGateway()
        let group = try await gateway.group("group_variables")
        let api = try await gateway.plane.createAPI(gateway.call(), definition(group)).value.api
        let host = try await variable(gateway, group, "host", "one.test")
        #expect(
            await gateway.refused { plane in
                try await plane.publishAPI(gateway.call(), apiID: api.id, environmentID: Environment.releaseID, remark: "").value
            } == .notFound(.environmentVariable, id: "part"))
        let part = try await variable(gateway, group, "part", "p1")
        _ = try await gateway.publish(api)
        let first = try #require(path(gateway.snapshot, group))
        #expect(first.contains("one.test"))

        func changed() async throws -> String? {
            let now = path(gateway.snapshot, group)
            #expect(path(try gateway.freshSnapshot(), group) == now)
            return now
        }
        _ = try await gateway.plane.updateEnvironmentVariable(gateway.call(), id: host.id, name: nil, value: "two.test")
        #expect(try await changed()?.contains("two.test") == true)
        _ = try await gateway.plane.deleteEnvironmentVariable(gateway.call(), id: host.id)
        #expect(try await changed()?.contains("two.test") == true)
        // Under a new name it is another variable.
        _ = try await gateway.plane.updateEnvironmentVariable(gateway.call(), id: part.id, name: "part_b", value: "p2")
        let before = try await changed()
        _ = try await gateway.plane.updateEnvironmentVariable(gateway.call(), id: part.id, name: nil, value: "p3")
        #expect(try await changed() == before)
        _ = try await variable(gateway, group, "host", "three.test")
        #expect(try await changed()?.contains("three.test") == true)
        #expect(
            await gateway.refused { plane in
                try await plane.publishAPI(gateway.call(), apiID: api.id, environmentID: Environment.releaseID, remark: "").value
            } == .notFound(.environmentVariable, id: "part"))
        #expect(try gateway.trace(of: host.id) == ["environmentVariable -a", "environmentVariable ba", "environmentVariable b-"])
    }
}
