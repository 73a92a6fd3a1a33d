import GatewayPrimitives
import NIOCore
import ProxyPipeline
import Snapshot

/// What belongs to a call of gRPC besides its being a request.
struct GRPCCall {
    /// Monotonic nanoseconds by which the caller wants it to be over; `.max`: it waits.
    let deadline: UInt64
    var messages: GRPCMessages
    /// With which the backend has ended its stream (RFC 9113, 7); nil: it has not.
    var resetCode: Int?

    /// Says to the backend how much time is left.
    func tell(_ head: RequestHead, now: UInt64) {
        guard deadline != .max else { return }
        GRPCTimeout.name.withUnsafeBytes { head.remove(named: ByteView($0)) }
        head.removeAdded(named: GRPCTimeout.name)
        head.add(HeaderLine(name: GRPCTimeout.name, value: GRPCTimeout.text(deadline > now ? deadline - now : 0)))
    }
}

/// Calls of gRPC (docs/decisions/0027): requests by HTTP/2 to a backend by HTTP/2, whose answers end with trailers. They go through the
/// same steps as any other request; what differs is here.
extension ClientConnection {
    /// The request is at an API of gRPC.
    func beginCall(_ head: RequestHead, _ settings: InstanceSettings) -> GatewayFailure? {
        // A rehearsal asks what would happen to a call that came as it must.
        guard isStream || rehearsal != nil else { return .schemeNotSupported(.grpcs) }
        var deadline = UInt64.max
        if let value = GRPCTimeout.name.withUnsafeBytes({ head.value(named: ByteView($0)) }) {
            guard let timeout = GRPCTimeout.nanoseconds(value) else { return .malformedRequest }
            deadline = exchange.began.addingReportingOverflow(timeout).overflow ? .max : exchange.began + timeout
            // A caller that waits for nothing gets nothing, however fast the backend is.
            guard deadline > exchange.began else { return .backendTimeout }
        }
        exchange.call = GRPCCall(deadline: deadline, messages: GRPCMessages(limit: settings.maxBodyBytes))
        // Each message has the limit, and there may be any number of them.
        body = BodyReader(head.framing)
        return nil
    }

    /// False when a message of a call is too long.
    func acceptsMessages(_ bytes: UnsafeRawBufferPointer) -> Bool { exchange.call?.messages.accept(bytes) ?? true }

    /// The caller waits no longer.
    var isCallOver: Bool {
        guard let call = exchange.call else { return false }
        return loop.eventTime >= call.deadline
    }

    func status(of failure: GatewayFailure) -> GRPCStatus {
        if failure == .backendUnavailable, let code = exchange.call?.resetCode { return GRPCStatus(resetCode: code) }
        return GRPCStatus(failure)
    }

    /// The head of the answer has gone out, and the rest will not come: trailers say why.
    func endCall(_ failure: GatewayFailure) {
        if let connection = exchange.upstream {
            exchange.upstream = nil
            connection.close()
        }
        guard let form = exchange.form, form.framing == .chunked, let frames else { return closeNow() }
        exchange.status = failure.answer.status
        exchange.failure = failure
        let status = status(of: failure)
        exchange.callStatus = status.rawValue
        frames.trailers = status.lines(for: failure)
        out.writeStaticString("0\r\n\r\n")
        closeAfterWriting(lingers: false)
    }
}
