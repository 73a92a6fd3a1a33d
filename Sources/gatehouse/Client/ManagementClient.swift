import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Calls the management API of the gateway that runs on a data folder, as the user of its credentials.json.
struct ManagementClient {
    let credentials: Credentials

    /// - Throws: ``PlainFailure`` when the folder has no credentials.
    init(dataFolder: String) throws {
        guard let credentials = Credentials.read(dataFolder + "/credentials.json") else {
            throw PlainFailure("\(dataFolder)/credentials.json cannot be read: has the gateway been started?")
        }
        self.credentials = credentials
    }

    /// - Parameters:
    ///   - path: below `/v2/{project_id}/apic`, with its query.
    ///   - body: JSON; nil: none.
    /// - Returns: the answer with status 200.
    /// - Throws: ``PlainFailure`` with what the gateway refused it with.
    func call(_ method: String, _ path: String, body: [String: Any]? = nil) async throws -> Data {
        let token = try await logIn()
        let (answer, response) = try await send(
            method, "\(credentials.managementEndpoint)/v2/\(credentials.projectID)/apic\(path)", body, token: token)
        guard response.statusCode == 200 else {
            let error = try? JSONDecoder().decode(Refusal.self, from: answer)
            throw PlainFailure("refused with \(response.statusCode): \(error?.text ?? "no reason given")")
        }
        return answer
    }

    private func logIn() async throws -> String {
        let user: [String: Any] = [
            "name": credentials.userName, "password": credentials.password, "domain": ["name": credentials.domainName],
        ]
        let request: [String: Any] = [
            "auth": [
                "identity": ["methods": ["password"], "password": ["user": user]], "scope": ["project": ["id": credentials.projectID]],
            ]
        ]
        let (_, response) = try await send("POST", "\(credentials.iamEndpoint)/auth/tokens", request, token: nil)
        guard response.statusCode == 201, let token = response.value(forHTTPHeaderField: "X-Subject-Token") else {
            throw PlainFailure("the log-in of credentials.json was refused with \(response.statusCode)")
        }
        return token
    }

    private func send(_ method: String, _ address: String, _ body: [String: Any]?, token: String?) async throws -> (Data, HTTPURLResponse) {
        guard let url = URL(string: address) else { throw PlainFailure("\(address) is no URL") }
        var request = URLRequest(url: url)
        request.httpMethod = method
        if let token { request.setValue(token, forHTTPHeaderField: "X-Auth-Token") }
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = try JSONSerialization.data(withJSONObject: body)
        }
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
