import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// The authentication service of a third_auth plug-in, while a request waits for it (``ThirdAuthStage``).
extension ClientConnection {
    /// Sends the question; the request's own way goes on in `authenticated`.
    func ask(_ policy: ThirdAuthPolicy) {
        guard let values = exchange.values else { return fail(.internalError) }
        exchange.gate = .asking
        if let rehearsal { return authenticated(policy, assumedAnswer(policy, rehearsal)) }
        clientDeadline = .max
        guard let pool = pool(of: policy) else { return authenticated(policy, .failed(.noMember)) }
        loop.sideScratch.removeAll()
        exchange.collected.withUnsafeBytes { collected in
            ThirdAuthStage.writeRequest(
                policy, values, body: exchange.asksWithBody ? collected : nil, hop: exchange.hop ?? exchange.route?.hop ?? [],
                to: loop.sideScratch)
        }
        let serial = exchange.serial
        let side = SideRequest(
            pool: pool, request: ByteBuffer(bytes: loop.sideScratch.bytes),
            manner: SideRequest.Manner(
                timeoutMilliseconds: policy.timeoutMilliseconds, answersHead: policy.method.elementsEqual("HEAD".utf8))
        ) { outcome in
            guard self.exchange.serial == serial else { return }
            self.exchange.side = nil
            self.authenticated(policy, outcome)
        }
        exchange.side = side
        exchange.deadline = loop.eventTime + nanoseconds(policy.timeoutMilliseconds)
        side.start()
    }

    /// nil: the channel has nobody who may be asked.
    private func pool(of policy: ThirdAuthPolicy) -> UpstreamPool? {
        guard let channel = policy.channel else { return loop.pool(to: policy.upstream) }
        let selection = channel.health.map { loop.selection(of: channel, $0).1 } ?? channel.everybody
        guard let member = selection.choose(hash: balanceKey(channel), tried: []) else { return nil }
        exchange.ask(member)
        return loop.pool(to: member.upstream(of: policy.upstream))
    }

    private func authenticated(_ policy: ThirdAuthPolicy, _ outcome: SideRequest.Outcome) {
        guard let head, let route = exchange.route, let instance = exchange.instance, let values = exchange.values else { return }
        exchange.deadline = .max
        exchange.leaveMember(failed: false)
        let answer: ThirdAuthStage.Answer
        var received: ResponseHead?
        var text: [UInt8] = []
        switch outcome {
        case .timedOut, .tooLong, .failed(.backendUnavailable), .failed(.nameNotResolved), .failed(.backendTimeout):
            answer = .unreachable
        case .failed(.noMember): answer = .noMember
        case .failed, .sent: answer = .malformed
        case .answered(let head, let body):
            answer = .head(head)
            received = head
            text = body
        }
        let verdict = ThirdAuthStage.verdict(
            policy, answer, client: values.facts.clientAddress, nowNanoseconds: loop.eventTime, counts: rehearsal == nil)
        switch verdict {
        case .refuse(let failure, let returnsAnswer):
            if returnsAnswer, let received { send(copyOf: received, text) } else { fail(failure) }
        case .allow(let copies):
            ThirdAuthStage.copyHeaders(policy, from: copies ? received : nil, to: head)
            authorize(head, route, instance)
        }
        resumeBody()
    }
}
