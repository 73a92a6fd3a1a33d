import GatewayPrimitives
import NIOCore
import ProxyPipeline
import RequestSigning
import Snapshot

/// Who calls: the steps of ``CallerStage`` that take time.
extension ClientConnection {
    /// Bytes of a body that a signature may cover; more must be sent as `UNSIGNED-PAYLOAD` (gateway-runtime.md, 2.1).
    static let signedBodyBound = 12 * 1024 * 1024
    /// How long the identity service may take.
    private static let identityNanoseconds: UInt64 = 10_000_000_000

    /// Begins with the head; what the route's later stages want of the body is kept from now on.
    func identify(_ policy: CallerPolicy) {
        guard let head, let route = exchange.route else { return }
        exchange.callers = loop.snapshot.callers
        if let third = route.policies.thirdAuth { exchange.wantedBytes = ThirdAuthStage.carriedBody(third, head.framing) ?? 0 }
        guard let stage = callerStage(policy) else { return fail(.internalError) }
        if let caller = rehearsal?.assumptions.caller { return take(stage.admit(caller)) }
        take(stage.begin())
    }

    private func callerStage(_ policy: CallerPolicy) -> CallerStage? {
        guard let values = exchange.values, let instance = exchange.instance, let callers = exchange.callers else { return nil }
        return CallerStage(
            policy, values, instance: instance, directory: callers, uses: loop.uses, scratch: loop.signingScratch)
    }

    private func take(_ step: CallerStage.Step) {
        switch step {
        case .refuse(let failure): fail(.callerRefused(failure))
        case .lookUp(let question):
            guard hashBody() else { return fail(.bodyTooLarge) }
            lookUp(question)
        case .needsBody(let pending):
            guard hashBody() else { return fail(.bodyTooLarge) }
            exchange.gate = .verifying(pending)
        case .identified(let caller):
            exchange.hasher = nil
            exchange.values?.caller = caller
            rehearsal?.pass(.caller, caller.description)
            guard let route = exchange.route, let values = exchange.values else { return }
            goOn(Pipeline.afterIdentification(route, values: values, outcome: &exchange.outcome))
        }
    }

    /// Sees to it that the body is hashed from its first byte on, and is not too long for that.
    /// - Returns: false when it is known to be too long.
    private func hashBody() -> Bool {
        guard let head, let instance = exchange.instance, exchange.hasher == nil, body.received == 0 else { return true }
        guard head.framing.hasBody, head.value(named: ByteView("x-sdk-content-sha256"))?.equals("UNSIGNED-PAYLOAD") != true,
            head.value(.authorization) != nil || head.value(named: instance.settings.carriers.authHeader) != nil
        else { return true }
        let bound = min(instance.settings.maxBodyBytes, Self.signedBodyBound)
        if case .length(let count) = head.framing, count > bound { return false }
        body = BodyReader(head.framing, limit: bound)
        exchange.hasher = BodyHasher()
        return true
    }

    private func lookUp(_ question: IdentityQuestion) {
        guard let lookup = loop.identities else { return fail(.callerRefused(.identityUnavailable)) }
        exchange.gate = .identifying
        exchange.deadline = loop.eventTime + Self.identityNanoseconds
        clientDeadline = .max
        let serial = exchange.serial
        let eventLoop = loop.eventLoop
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        lookup(question) { answer in
            eventLoop.execute { bound.value.identified(answer, serial: serial) }
        }
    }

    private func identified(_ answer: IdentityAnswer, serial: UInt64) {
        loop.eventBegins()
        guard exchange.serial == serial, case .identifying = exchange.gate, let policy = exchange.route?.policies.callers,
            let stage = callerStage(policy)
        else { return }
        exchange.gate = .open
        exchange.deadline = .max
        take(stage.resume(answer))
        goOnWithBody()
    }

    /// The body is here as a whole.
    func verify(_ pending: CallerStage.Pending) {
        guard let hasher = exchange.hasher, let policy = exchange.route?.policies.callers, let stage = callerStage(policy) else {
            return fail(.internalError)
        }
        exchange.gate = .open
        take(stage.finish(pending, digest: hasher.finish()))
        goOnWithBody()
    }

    /// After a decision that did not come within the reading of the request.
    private func goOnWithBody() {
        if phase == .exchange, case .verifying(let pending) = exchange.gate {
            resumeReading()
            if body.isComplete { verify(pending) } else { bodyIsPartial() }
            return
        }
        resumeBody()
    }
}
