import HTTPTypes

/// Headers of the management API.
enum RequestHeaders {
    /// Longest path with query, in bytes.
    static let targetLimit = 8192
    /// Largest body, in bytes (management-api.md, 4.2).
    static let bodyLimit = 12 * 1024 * 1024

    /// Bodies are UTF-8: any other charset is refused, so that nobody reads the bytes differently.
    static func checkCharset(_ contentType: String) throws(ManagementFailure) {
        for parameter in contentType.lowercased().split(separator: ";").dropFirst() {
            let halves = parameter.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, halves[0].filter({ $0 != " " }) == "charset" else { continue }
            let charset = halves[1].filter { $0 != " " && $0 != "\"" }
            guard charset == "utf-8" || charset == "utf8" else { throw .wrongCharset }
        }
    }
}

extension HTTPField.Name {
    static func known(_ name: String) -> HTTPField.Name {
        guard let made = HTTPField.Name(name) else {
            // Called with literals of this target only.
            preconditionFailure("\(name) is not a header name")
        }
        return made
    }

    static let requestID = known("X-Request-Id")
    static let authToken = known("X-Auth-Token")
    static let subjectToken = known("X-Subject-Token")
    static let signedDate = known("X-Sdk-Date")
    static let signedBodyHash = known("X-Sdk-Content-Sha256")
    static let signedProject = known("X-Project-Id")
    static let revision = known("X-Gatehouse-Revision")
    static let notice = known("X-Gatehouse-Notice")
    static let openStackVary = known("Vary")
}
