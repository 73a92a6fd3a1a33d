import ArgumentParser
import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

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
        guard let credentials = Credentials.read(dataFolder + "/credentials.json") else {
            throw PlainFailure("\(dataFolder)/credentials.json cannot be read: has the gateway been started?")
        }
        guard let target = URLComponents(string: url), let scheme = target.scheme?.uppercased(), ["HTTP", "HTTPS"].contains(scheme),
            let host = target.host, !host.isEmpty
        else { throw PlainFailure("\(url) is no http:// or https:// URL") }
        let token = try await logIn(credentials)
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
        let (answer, status) = try await post(
            "\(credentials.managementEndpoint)/v2/\(credentials.projectID)/apic/instances/\(instanceID ?? credentials.instanceID)/explain",
            question, token: token)
        guard status == 200 else {
            let error = try? JSONDecoder().decode(Refusal.self, from: answer)
            throw PlainFailure("refused with \(status): \(error?.text ?? "no reason given")")
        }
        if json {
            print(String(decoding: answer, as: UTF8.self))
        } else {
            print(try JSONDecoder().decode(Account.self, from: answer).text)
        }
    }

    private func logIn(_ credentials: Credentials) async throws -> String {
        let user: [String: Any] = [
            "name": credentials.userName, "password": credentials.password, "domain": ["name": credentials.domainName],
        ]
        let request: [String: Any] = [
            "auth": [
                "identity": ["methods": ["password"], "password": ["user": user]], "scope": ["project": ["id": credentials.projectID]],
            ]
        ]
        let (_, response) = try await send("\(credentials.iamEndpoint)/auth/tokens", request, token: nil)
        guard response.statusCode == 201, let token = response.value(forHTTPHeaderField: "X-Subject-Token") else {
            throw PlainFailure("the log-in of credentials.json was refused with \(response.statusCode)")
        }
        return token
    }

    private func post(_ url: String, _ body: [String: Any], token: String) async throws -> (Data, Int) {
        let (data, response) = try await send(url, body, token: token)
        return (data, response.statusCode)
    }

    private func send(_ address: String, _ body: [String: Any], token: String?) async throws -> (Data, HTTPURLResponse) {
        guard let url = URL(string: address) else { throw PlainFailure("\(address) is no URL") }
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        if let token { request.setValue(token, forHTTPHeaderField: "X-Auth-Token") }
        request.httpBody = try JSONSerialization.data(withJSONObject: body)
        do {
            let (data, response) = try await URLSession.shared.data(for: request)
            guard let response = response as? HTTPURLResponse else { throw PlainFailure("\(address) does not speak HTTP") }
            return (data, response)
        } catch let error as PlainFailure {
            throw error
        } catch {
            throw PlainFailure("cannot reach \(address): is the gateway running?")
        }
    }
}

/// An error answer of the management API.
private struct Refusal: Decodable {
    let error_code: String?
    let error_msg: String?

    var text: String { [error_code, error_msg].compactMap(\.self).joined(separator: " ") }
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
        var lines = ["outcome    \(outcome) at revision \(revision)", "", "APIs of the group (\(candidate_count))"]
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
