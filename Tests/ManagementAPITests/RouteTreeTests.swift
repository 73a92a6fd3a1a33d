import Testing
import WireContract

@testable import ManagementAPI

@Suite("Routes of the management port")
struct RouteTreeTests {
    private let tree = ManagementRouter.build(OperationRoutes())

    private func operation(_ method: String, _ path: String) -> (ContractOperation, PathAlias, [String])? {
        guard case .found(let match) = tree.find(method, path), case .operation(let endpoint) = match.endpoint else { return nil }
        return (endpoint.operation, endpoint.alias, match.values)
    }

    @Test("every operation is found at its path, and under the alias")
    func everyOperation() throws {
        for operation in ContractOperation.allCases {
            let path = operation.shape.path.split(separator: "/").map { $0.hasPrefix("{") ? "x1" : $0 }.joined(separator: "/")
            let found = try #require(self.operation(operation.shape.method.rawValue, "/" + path))
            #expect(found.0 == operation)
            #expect(found.1 == (path.hasPrefix("v2/x1/apigw/") ? .apigw : .apic))
            if path.hasPrefix("v2/x1/apic/") {
                let alias = try #require(self.operation(operation.shape.method.rawValue, "/v2/x1/apigw/" + path.dropFirst(11)))
                #expect(alias.0 == operation)
                #expect(alias.1 == .apigw)
            }
        }
    }

    @Test("values of parameters, in order")
    func values() throws {
        let found = try #require(operation("PUT", "/v2/p1/apic/instances/i-1/signs/s_1"))
        #expect(found.0 == .updateSignatureKeyV2)
        #expect(found.2 == ["p1", "i-1", "s_1"])
    }

    @Test("a fixed neighbour does not shadow an id")
    func shadows() throws {
        let base = "/v2/p/apic/instances/i/apis/"
        #expect(operation("POST", base + "action")?.0 == .createOrDeletePublishRecordForApiV2)
        #expect(operation("GET", base + "action")?.0 == .showDetailsOfApiV2)
        #expect(operation("GET", base + "action")?.2 == ["p", "i", "action"])
        #expect(operation("GET", "/v2/p/apic/instances/i/apps/configs")?.0 == .listAppConfigsV2)
    }

    @Test("what leads nowhere", arguments: [
        "/v2", "/v2/", "/v2//apic/instances", "/v2/p/apic/instances/i/signs/", "/v2/p/apic/instances/i/Signs", "x", "", "*",
        "/v2/p/apic", "//", "/v3/auth", "/livez/", String(repeating: "/a", count: 5000),
    ])
    func nowhere(path: String) {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "x"] {
            guard case .nothing = tree.find(method, path) else {
                Issue.record("\(method) \(path) leads somewhere")
                continue
            }
        }
    }

    @Test("other methods on a known path", arguments: ["HEAD", "OPTIONS", "PATCH", "TRACE", "DELETE", "get", ""])
    func otherMethods(method: String) {
        guard case .otherMethods(let allowed) = tree.find(method, "/v2/p/apic/instances/i/signs") else {
            Issue.record("\(method) is served")
            return
        }
        #expect(allowed == ["GET", "POST"])
    }

    @Test("identity paths with and without a slash, probes")
    func identity() {
        for (method, path) in [
            ("GET", "/"), ("GET", "/v3"), ("GET", "/v3/"), ("POST", "/v3/auth/tokens"), ("HEAD", "/v3/auth/tokens"),
            ("GET", "/v3/projects/"), ("GET", "/v3/projects/abc"), ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics"),
        ] {
            guard case .found = tree.find(method, path) else {
                Issue.record("\(method) \(path) is not served")
                continue
            }
        }
    }

    @Test("forms of ids", arguments: [
        ("a", true), ("0b0e8f456b8742218af75f945307173c", true), ("f0fa1789-3b76-433b-a787-9892951c620e", true), ("A_-9", true),
        (String(repeating: "a", count: 65), true), (String(repeating: "a", count: 66), false), ("", false), ("a b", false),
        ("a/b", false), ("a.b", false), ("密", false), ("a\u{0}", false), ("'", false),
    ])
    func ids(text: String, good: Bool) { #expect(ManagementResponder.isID(text) == good) }
}
