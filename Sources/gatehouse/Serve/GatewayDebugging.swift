import ControlPlane
import GatewayPrimitives
import ProxyServer

/// Carries debugging requests from the management side to the gateway.
enum GatewayDebugging {
    /// Longer than any backend may take (gateway-runtime.md, 4.1).
    private static let timeoutMilliseconds: Int64 = 660_000

    static func sender(_ gateway: ProxyServer) -> DebugSender {
        { message in
            let request = DirectRequest(
                bytes: message.bytes, usesTLS: message.usesTLS, peer: IPAddress(message.source) ?? IPAddress(v4: 0x7F00_0001),
                apiID: message.apiID, snapshot: message.target.snapshot, answerLimit: message.answerLimit,
                timeoutMilliseconds: timeoutMilliseconds)
            guard let answer = try? await gateway.answer(request) else { return nil }
            return DebugAnswer(
                head: answer.head, body: answer.body, isTruncated: answer.isTruncated, reachedAPI: answer.reachedAPI,
                milliseconds: answer.milliseconds)
        }
    }
}
