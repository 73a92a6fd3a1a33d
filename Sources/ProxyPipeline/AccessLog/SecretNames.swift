import GatewayPrimitives

/// Names of query parameters, headers and cookies whose values no log shows.
enum SecretNames {
    private static let parts: [StaticString] = [
        "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "appcode", "app_code", "app-code", "token", "secret",
        "passw", "pwd", "signature", "credential", "authorization", "cookie", "session", "private_key",
    ]

    /// Whether the name, percent-decoded and in any case, has one of the parts in it.
    static func contain(_ name: ByteView) -> Bool {
        guard name.contains(UInt8(ascii: "%")) else { return matches(name) }
        return PercentEncoding.decode(name.array, plusIsBlank: true).withUnsafeBytes { matches(ByteView($0)) }
    }

    private static func matches(_ name: ByteView) -> Bool {
        // An index loop, and no closure: this runs for each parameter of each request that is logged.
        for part in parts {
            let wanted = ByteView(part)
            var from = 0
            while from + wanted.count <= name.count {
                if name.dropFirst(from).hasPrefixIgnoringCase(wanted) { return true }
                from += 1
            }
        }
        return false
    }
}

extension JSONLine {
    private static let mask: StaticString = "***"

    /// Path and query as received, with the values of secret parameters masked.
    func target(_ target: ByteView?) {
        guard let target, !target.isEmpty else { return absent() }
        let shown = target.slice(0, min(target.count, JSONLine.textLimit))
        beginText()
        defer { endText() }
        guard let question = shown.firstIndex(of: UInt8(ascii: "?")) else { return append(shown) }
        append(shown.slice(0, question + 1))
        var from = question + 1
        while from < shown.count {
            let to = shown.firstIndex(of: UInt8(ascii: "&"), from: from) ?? shown.count
            let pair = shown.slice(from, to)
            if let equals = pair.firstIndex(of: UInt8(ascii: "=")), SecretNames.contain(pair.slice(0, equals)) {
                append(pair.slice(0, equals + 1))
                append(ByteView(Self.mask))
            } else {
                append(pair)
            }
            if to < shown.count { out.append(UInt8(ascii: "&")) }
            from = to + 1
        }
    }
}
