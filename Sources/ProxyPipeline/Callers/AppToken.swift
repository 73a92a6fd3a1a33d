import GatewayPrimitives
import RequestSigning

/// What a token of feature `app_token` says. It is all that there is of it: no node keeps tokens.
///
/// A token belongs to the secret that it was obtained with, and ends when that secret does.
struct AppToken: Equatable {
    enum Kind: UInt8 {
        case access = 1
        case refresh = 2
    }

    let kind: Kind
    /// Milliseconds since 1970 from which on it is worth nothing.
    let endsAt: Int64
    let appID: String
    let secretID: String
    /// `through_data`, handed on with each request; at most 300 characters of UTF-8, none of them a control character.
    let throughData: [UInt8]

    init(kind: Kind, endsAt: Int64, appID: String, secretID: String, throughData: [UInt8]) {
        self.kind = kind
        self.endsAt = endsAt
        self.appID = appID
        self.secretID = secretID
        self.throughData = throughData
    }

    /// - Returns: nil for a text that is no token of this key.
    init?(_ text: ByteView, key: TokenKey) {
        guard let content = key.open(text), content.count >= 12, content[0] == Self.version, let kind = Kind(rawValue: content[1])
        else { return nil }
        var rest = content.dropFirst(2)
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func word() -> String? {
            take(1).flatMap { take(Int($0.first ?? 0)) }.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let moment = take(8), let app = word(), let secret = word() else { return nil }
        self.kind = kind
        endsAt = moment.reduce(0) { $0 << 8 | Int64($1) }
        appID = app
        secretID = secret
        throughData = Array(rest)
    }

    /// - Returns: nil when the system's cipher fails.
    func sealed(with key: TokenKey) -> [UInt8]? {
        var content = [Self.version, kind.rawValue]
        for shift in stride(from: 56, through: 0, by: -8) { content.append(UInt8(truncatingIfNeeded: endsAt >> shift)) }
        for word in [appID, secretID] {
            guard word.utf8.count <= 255 else { return nil }
            content.append(UInt8(word.utf8.count))
            content += Array(word.utf8)
        }
        return key.seal(content + throughData)
    }

    private static let version: UInt8 = 1
}
