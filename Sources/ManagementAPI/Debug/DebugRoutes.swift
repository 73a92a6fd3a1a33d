import ControlPlane
import GatewayModel
import WireContract

extension OperationRoutes {
    /// Debugging of APIs: the described request really goes through this gateway (management-api.md, 3.8).
    public mutating func addDebugging(_ plane: ControlPlane, _ send: @escaping DebugSender) {
        on(.debugApiV2, body: Wire.ApiDebugInfo.self) { call -> Wire.DebugApiV2Response in
            let request = try DebugRequest(call.body)
            let apiID = call.id("api_id")
            let target: DebugTarget
            do {
                target = try await plane.debugTarget(
                    call.call, apiID: apiID, mode: request.mode, stage: request.stage, domain: request.domain,
                    applicationKey: request.applicationKey)
            } catch OperationError.cannotServe(let field, let reason) {
                throw Self.refusal("\(field): \(reason)")
            }
            let began = ControlPlane.wallClock()
            let (head, bytes) = try request.message(to: target, at: began.seconds)
            let answer = await send(
                DebugMessage(
                    bytes: bytes, usesTLS: request.usesTLS, source: call.head.source, apiID: apiID, target: target,
                    answerLimit: DebugRequest.bodyLimit))
            guard let answer else { throw Self.refusal("the gateway gave no answer in time") }
            var response = String(decoding: answer.head + answer.body, as: UTF8.self)
            if answer.isTruncated { response += "[TRUNCATED]" }
            return Wire.DebugApiV2Response(
                request: head + String(decoding: bytes.dropFirst(head.utf8.count), as: UTF8.self), response: response,
                latency: answer.milliseconds, log: Self.log(request, target, answer, began))
        }
    }

    private static func refusal(_ reason: String) -> Refusal { Refusal(.apig2030, text: "Bad request for debugging the API. \(reason)") }

    /// What happened, a line each.
    private static func log(
        _ request: DebugRequest, _ target: DebugTarget, _ answer: DebugAnswer, _ began: Timestamp
    ) -> String {
        let status = String(decoding: answer.head.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let definition = request.mode == .developer ? "the draft" : "the definition in force in \(target.stage)"
        return [
            "\(began.inNanoseconds) debugging \(definition) of the API \(target.apiName) of the group \(target.groupName)",
            "sent over \(request.usesTLS ? "HTTPS" : "HTTP") to \(target.host)",
            answer.reachedAPI
                ? "host, path and method lead to the API" : "host, path and method do not lead to the API",
            "answered after \(answer.milliseconds) ms: \(status), \(answer.body.count) bytes\(answer.isTruncated ? " and more" : "")",
        ].joined(separator: "\n")
    }
}
