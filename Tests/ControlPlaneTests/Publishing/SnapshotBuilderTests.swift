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

    private func authorized(_ publication: String, _ path: String, domain: String = "", apps: [String]) throws -> SnapshotChange {
        var definition = APIDefinition.mocked(publication, path, groupID: "g")
        definition.authType = .app
        definition.domainName = domain
        var api = PublishedAPI(
            publicationID: publication, apiID: publication, instanceID: "i", groupID: "g", groupName: "group",
            environmentID: Environment.releaseID, environmentName: "RELEASE", definition: definition)
        for app in apps { api.authorizedApplications[app] = "" }
        let route = try RouteCompiler(policies: PolicyCompiler()).compile(api, settings: InstanceSettings(instanceID: "i"))
        return .route(publicationID: publication, instanceID: "i", route)
    }

    private func reached(_ snapshot: GatewaySnapshot, _ apps: [String]) -> [String] {
        apps.flatMap { app in
            (snapshot.appRoutes.value(for: Array(app.utf8))?.environments ?? []).flatMap(\.routes.all).map { "\(app) \($0.path.text)" }
        }.sorted()
    }

    private func settings(routesByApp: Bool) -> InstanceSettings {
        var settings = InstanceSettings(instanceID: "i")
        settings.routesByApp = routesByApp
        settings.addresses = ["127.0.0.1"]
        return settings
    }

    /// Property: after any changes, applications reach what they would after a fresh start from the final state.
    @Test func applicationsReachWhatTheyAreAuthorizedFor() throws {
        var random = SystemRandomNumberGenerator()
        let apps = ["a", "b", "c"]
        for _ in 0..<50 {
            var builder = SnapshotBuilder()
            builder.apply([.instance(settings(routesByApp: true)), .group(id: "g", name: "group", instanceID: "i", hosts: ["h"])])
            var last: [String: SnapshotChange] = [:]
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let publication = "p\(Int.random(in: 0...4, using: &random))"
                if Int.random(in: 0...3, using: &random) == 0 {
                    builder.apply([.route(publicationID: publication, instanceID: "", nil)])
                    last[publication] = nil
                } else {
                    let change = try authorized(publication, "/\(publication)", apps: apps.filter { _ in Bool.random(using: &random) })
                    builder.apply([change])
                    last[publication] = change
                }
            }
            var fresh = SnapshotBuilder()
            fresh.apply([.instance(settings(routesByApp: true)), .group(id: "g", name: "group", instanceID: "i", hosts: ["h"])])
            fresh.apply(Array(last.values))
            let (one, other) = (builder.snapshot(revision: 1), fresh.snapshot(revision: 1))
            #expect(reached(one, apps) == reached(other, apps))
            #expect(one.appRoutes.count == other.appRoutes.count)
            // Off: nothing is kept. On again: everything is compiled again.
            builder.apply([.instance(settings(routesByApp: false))] + Array(last.values))
            #expect(builder.snapshot(revision: 2).appRoutes.isEmpty)
            builder.apply([.instance(settings(routesByApp: true))] + Array(last.values))
            #expect(reached(builder.snapshot(revision: 3), apps) == reached(other, apps))
            builder.apply([.instanceRemoved(id: "i")])
            #expect(builder.snapshot(revision: 4).addresses.isEmpty)
        }
    }

    @Test func aDomainOfItsOwnTakesTheRouteAway() throws {
        var builder = SnapshotBuilder()
        builder.apply([.instance(settings(routesByApp: false)), .group(id: "g", name: "group", instanceID: "i", hosts: ["h"])])
        func paths(_ host: String) -> [String] {
            builder.snapshot(revision: 1).hosts.value(for: Array(host.utf8))?.environments.flatMap(\.routes.all).map(\.path.text).sorted() ?? []
        }
        builder.apply([try authorized("p1", "/1", apps: []), try authorized("p2", "/2", domain: "Own.Example.com.", apps: [])])
        #expect(paths("h") == ["/1"] && paths("own.example.com") == ["/2"])
        builder.apply([try authorized("p3", "/3", domain: "own.example.com", apps: [])])
        #expect(paths("own.example.com") == ["/2", "/3"])
        builder.apply([try authorized("p2", "/2", apps: []), .route(publicationID: "p3", instanceID: "", nil)])
        #expect(paths("h") == ["/1", "/2"] && paths("own.example.com") == [])
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
