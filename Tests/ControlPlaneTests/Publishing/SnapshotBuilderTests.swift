import GatewayModel
import GatewayPrimitives
import Snapshot
import SnapshotCompiler
import Testing

struct SnapshotBuilderTests {
    private func change(_ publication: String, _ path: String) throws -> SnapshotChange {
        let api = PublishedAPI(
            publicationID: publication, apiID: publication, instanceID: "i", groupID: "g", groupName: "group",
            environmentID: Environment.releaseID, environmentName: "RELEASE",
            definition: .mocked(publication, path, groupID: "g"))
        let route = try RouteCompiler(policies: PolicyCompiler()).compile(api, settings: InstanceSettings(instanceID: "i"))
        return .route(publicationID: publication, instanceID: "i", route)
    }

    /// One change that lets two APIs exchange their paths, in either order.
    @Test(arguments: [false, true])
    func pathsMayBeExchangedAtOnce(reversed: Bool) throws {
        var builder = SnapshotBuilder()
        builder.apply([.instance(InstanceSettings(instanceID: "i")), .group(id: "g", name: "group", instanceID: "i", hosts: ["h"])])
        builder.apply([try change("p1", "/a"), try change("p2", "/b")])
        let exchange = [try change("p1", "/b"), try change("p2", "/a")]
        builder.apply(reversed ? exchange.reversed() : exchange)
        let routes = builder.snapshot(revision: 1).hosts.value(for: Array("h".utf8))?.environments.first?.routes.all ?? []
        #expect(Set(routes.map { "\($0.identity.publishID) \($0.path.text)" }) == ["p1 /b", "p2 /a"])
    }
}
