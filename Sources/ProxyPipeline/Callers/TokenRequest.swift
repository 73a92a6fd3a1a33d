import GatewayPrimitives

/// The parameters of a request for a token, from a form or from JSON (RFC 6749, section 4.4 and 6, and the vendor's `through_data`).
///
/// Parameters that it does not know are passed over, and empty ones count as absent, as RFC 6749, 3.2 has it; none may be there
/// twice.
struct TokenRequest: Equatable {
    var grantType, clientID, clientSecret, refreshToken, throughData: String?

    enum Form {
        case form
        case json

        /// - Returns: nil for any other type.
        init?(contentType: ByteView) {
            let end = contentType.firstIndex(of: UInt8(ascii: ";")) ?? contentType.count
            let type = contentType.slice(0, end).trimmed()
            if type.equalsIgnoringCase("application/x-www-form-urlencoded") {
                self = .form
            } else if type.equalsIgnoringCase("application/json") {
                self = .json
            } else {
                return nil
            }
        }
    }

    /// - Throws: ``TokenFailure/parameters``.
    init(_ body: UnsafeRawBufferPointer, _ form: Form) throws(TokenFailure) {
        switch form {
        case .form: try readForm(ByteView(body))
        case .json: try readJSON(body)
        }
    }

    private mutating func readForm(_ body: ByteView) throws(TokenFailure) {
        var found: [(name: [UInt8], value: [UInt8])] = []
        QueryParameters(body).forEach { name, value in
            found.append((PercentEncoding.decode(name.array, plusIsBlank: true), PercentEncoding.decode(value.array, plusIsBlank: true)))
            return found.count <= Self.parameterBound
        }
        guard found.count <= Self.parameterBound else { throw .parameters }
        var seen: Set<String> = []
        for (name, value) in found {
            guard let name = String(validating: name, as: UTF8.self), let value = String(validating: value, as: UTF8.self),
                seen.insert(name).inserted
            else { throw .parameters }
            set(name, value)
        }
    }

    private mutating func readJSON(_ body: UnsafeRawBufferPointer) throws(TokenFailure) {
        let limits = JSONValue.Limits(length: TokenEndpoint.bodyBound, depth: 4, values: Self.parameterBound)
        guard let text = String(validating: body, as: UTF8.self), let value = try? JSONValue(parsing: text, limits: limits),
            case .object(let members) = value
        else { throw .parameters }
        for member in members where member.value != .null {
            guard case .string(let text) = member.value else {
                if Self.names.contains(member.name) { throw .parameters }
                continue
            }
            set(member.name, text)
        }
    }

    private mutating func set(_ name: String, _ value: String) {
        let value = value.isEmpty ? nil : value
        switch name {
        case "grant_type": grantType = value
        case "client_id": clientID = value
        case "client_secret": clientSecret = value
        case "refresh_token": refreshToken = value
        case "through_data": throughData = value
        default: break
        }
    }

    private static let names: Set<String> = ["grant_type", "client_id", "client_secret", "refresh_token", "through_data"]
    private static let parameterBound = 64
}
