import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// Where a rehearsed request leaves the way of others: it never leaves the process (``Rehearsal``).
extension ClientConnection {
    /// Tells the rehearsal how the request was resolved.
    /// - Returns: false when its host belongs to another instance than the one that is asked about.
    func rehearse(
        _ resolution: Resolution, _ snapshot: GatewaySnapshot, _ head: RequestHead, _ rehearsal: Rehearsal
    ) -> Bool {
        rehearsal.begin(exchange.requestID)
        var route: Route?
        var instance: InstanceContext?
        switch resolution {
        case .route(let found, let context), .preflight(let found, _, let context): (route, instance) = (found, context)
        case .hostFailure(_, _, let context), .token(_, let context): instance = context
        case .failure, .redirect, .healthCheck, .publicKey: instance = snapshot.instance(of: head)
        }
        guard instance == nil || instance?.settings.instanceID == origin?.instanceID else { return false }
        rehearsal.describe(snapshot, head, route: route)
        switch resolution {
        case .redirect: rehearsal.answer(.scheme, "sent to HTTPS")
        case .healthCheck: rehearsal.answer(.request, "the node's own health")
        case .publicKey: rehearsal.answer(.request, "a public key of a signature key")
        case .token: rehearsal.answer(.request, "the token endpoint")
        case .preflight: rehearsal.answer(.preflight, "a preflight is answered by the plug-in")
        case .route, .failure, .hostFailure: break
        }
        return true
    }

    /// What the authentication service is taken to answer.
    func assumedAnswer(_ policy: ThirdAuthPolicy, _ rehearsal: Rehearsal) -> SideRequest.Outcome {
        let target = policy.channel.map { "a member of the channel \($0.id)" } ?? policy.upstream.text
        rehearsal.assume(.thirdAuth, "\(target) would be asked and is taken to answer: \(rehearsal.assumptions.thirdAuth)")
        let head = ResponseHead()
        switch rehearsal.assumptions.thirdAuth {
        case .unreachable: return .timedOut
        case .allows:
            head.begin(status: 200)
            if let match = policy.match { head.add(match) }
        case .refuses: head.begin(status: 401)
        }
        return .answered(head: head, body: [])
    }

    /// Shows the request instead of sending it.
    func rehearse(_ backend: HTTPBackend, _ rehearsal: Rehearsal) {
        guard let head, let captures = exchange.captures else { return fail(.internalError) }
        var destination = Rehearsal.Destination(kind: backend.upstream.speaksHTTP2 ? .grpc : .http)
        if let channel = backend.channel {
            destination.channelID = channel.id
            let selection = channel.health.map { loop.selection(of: channel, $0).1 } ?? channel.everybody
            guard let members = members(of: selection, channel) else { return fail(.noMember) }
            destination.addresses = members.map { $0.upstream(of: backend.upstream).text }
        } else {
            destination.addresses = [backend.upstream.text]
        }
        var request = ByteBuffer()
        if let failure = write(head, backend, captures, to: &request) { return fail(failure) }
        var secret: Set<String> = []
        if exchange.route?.policies.signing != nil, let name = exchange.instance?.settings.backendSignHeader {
            secret = [String(decoding: name, as: UTF8.self)]
            rehearsal.pass(.signature, "the request to the backend is signed")
        }
        destination.request = request.withUnsafeReadableBytes { MaskedRequest.text($0, secret: secret) }
        if backend.upstream.speaksHTTP2 {
            destination.request = Array(destination.request.utf8).withUnsafeBytes {
                HTTP2RequestFields(ByteView($0))?.lines(usesTLS: backend.upstream.usesTLS) ?? ""
            }
        }
        rehearsal.send(to: destination, destination.addresses.joined(separator: ", "))
        let answer = exchange.ownAnswer
        answer.begin(status: 200)
        send(answer, [], failure: nil)
    }

    /// Shows the event instead of sending it.
    func rehearse(_ backend: FunctionBackend, _ event: ByteScratch, _ rehearsal: Rehearsal) {
        var destination = Rehearsal.Destination(kind: .function)
        destination.addresses = [backend.function.upstream.text]
        let request = ByteScratch()
        FunctionCall.writeHead(
            backend.function, eventCount: event.count, requestID: exchange.requestID, hop: exchange.hop ?? exchange.route?.hop ?? [],
            to: request)
        destination.request = MaskedRequest.text(request.bytes) + String(decoding: event.bytes, as: UTF8.self)
        rehearsal.send(to: destination, destination.addresses.joined(separator: ", "))
        let answer = exchange.ownAnswer
        answer.begin(status: 200)
        send(answer, [], failure: nil)
    }

    /// Whom the strategy would choose from: the one of a hash, or all whose turn it may be. nil: nobody may be asked.
    private func members(of selection: MemberSelection, _ channel: BalancedChannel) -> [BalancedMember]? {
        switch channel.strategy {
        case .sourceHash, .uriHash: return selection.choose(hash: balanceKey(channel), tried: []).map { [$0] }
        case .roundRobin, .leastConnections: return selection.chosen.isEmpty ? nil : selection.chosen
        }
    }
}

extension Upstream {
    fileprivate var text: String {
        "\(usesTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
