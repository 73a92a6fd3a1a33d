import GatewayPrimitives
import Snapshot

/// Circuit breaking by a breaker plug-in (gateway-runtime.md, 8.4).
public enum BreakerStage {
    public enum Entry {
        /// The backend is called; its outcome is reported to the pass.
        case closed(BreakerPass)
        /// This answers instead; nil: ``GatewayFailure/breakerOpen``.
        case open(BreakerPolicy.Downgrade?)
    }

    /// Chooses the breaker of the first rule that matches, or the default one, and asks it.
    public static func enter(_ policy: BreakerPolicy, _ values: RequestValues) -> Entry {
        var circuit = policy.otherwise
        for rule in policy.rules where values.evaluate(rule.expression, over: policy.parameters) == .match {
            circuit = rule.circuit
            break
        }
        guard let permit = circuit.state.admit(at: values.now, circuit.threshold) else { return .open(circuit.downgrade) }
        return .closed(BreakerPass(circuit: circuit, permit: permit))
    }
}

/// A call that its breaker let through. Report it once, when the answer's head or the failure is there; a call that the client
/// gave up is not reported.
public struct BreakerPass {
    let circuit: BreakerCircuit
    let permit: BreakerState.Permit

    /// - Parameters:
    ///   - status: of the backend's answer, or of the gateway's own when the backend gave none.
    ///   - timedOut: the backend did not answer in time.
    ///   - backendMilliseconds: from sending the request to the answer's head or the failure.
    ///   - nowNanoseconds: of the same monotonic clock as the request's facts.
    public func report(status: Int, timedOut: Bool, backendMilliseconds: Int, nowNanoseconds: UInt64) {
        let failed: Bool
        switch circuit.failure {
        case .timeout: failed = timedOut
        case .condition(let expression):
            failed = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { area in
                var status = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: area[0..<32]), decimal: status)
                var time = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: area[32..<64]), decimal: backendMilliseconds)
                let views = (status.written, time.written)
                return expression.evaluate { $0 == 0 ? views.0.buffer : views.1.buffer } == .match
            }
        }
        circuit.state.record(permit, failed: failed, at: Int64(nowNanoseconds / 1_000_000), circuit.threshold)
    }
}

extension ByteWriter {
    fileprivate init(_ area: UnsafeMutableRawBufferPointer, decimal: Int) {
        self.init(area)
        append(decimal: max(0, decimal))
    }

    fileprivate var written: ByteView { mutating get { view(0, count) } }
}
