import GatewayPrimitives

/// What an answer of a group may be (gateway-runtime.md, 9.2). Pure.
public enum GroupResponseRules {
    public static let bodyLimit = 20_480
    public static let headerLimit = 10
    private static let nameBytes = ByteSet.lettersAndDigits.union(ByteSet("-_"))

    /// Lines that the gateway writes itself, or that would change where the answer ends.
    private static let reserved: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "server", "te", "trailer", "transfer-encoding",
        "upgrade", "x-request-id",
    ]

    /// - Throws: the first field that does not fit: `status`, `body`, `headers`, `key`, `value`.
    public static func check(_ entry: GroupResponseEntry) throws(InvalidField) {
        if let status = entry.status, !(200...599).contains(status) || status == 444 {
            throw InvalidField(field: "status", reason: "must be 200 to 599, without 444")
        }
        // Answers with these statuses cannot carry a body.
        if entry.status == 204 || entry.status == 205 || entry.status == 304 {
            guard entry.body.isEmpty else { throw InvalidField(field: "body", reason: "an answer with this status has none") }
        } else {
            try checkBody(entry.body)
        }
        guard entry.headers.count <= headerLimit else { throw InvalidField(field: "headers", reason: "at most \(headerLimit)") }
        var seen: Set<String> = []
        for header in entry.headers {
            let name = header.key.lowercased()
            guard (1...128).contains(header.key.utf8.count), header.key.utf8.allSatisfy({ nameBytes.contains($0) }),
                !reserved.contains(name), seen.insert(name).inserted
            else { throw InvalidField(field: "key", reason: "no name of a header, or one that the gateway sets itself") }
            guard (1...1024).contains(header.value.unicodeScalars.count), !header.value.contains("[["),
                !header.value.contains("]]"), header.value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
            else { throw InvalidField(field: "value", reason: "1 to 1024 characters without [[ and ]]") }
        }
    }

    private static func checkBody(_ body: String) throws(InvalidField) {
        guard body.utf8.count <= bodyLimit else { throw InvalidField(field: "body", reason: "at most \(bodyLimit) bytes") }
        do {
            _ = try JSONValue(parsing: body, limits: .init(length: bodyLimit, depth: 32, values: 4096))
        } catch {
            throw InvalidField(field: "body", reason: "must be JSON")
        }
    }
}
