import GatewayModel
import GatewayPrimitives
import Snapshot
import SnapshotCompiler
import Testing

/// Custom authorizers and functions of a published API (gateway-runtime.md, 2.7 and 4.3).
@Suite("authorizers and functions, compiled")
struct AuthorizerTests {
    private static let urn = "urn:f"

    private static func authorizer(ttl: Int = 60, updated: Int64 = 1, urn: String = Self.urn, kind: Authorizer.Kind = .frontend) -> Authorizer {
        Authorizer(
            id: "a", instanceID: "i", name: "auth", kind: kind, functionURN: urn, version: nil, aliasURN: nil,
            identities: [.init(name: "X-Token", location: .header, validation: "^a"), .init(name: "Q", location: .query, validation: nil)],
            ttl: ttl, userData: "u", needsBody: true, createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: updated))
    }

    private static func definition(authType: AuthenticationType = .authorizer, authorizerID: String? = "a") -> APIDefinition {
        APIDefinition(
            name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/a", authType: authType,
            authorizerID: authorizerID, backendType: .function,
            function: FunctionBackendDefinition(id: "f", functionURN: urn, invocationType: "async", timeoutMilliseconds: 700))
    }

    private static func published(_ definition: APIDefinition = definition(), _ authorizer: Authorizer? = authorizer(), environment: String = "e") -> PublishedAPI {
        var api = PublishedAPI(
            publicationID: "p-\(environment)", apiID: "api1", instanceID: "i", groupID: "g", groupName: "g", environmentID: environment,
            environmentName: "RELEASE", definition: definition)
        if let authorizer { api.authorizers["a"] = authorizer }
        return api
    }

    private let compiler: RouteCompiler
    private let settings = InstanceSettings(instanceID: "i")

    init() throws {
        let endpoint = try #require(FunctionEndpoint("https://f.example:9000/run?x=1"))
        compiler = RouteCompiler(policies: PolicyCompiler(functions: FunctionRegistry([Self.urn: endpoint])))
    }

    @Test("where the function is, and what is asked of callers")
    func compiled() throws {
        let route = try compiler.compile(Self.published(), settings: settings)
        let policy = try #require(route.policies.authorizer)
        let target = FunctionTarget(
            upstream: Upstream(usesTLS: true, host: "f.example", port: 9000), hostHeader: Array("f.example:9000".utf8), path: Array("/run?x=1".utf8), urn: Self.urn)
        #expect(policy.function == target && policy.side == .frontend && policy.needsBody && policy.userData == Array("u".utf8))
        #expect(policy.identities.map(\.source) == [.header(Array("x-token".utf8)), .query(Array("Q".utf8))])
        #expect(policy.identities[0].pattern != nil && policy.identities[1].pattern == nil && policy.timeoutMilliseconds == 5000)
        guard case .function(let backend) = route.backends.standard.backend else {
            Issue.record("no function")
            return
        }
        #expect(backend.function == target && backend.isAsync && backend.encodesBody && backend.timeoutMilliseconds == 700)
    }

    @Test("what is remembered belongs to one state of the authorizer in one API and environment")
    func caches() throws {
        func cache(_ api: PublishedAPI) throws -> AuthorizerCache { try #require(try compiler.compile(api, settings: settings).policies.authorizer?.cache) }
        let first = try cache(Self.published())
        #expect(try cache(Self.published()) === first, "compiled again for another reason")
        #expect(try cache(Self.published(Self.definition(), Self.authorizer(updated: 2))) !== first)
        #expect(try cache(Self.published(environment: "other")) !== first)
        let without = try compiler.compile(Self.published(Self.definition(), Self.authorizer(ttl: 0)), settings: settings)
        #expect(without.policies.authorizer?.cache == nil)
    }

    @Test("what cannot be asked is refused with its field")
    func refused() {
        func field(_ api: PublishedAPI) -> String? {
            do throws(CompileDiagnostic) {
                _ = try compiler.compile(api, settings: settings)
                return nil
            } catch { return error.field }
        }
        #expect(field(Self.published(Self.definition(), Self.authorizer(urn: "urn:gone"))) == "authorizer_id")
        #expect(field(Self.published(Self.definition(), nil)) == "authorizer_id")
        #expect(field(Self.published(Self.definition(), Self.authorizer(kind: .backend))) == "authorizer_id")
        #expect(field(Self.published(Self.definition(authorizerID: nil))) == "authorizer_id")
        var gone = Self.definition(authType: .none, authorizerID: nil)
        gone.function?.functionURN = "urn:gone"
        #expect(field(Self.published(gone)) == "function_urn")
        var slow = Self.definition(authType: .none, authorizerID: nil)
        slow.function?.timeoutMilliseconds = 60_001
        #expect(field(Self.published(slow)) == "timeout")
    }
}
