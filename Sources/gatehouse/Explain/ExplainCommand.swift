import ArgumentParser
import Foundation

/// Asks a running gateway what it would do with a request.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what the running gateway would do with a request, and why. Nothing is counted, and no backend is called.",
        discussion: """
            gatehouse explain --data-dir ./var GET https://<group id>.apic.localhost/v1/items?x=1 -H 'X-Stage: TEST'
            """)

    enum Answer: String, ExpressibleByArgument { case allow, deny, unreachable }

    @Option(name: .customLong("data-dir"), help: "The gateway's data folder; its credentials.json says where and as whom to ask.")
    var dataFolder: String
    @Argument(help: "GET, POST, ...") var method: String
    @Argument(help: "http:// or https:// URL, as a client would call it.") var url: String
    @Option(name: [.customShort("H"), .customLong("header")], help: "A header line; may be given several times.")
    var headers: [String] = []
    @Option(name: [.customShort("d"), .customLong("data")], help: "The body.") var body: String?
    @Option(name: .customLong("source-ip"), help: "Address of the client; this machine's without it.") var source: String?
    @Option(help: "Id of the application that calls, in place of what the request carries.") var app: String?
    @Option(help: "Name of the user that calls, in place of what the request carries.") var user: String?
    @Option(name: .customLong("third-auth"), help: "What third_auth services are taken to answer: allow, deny, unreachable.")
    var thirdAuth: Answer = .allow
    @Option(help: "What custom authorizers are taken to answer.") var authorizer: Answer = .allow
    @Option(name: .customLong("instance"), help: "Id of the instance; that of credentials.json without it.") var instanceID: String?
    @Flag(help: "Print the management call's JSON.") var json = false

    func run() async throws {
        let client = try ManagementClient(dataFolder: dataFolder)
        guard let target = URLComponents(string: url), let scheme = target.scheme?.uppercased(), ["HTTP", "HTTPS"].contains(scheme),
            let host = target.host, !host.isEmpty
        else { throw PlainFailure("\(url) is no http:// or https:// URL") }
        let path = target.percentEncodedPath.isEmpty ? "/" : target.percentEncodedPath
        var question: [String: Any] = [
            "scheme": scheme, "host": target.port.map { "\(host):\($0)" } ?? host, "method": method,
            "path": target.percentEncodedQuery.map { "\(path)?\($0)" } ?? path, "third_auth": thirdAuth.rawValue,
            "authorizer": authorizer.rawValue,
        ]
        question["headers"] = try headers.map { line in
            guard let colon = line.firstIndex(of: ":") else { throw PlainFailure("\(line) is no header line") }
            return [
                "name": String(line[..<colon]),
                "value": line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces),
            ]
        }
        question["body"] = body
        question["source_ip"] = source
        if let app { question["caller"] = ["app_id": app] }
        if let user { question["caller"] = ["user_name": user] }
        let answer = try await client.call(
            "POST", "/instances/\(instanceID ?? client.credentials.instanceID)/explain", body: question)
        if json {
            print(String(decoding: answer, as: UTF8.self))
        } else {
            print(try JSONDecoder().decode(Account.self, from: answer).text)
        }
    }
}

/// The management call's answer, as far as it is printed.
private struct Account: Decodable {
    struct Candidate: Decodable {
        let api_name, env_name, req_method, req_uri, match_mode, reason, detail: String
    }
    struct Step: Decodable {
        let stage, verdict: String
        let object_type, object_id, object_name, detail: String?
    }
    struct Backend: Decodable {
        let type: String
        let addresses: [String]
        let request: String
    }
    struct Answer: Decodable {
        let status: Int?
        let error_code: String?
        let body: String?
    }
    let outcome: String
    let revision: Int
    let candidates: [Candidate]
    let candidate_count: Int
    let steps: [Step]
    let backend: Backend?
    let answer: Answer?

    var text: String {
        var lines = ["outcome    \(outcome) at revision \(revision)", "", "candidates (\(candidate_count))"]
        for candidate in candidates {
            lines.append(
                "  \(candidate.reason == "chosen" ? "*" : " ") \(candidate.req_method) \(candidate.req_uri) "
                    + "(\(candidate.match_mode), \(candidate.env_name)) \(candidate.api_name): \(candidate.detail)")
        }
        lines += ["", "stages"]
        for step in steps {
            let object = step.object_id.map { " by \(step.object_type ?? "") \(step.object_name ?? "") (\($0))" } ?? ""
            let detail = (step.detail ?? "").isEmpty ? "" : ": \(step.detail ?? "")"
            lines.append("  \(step.stage) \(step.verdict)\(object)\(detail)")
        }
        if let backend {
            lines += ["", "backend    \(backend.type) \(backend.addresses.joined(separator: ", "))"]
            if !backend.request.isEmpty {
                lines += backend.request.split(separator: "\r\n").map { "  \($0)" }
            }
        }
        if let answer {
            lines += ["", "answer     \(answer.status.map(String.init) ?? "")"]
            if let body = answer.body, !body.isEmpty { lines.append("  \(body)") }
        }
        return lines.joined(separator: "\n")
    }
}
