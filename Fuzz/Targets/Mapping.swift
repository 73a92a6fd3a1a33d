import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler

/// A route that moves, adds and holds back parameters of every kind.
private let route: Route = {
    func parameter(_ name: String, _ location: ParameterLocation, pass: Bool = true, value: String? = nil) -> RequestParameter {
        RequestParameter(
            id: "", name: name, type: "STRING", location: location, required: location == .path, defaultValue: value, passThrough: pass,
            orchestrations: nil)
    }
    func mapped(
        _ name: String, _ location: ParameterLocation, _ origin: BackendParameter.Origin, _ value: String
    ) -> BackendParameter { BackendParameter(id: "", origin: origin, name: name, location: location, value: value) }
    var definition = APIDefinition(
        name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .any, reqURI: "/a/{p}", matchMode: .normal, authType: .none,
        backendType: .http)
    definition.requestParameters = [
        parameter("p", .path), parameter("q", .query, pass: false), parameter("r", .query, value: "d&f"),
        parameter("x-h", .header), parameter("x-i", .header, pass: false, value: "d"),
    ]
    definition.backendParameters = [
        mapped("seg", .path, .request, "q"), mapped("tail", .path, .request, "p"), mapped("X-Q", .header, .request, "q"),
        mapped("h", .query, .request, "x-h"), mapped("X-Fixed", .header, .constant, "fixed"), mapped("c", .query, .constant, "a=b"),
        mapped("X-Path", .header, .system, "$context.apiName"),
    ]
    definition.http = HTTPBackendDefinition(
        id: "", reqProtocol: "HTTP", reqMethod: .any, reqURI: "/b/{seg}/x{tail}y", address: "backend:80", timeoutMilliseconds: 5000)
    let api = PublishedAPI(
        publicationID: "p", apiID: "api1", instanceID: "i", groupID: "g", groupName: "group", environmentID: "e",
        environmentName: "RELEASE", definition: definition)
    // The definition is fixed: that it compiles is seen with the first input.
    return try! RouteCompiler(policies: PolicyCompiler()).compile(api, settings: InstanceSettings(instanceID: "i"))
}()

/// Whatever a client sends, the backend gets one request with one line of each name that the gateway sets, and nothing that is held back.
let parameterMapping: FuzzTarget = { input in
    let head = RequestHead()
    let captures = RouteCaptures()
    guard case .complete = head.feed(input), head.normalizePath(keepsEscapes: false),
        RouteTable().inserting(route).match(path: head.path.buffer, method: nil, captures: captures) != nil
    else { return }
    let peer = IPAddress(v4: 0xC000_0201)
    let values = RequestValues(
        facts: RequestFacts(
            head: head, peer: peer, clientAddress: peer, usesTLS: false, nowMilliseconds: 1_704_164_645_000, nowNanoseconds: 1_000_000,
            requestID: RequestID(high: 1, low: 2)),
        identity: route.identity, scratch: StageScratch(nodeName: "node-1", nodeAddress: "10.0.0.100"))
    let parameters = MappedRequest()
    var outcome = Pipeline.Outcome()
    let destination = Pipeline.destination(
        route, head, InstanceContext(InstanceSettings(instanceID: "i")), values: values, captures: captures, parameters: parameters, outcome: &outcome)
    guard case .choice(let choice) = destination, let mapping = choice.mapping, case .http(let backend) = choice.backend else { return }
    guard parameters.map(mapping, values, captures) == nil else { return }
    let request = ForwardedRequest(
        backend: backend, captures: captures, framing: head.framing, peerText: Array("192.0.2.1".utf8), clientText: nil,
        listenerPort: 80, usesTLS: false, requestID: RequestID(high: 1, low: 2))
    request.parameters = parameters
    let area = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.bound(head, request), alignment: 8)
    defer { area.deallocate() }
    var writer = ByteWriter(area)
    guard (try? RequestWriter.write(head, request, to: &writer)) != nil else { return }
    hold(!writer.overflowed, "the bound is too small")
    let read = RequestHead()
    guard case .complete(let consumed) = read.feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(area)[..<writer.count])) else {
        // Lines that were added may lift a head above the limits of what is read here.
        return hold(writer.count > 32 * 1024 || head.fieldCount > HTTPLimits.fieldCount - 16, "not a request any more")
    }
    hold(consumed == writer.count, "one request became two")
    hold(read.rawPath.hasPrefix(ByteView("/b/")), "another path")
    hold(read.rawPath.buffer.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).count == 4, "another depth")
    func lines(_ name: StaticString) -> [ByteView] {
        (0..<read.fieldCount).filter { read.name(at: $0).equalsIgnoringCase(ByteView(name)) }.map { read.value(at: $0) }
    }
    hold(lines("x-fixed").count == 1 && lines("x-fixed")[0].equals("fixed"), "the constant is not alone")
    hold(lines("x-path").count == 1 && lines("x-path")[0].equals("api"), "the system parameter is not alone")
    hold(lines("x-i").isEmpty && lines("x-h").isEmpty, "what was moved or held back is there")
    hold(lines("host").count == 1 && lines("host")[0].equals("backend:80"), "another host")
}
