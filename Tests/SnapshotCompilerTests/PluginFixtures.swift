import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

/// One compiler with its runtime state, a clock, and requests to put through stages.
final class PluginBench {
    let registry = RuntimeRegistry()
    let settings = InstanceSettings(instanceID: "i")
    /// Milliseconds.
    var now: UInt64 = 1_000_000
    let scratch = StageScratch(nodeName: "node-1", nodeAddress: "10.0.0.100")

    func policies(
        _ type: PluginType, _ content: String, plugin: String = "p1", publication: String = "pub1", method: HTTPMethod = .get
    ) throws -> RoutePolicies {
        let definition = APIDefinition(
            name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: method, reqURI: "/a", authType: .none, backendType: .mock)
        let api = PublishedAPI(
            publicationID: publication, apiID: "api1", instanceID: "i", groupID: "g", groupName: "group", environmentID: "e",
            environmentName: "RELEASE", definition: definition,
            plugins: [
                Plugin(
                    id: plugin, instanceID: "i", name: "plug", type: type, scope: "global", content: content, remark: "", romaAppID: "",
                    createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
            ])
        return try PolicyCompiler(registry: registry).compile(api, settings: settings)
    }

    func values(_ text: String = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", from address: String = "192.0.2.1") -> RequestValues {
        let head = RequestHead()
        let progress = Array(text.utf8).withUnsafeBytes { head.feed($0) }
        guard case .complete = progress, head.normalizePath(keepsEscapes: false) else { preconditionFailure("not a request: \(text)") }
        let facts = RequestFacts(
            head: head, peer: IPAddress(address)!, clientAddress: IPAddress(address)!, usesTLS: false, nowMilliseconds: 1_704_164_645_000,
            nowNanoseconds: now * 1_000_000, requestID: RequestID(high: 1, low: 2))
        return RequestValues(
            facts: facts,
            identity: RouteIdentity(
                apiID: "api1", apiName: "api", groupID: "g", groupName: "group", environmentID: "e", environmentName: "RELEASE", publishID: "pub1"),
            scratch: scratch)
    }
}

func response(_ text: String) -> ResponseHead {
    let head = ResponseHead()
    guard case .complete = Array(text.utf8).withUnsafeBytes({ head.feed($0) }) else { preconditionFailure("not an answer: \(text)") }
    return head
}

/// Every line that would be sent, in order, as `name: value`.
func lines(_ head: MessageHead) -> [String] {
    (0..<head.fieldCount).filter { !head.isRemoved(at: $0) }.map { "\(head.name(at: $0).string): \(head.value(at: $0).string)" }
        + head.added.map { String(decoding: $0.name, as: UTF8.self) + ": " + String(decoding: $0.value, as: UTF8.self) }
}
