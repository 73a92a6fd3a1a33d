import GatewayModel
import GatewayPrimitives
import ProxyPipeline
import Snapshot
import SnapshotCompiler
import Testing

/// Definitions compiled, and what is written to the backend for requests to them.
struct MappingBench {
    let route: Route
    let scratch = StageScratch(nodeName: "node-1", nodeAddress: "10.0.0.100")
    var keepsEscapes = false
    var frontend: AuthorizerContext?

    init(
        _ requestParameters: [RequestParameter] = [], _ backendParameters: [BackendParameter] = [], path: String = "/a",
        to backendPath: String = "/b", matchMode: PathMatchMode = .normal, rules: [OrchestrationRule] = [],
        change: (inout APIDefinition) -> Void = { _ in }
    ) throws {
        var definition = APIDefinition(
            name: "api", groupID: "g", type: 1, reqProtocol: .both, reqMethod: .any, reqURI: path, matchMode: matchMode, authType: .none,
            backendType: .http)
        definition.requestParameters = requestParameters
        definition.backendParameters = backendParameters
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .any, reqURI: backendPath, address: "backend:80", timeoutMilliseconds: 5000)
        change(&definition)
        var api = PublishedAPI(
            publicationID: "p", apiID: "api1", instanceID: "i", groupID: "g", groupName: "group", environmentID: "e",
            environmentName: "RELEASE", definition: definition)
        for rule in rules { api.orchestrations[rule.id] = rule }
        route = try RouteCompiler(policies: PolicyCompiler()).compile(api, settings: InstanceSettings(instanceID: "i"))
    }

    enum Outcome {
        case refused(GatewayFailure)
        case mock(MockBackend)
        case sent(Sent)

        var sent: Sent? { if case .sent(let sent) = self { sent } else { nil } }
        var refused: GatewayFailure? { if case .refused(let failure) = self { failure } else { nil } }
    }

    /// The way of a request from its head to the backend.
    func send(_ target: String, _ lines: [String] = [], method: String = "GET", from address: String = "192.0.2.1") -> Outcome {
        send(Array("\(method) \(target) HTTP/1.1\r\nHost: front\r\n\(lines.map { $0 + "\r\n" }.joined())\r\n".utf8), from: address)
    }

    func send(_ bytes: [UInt8], from address: String = "192.0.2.1") -> Outcome {
        let head = RequestHead()
        let captures = RouteCaptures()
        guard case .complete = bytes.withUnsafeBytes({ head.feed($0) }), head.normalizePath(keepsEscapes: keepsEscapes),
            RouteTable().inserting(route).match(path: head.path.buffer, method: .get, captures: captures) != nil
        else { preconditionFailure("not a request to the route: \(String(decoding: bytes, as: UTF8.self))") }
        let peer = IPAddress(address)!
        let values = RequestValues(
            facts: RequestFacts(
                head: head, peer: peer, clientAddress: peer, usesTLS: false, nowMilliseconds: 1_704_164_645_000, nowNanoseconds: 1_000_000,
                requestID: RequestID(high: 1, low: 2)),
            identity: route.identity, scratch: scratch)
        values.frontendContext = frontend
        let parameters = route.backends.reading == nil ? nil : MappedRequest()
        var outcome = Pipeline.Outcome()
        switch Pipeline.destination(
            route, head, InstanceContext(InstanceSettings(instanceID: "i")), values: values, captures: captures, parameters: parameters, outcome: &outcome)
        {
        case .refuse(let failure): return .refused(failure)
        case .mock(let mock): return .mock(mock)
        case .forward, .function: preconditionFailure("there is no breaker")
        case .choice(let choice):
            if let mapping = choice.mapping, let failure = parameters?.map(mapping, values, captures) { return .refused(failure) }
            switch choice.backend {
            case .mock(let mock): return .mock(mock)
            case .function: preconditionFailure("there is no function")
            case .http(let backend):
                let request = ForwardedRequest(
                    backend: backend, captures: captures, framing: head.framing, peerText: Array(address.utf8), clientText: nil,
                    listenerPort: 80, usesTLS: false, requestID: values.facts.requestID)
                request.defaultContentType = route.policies.defaultContentType
                if choice.mapping != nil { request.parameters = parameters }
                let area = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.bound(head, request), alignment: 8)
                defer { area.deallocate() }
                var writer = ByteWriter(area)
                let failed = (try? RequestWriter.write(head, request, to: &writer)) == nil
                #expect(!failed && !writer.overflowed, "the bound is too small")
                let read = RequestHead()
                let written = Array(area[0..<writer.count])
                guard case .complete = written.withUnsafeBytes({ read.feed($0) }), read.normalizePath(keepsEscapes: true) else {
                    Issue.record("not a request: \(String(decoding: written, as: UTF8.self))")
                    return .refused(.internalError)
                }
                return .sent(Sent(read))
            }
        }
    }
}

/// A request as the backend reads it.
struct Sent {
    let target: String
    let headers: [(name: String, value: [UInt8])]
    var path: String { String(target.prefix { $0 != "?" }) }

    init(_ head: RequestHead) {
        target = head.target.string
        headers = (0..<head.fieldCount).map { (head.name(at: $0).string, head.value(at: $0).array) }
    }

    func all(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}

func parameter(
    _ name: String, _ location: ParameterLocation = .query, pass: Bool = true, default value: String? = nil,
    required: Bool = false, rules: [String]? = nil
) -> RequestParameter {
    RequestParameter(
        id: "", name: name, type: "STRING", location: location, required: required || location == .path, defaultValue: value,
        passThrough: pass, orchestrations: rules)
}

func mapped(
    _ name: String, _ location: ParameterLocation, _ origin: BackendParameter.Origin, _ value: String
) -> BackendParameter { BackendParameter(id: "", origin: origin, name: name, location: location, value: value) }

func mapped(_ name: String, _ location: ParameterLocation, _ source: String) -> BackendParameter {
    mapped(name, location, .request, source)
}
