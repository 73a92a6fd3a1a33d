import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// The token endpoint: reads the whole request, which is short, and answers it.
extension ClientConnection {
    private static let tokenLines = [
        HeaderLine(name: Array("Content-Type".utf8), value: Array("application/json".utf8)),
        HeaderLine(name: Array("Cache-Control".utf8), value: Array("no-store".utf8)),
    ]

    func beginToken(_ head: RequestHead, _ policy: AppTokenPolicy, _ instance: InstanceContext) {
        exchange.instance = instance
        if let failure = TokenEndpoint.refusal(head) { return fail(.callerRefused(.token(failure))) }
        if case .length(let count) = head.framing, count > TokenEndpoint.bodyBound { return fail(.bodyTooLarge) }
        body = BodyReader(head.framing, limit: TokenEndpoint.bodyBound)
        exchange.callers = loop.snapshot.callers
        exchange.wantedBytes = TokenEndpoint.bodyBound
        exchange.gate = .requestingToken(policy)
    }

    /// The body is here as a whole.
    func answerToken(_ policy: AppTokenPolicy) {
        guard let head, let instance = exchange.instance, let callers = exchange.callers else { return fail(.internalError) }
        exchange.gate = .open
        let address = ClientAddress.of(head, peer: peer, source: instance.settings.clientAddress)
        let failures = loop.configuration.tokenFailures, now = Int64(loop.eventTime / 1_000_000)
        // The right secret too: an answer that differs would say that it was guessed.
        if failures.isBlocked(address, at: now) { return fail(.callerRefused(.token(.blocked))) }
        let endpoint = TokenEndpoint(
            policy, instanceID: instance.settings.instanceID, directory: callers, uses: loop.uses, wall: LoopState.wallMilliseconds(),
            address: address, scratch: loop.sideScratch)
        let granted = exchange.collected.withUnsafeBytes { body in
            Result { () throws(TokenFailure) in try endpoint.answer(head, body: body) }
        }
        switch granted {
        case .failure(let failure):
            if failure == .wrongCredentials || failure == .malformedCredentials { failures.recordFailure(of: address, at: now) }
            fail(.callerRefused(.token(failure)))
        case .success(let text):
            let answer = exchange.ownAnswer
            answer.begin(status: 200)
            for line in Self.tokenLines { answer.add(line) }
            send(answer, text, failure: nil)
        }
    }
}
