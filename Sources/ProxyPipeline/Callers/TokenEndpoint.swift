import GatewayPrimitives
import Snapshot

/// Gives tokens to applications (feature `app_token`; gateway-runtime.md, 2.5 and O8): `POST` at ``AppTokenPolicy/path`` of any host of
/// the instance. Keeps nothing: what a token says is sealed in it, so that any node takes it.
public struct TokenEndpoint {
    let policy: AppTokenPolicy
    let instanceID: String
    let directory: CallerDirectory
    let uses: UseLedger
    /// Milliseconds since 1970.
    let wall: Int64
    let address: IPAddress
    let scratch: ByteScratch

    /// Bytes of a request's body.
    public static let bodyBound = 16 * 1024
    /// Wrong credentials from one address within ``FailureWindows/window``; after more, the endpoint refuses all from there.
    public static let failureLimit = 100

    public init(
        _ policy: AppTokenPolicy, instanceID: String, directory: CallerDirectory, uses: UseLedger, wall: Int64, address: IPAddress,
        scratch: ByteScratch
    ) {
        self.policy = policy
        self.instanceID = instanceID
        self.directory = directory
        self.uses = uses
        self.wall = wall
        self.address = address
        self.scratch = scratch
    }

    /// What the head alone says: nil when the body is worth reading.
    public static func refusal(_ head: RequestHead) -> TokenFailure? {
        guard head.method == .post else { return .method }
        return form(of: head) == nil ? .contentType : nil
    }

    private static func form(of head: RequestHead) -> TokenRequest.Form? {
        guard head.occurrences(.contentType) == 1 else { return nil }
        return head.value(.contentType).flatMap { TokenRequest.Form(contentType: $0) }
    }

    /// The answer's body, JSON.
    ///
    /// - Parameter body: the whole of it.
    public func answer(_ head: RequestHead, body: UnsafeRawBufferPointer) throws(TokenFailure) -> [UInt8] {
        guard let form = Self.form(of: head) else { throw .contentType }
        let request = try TokenRequest(body, form)
        guard let grant = request.grantType else { throw .noGrantType }
        guard grant == "client_credentials" || grant == "refresh_token" else { throw .grantType }
        guard let clientID = request.clientID else { throw .noClientID }
        if let data = request.throughData { try Self.check(data) }
        if grant == "client_credentials" {
            guard let secret = request.clientSecret else { throw .noClientSecret }
            let (app, used) = try authenticate(clientID, secret)
            return try grantTokens(app, used, throughData: Array((request.throughData ?? "").utf8))
        }
        guard let text = request.refreshToken else { throw .noRefreshToken }
        let token = Array(text.utf8).withUnsafeBytes { AppToken(ByteView($0), key: policy.key) }
        guard let token, token.kind == .refresh else { throw .refreshInvalid }
        guard let app = directory.app(id: token.appID), app.instanceID == instanceID else { throw .appGone }
        guard Array(clientID.utf8) == app.key else { throw .otherApp }
        guard wall < token.endsAt, let used = app.secret(id: token.secretID, at: wall) else { throw .refreshExpired }
        return try grantTokens(app, used, throughData: request.throughData.map { Array($0.utf8) } ?? token.throughData)
    }

    /// At most 300 characters that may stand in a header.
    private static func check(_ throughData: String) throws(TokenFailure) {
        guard throughData.count <= 300, throughData.utf8.count <= 1200 else { throw .throughData }
        guard !throughData.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }), throughData.first != " ", throughData.last != " " else {
            throw .parameters
        }
    }

    private func authenticate(_ key: String, _ secret: String) throws(TokenFailure) -> (AppCredential, AppSecret) {
        let key = Array(key.utf8)
        let secret = Array(secret.utf8)
        // What no application can have; the two below are one answer, so that nobody learns which keys there are.
        guard Self.isWord(key), Self.isWord(secret) else { throw .malformedCredentials }
        let app = key.withUnsafeBytes { directory.app(key: ByteView($0), instanceID: instanceID, scratch: scratch) }
        guard let app,
            let used = secret.withUnsafeBytes({ given in
                app.secrets.first { $0.isAlive(at: wall) && $0.matches(ByteView(given)) }
            })
        else { throw .wrongCredentials }
        return (app, used)
    }

    private static func isWord(_ bytes: [UInt8]) -> Bool {
        bytes.count <= 200 && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private func grantTokens(_ app: AppCredential, _ secret: AppSecret, throughData: [UInt8]) throws(TokenFailure) -> [UInt8] {
        func token(_ kind: AppToken.Kind, _ seconds: Int) -> [UInt8]? {
            AppToken(
                kind: kind, endsAt: wall + Int64(seconds) * 1000, appID: app.appID, secretID: secret.id, throughData: throughData
            ).sealed(with: policy.key)
        }
        guard let access = token(.access, policy.accessSeconds), let refresh = token(.refresh, policy.refreshSeconds) else {
            throw .internalError
        }
        uses.note(secret.meter, at: wall, by: .address(address))
        var text = "{\"access_token\":\"\(String(decoding: access, as: UTF8.self))\",\"token_type\":\"Bearer\","
        text += "\"expires_in\":\(policy.accessSeconds),\"refresh_token\":\"\(String(decoding: refresh, as: UTF8.self))\","
        text += "\"refresh_expires_in\":\(policy.refreshSeconds)"
        if !throughData.isEmpty {
            text += ",\"through_data\":\(FailureResponder.quoted(String(decoding: throughData, as: UTF8.self)))"
        }
        return Array((text + "}").utf8)
    }
}
