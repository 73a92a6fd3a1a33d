import ControlPlane
import GatewayPrimitives
import WireContract

extension OperationRoutes {
    /// What the gateway would do with a request. Nothing is counted, and nobody outside is asked.
    public mutating func addExplaining(_ plane: ControlPlane, _ explain: @escaping Explainer) {
        on(.explainRequest, body: Wire.ExplainRequest.self) { call -> Wire.Explanation in
            if let id = call.body.caller?.appId { try await plane.checkCallingApplication(call.call, id: id) }
            let question = try ExplainQuestion(call.body, instanceID: call.call.instanceID, projectID: call.call.projectID)
            guard let answer = try await explain(question) else {
                throw OperationError.cannotServe(field: "path", reason: "the gateway gave no answer in time")
            }
            return Wire.Explanation(answer)
        }
    }
}

extension ExplainQuestion {
    /// - Throws: ``OperationError/invalid(field:)`` for what no client could send.
    init(_ wire: Wire.ExplainRequest, instanceID: String, projectID: String) throws(OperationError) {
        let method = wire.method ?? "", path = wire.path ?? "", host = wire.host ?? ""
        guard Self.isToken(method) else { throw .invalid(field: "method") }
        guard path.utf8.first == UInt8(ascii: "/"), Self.isVisible(path) else { throw .invalid(field: "path") }
        guard !host.isEmpty, Self.isVisible(host) else { throw .invalid(field: "host") }
        let source = wire.sourceIp ?? ""
        guard source.isEmpty || IPAddress(source) != nil else { throw .invalid(field: "source_ip") }
        let body = Array((wire.body ?? "").utf8)
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"]
        for header in wire.headers ?? [] {
            let name = header.name ?? "", value = header.value ?? ""
            guard Self.isToken(name), !Self.framing.contains(name.lowercased()) else { throw .invalid(field: "headers.name") }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { throw .invalid(field: "headers.value") }
            lines.append("\(name): \(value)")
        }
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) { lines.append("Content-Length: \(body.count)") }
        let caller: Caller =
            switch (wire.caller?.appId, wire.caller?.userName) {
            case (nil, nil): .carried
            case (let id?, nil): .application(id: id)
            case (nil, let name?): .user(name: name)
            case (_?, _?): throw .invalid(field: "caller")
            }
        var context: [String: String] = [:]
        for entry in wire.authorizerContext ?? [] {
            guard let name = entry.name, context.updateValue(entry.value ?? "", forKey: name) == nil else {
                throw .invalid(field: "authorizer_context")
            }
        }
        self.init(
            bytes: Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, usesTLS: wire.scheme != "HTTP", source: source,
            instanceID: instanceID, projectID: projectID, caller: caller,
            thirdAuth: wire.thirdAuth.flatMap(ServiceAnswer.init) ?? .allow,
            authorizer: wire.authorizer.flatMap(ServiceAnswer.init) ?? .allow, authorizerContext: context)
    }

    /// What says where a message ends belongs to this call.
    private static let framing: Set<String> = ["host", "connection", "content-length", "transfer-encoding", "expect", "upgrade"]

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
    }

    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
}

extension Wire.Explanation {
    init(_ answer: ExplainAnswer) {
        let refused = answer.steps.contains { $0.verdict == "refused" }
        let isForwarded = answer.backend.map { $0.type != "MOCK" } ?? false
        let text = String(decoding: answer.head, as: UTF8.self)
        let lines = text.split(separator: "\r\n")
        let status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
        self.init(
            revision: Int(answer.revision), requestId: answer.requestID,
            outcome: refused ? "refused" : isForwarded ? "forwarded" : "answered",
            api: answer.api.map { api in
                Wire.ExplainedApi(
                    id: api.id, name: api.name, groupId: api.groupID, groupName: api.groupName, envId: api.environmentID,
                    envName: api.environmentName, publishId: api.publishID)
            },
            candidates: answer.candidates.map { candidate in
                Wire.ExplainedCandidate(
                    apiId: candidate.api.id, apiName: candidate.api.name, envName: candidate.api.environmentName,
                    reqMethod: candidate.method, reqUri: candidate.path, matchMode: candidate.matchMode, reason: candidate.reason,
                    detail: candidate.detail)
            }, candidateCount: answer.candidateCount,
            steps: answer.steps.map { step in
                Wire.ExplainedStep(
                    stage: step.stage, verdict: step.verdict, objectType: step.object?.kind, objectId: step.object?.id,
                    objectName: step.object?.name, detail: step.detail)
            },
            backend: answer.backend.map { backend in
                Wire.ExplainedBackend(
                    type: backend.type, addresses: backend.addresses, vpcChannelId: backend.channelID, request: backend.request)
            },
            // Of a request that is forwarded the backend makes the answer.
            answer: isForwarded && !refused
                ? nil
                : Wire.ExplainedAnswer(
                    status: status, errorCode: Self.code(answer.body),
                    headers: lines.dropFirst().compactMap { line in
                        line.firstIndex(of: ":").map { colon in
                            Wire.ExplainHeader(
                                name: String(line[..<colon]),
                                value: String(line[line.index(after: colon)...].drop { $0 == " " }))
                        }
                    }, body: String(decoding: answer.body, as: UTF8.self)))
    }

    /// `error_code` of the gateway's own body; nil: another body.
    private static func code(_ body: [UInt8]) -> String? {
        let text = String(decoding: body, as: UTF8.self)
        guard text.hasPrefix("{\"error_code\":\"") else { return nil }
        return text.dropFirst("{\"error_code\":\"".count).split(separator: "\"", maxSplits: 1).first.map(String.init)
    }
}
