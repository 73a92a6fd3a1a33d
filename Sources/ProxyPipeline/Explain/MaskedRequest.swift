import GatewayPrimitives

/// A request head as an explanation shows it: what proves somebody's identity is masked.
public enum MaskedRequest {
    private static let secretHeaders: Set<String> = [
        "authorization", "proxy-authorization", "x-auth-token", "x-access-token", "x-apig-appcode", "x-hw-appkey", "apikey", "cookie",
        "set-cookie", "x-security-token",
    ]
    private static let secretParameters: Set<String> = ["apikey", "access_token", "token", "password", "secret"]
    static let mask = "***"

    /// - Parameter name: lower case.
    static func isSecret(header name: [UInt8]) -> Bool { secretHeaders.contains(String(decoding: name, as: UTF8.self)) }

    static func isSecret(parameter name: [UInt8]) -> Bool {
        secretParameters.contains(String(decoding: name, as: UTF8.self).lowercased())
    }

    /// - Parameters:
    ///   - head: an HTTP/1.1 request head, as it is sent.
    ///   - secret: further header names (lower case) whose values are secret.
    public static func text(_ head: UnsafeRawBufferPointer, secret: Set<String> = []) -> String {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        var shown: [String] = []
        for (index, line) in lines.enumerated() {
            if index == 0 {
                shown.append(maskedTarget(String(line)))
            } else if let colon = line.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                let isSecret = secretHeaders.contains(name) || secret.contains(name)
                shown.append("\(line[..<colon]): \(isSecret ? masked(String(value)) : String(value))")
            } else {
                shown.append(String(line))
            }
        }
        return shown.joined(separator: "\r\n")
    }

    /// The scheme stays, and of a signature everything but the signature.
    private static func masked(_ value: String) -> String {
        if let signature = value.ranges(of: "Signature=").last { return value[..<signature.upperBound] + mask }
        let words = value.split(separator: " ", maxSplits: 1)
        return words.count == 2 && ["basic", "bearer"].contains(words[0].lowercased()) ? "\(words[0]) \(mask)" : mask
    }

    private static func maskedTarget(_ line: String) -> String {
        guard let question = line.firstIndex(of: "?"), let end = line.lastIndex(of: " "), question < end else { return line }
        let pairs = line[line.index(after: question)..<end].split(separator: "&", omittingEmptySubsequences: false)
        let shown = pairs.map { pair -> String in
            guard let equals = pair.firstIndex(of: "=") else { return String(pair) }
            let name = String(decoding: PercentEncoding.decode(Array(pair[..<equals].utf8), plusIsBlank: true), as: UTF8.self)
            return secretParameters.contains(name.lowercased()) ? "\(pair[...equals])\(mask)" : String(pair)
        }
        return line[...question] + shown.joined(separator: "&") + line[end...]
    }
}
