import GatewayPrimitives
import RequestSigning
import Snapshot

/// APP authentication: by which of its carriers does the request say which application it is from (gateway-runtime.md, section 2)?
///
/// The first carrier that is present decides, in the order of O5; one that fails is not followed by the next.
extension CallerStage {
    @inline(__always)
    private var carriers: AppCarriers { instance.settings.carriers }

    func beginApp(_ access: AppAccess) -> Step {
        if access.takesCodes, let code = head.value(named: Self.codeHeader) {
            return isOnce(Self.codeHeader) ? byCode(code) : Self.repeated
        }
        let authorization = head.value(named: carriers.authHeader)
        // Two of them could be read in two ways, here and by the backend.
        if authorization != nil, !isOnce(carriers.authHeader) { return Self.repeated }
        if let authorization, ReceivedSignature.isClaimed(by: authorization) { return bySignature(authorization) }
        if carriers.basic, let authorization, Self.hasScheme(authorization, "basic ") {
            return byPassword(authorization.dropFirst("basic ".utf8.count).trimmed())
        }
        if let tokens = carriers.tokens {
            // Nobody but the gateway says what a token was given with.
            remove(Self.throughHeader)
            if let token = head.value(named: Self.tokenHeader) {
                return isOnce(Self.tokenHeader) ? byToken(token, tokens, in: Self.tokenHeader) : Self.repeated
            }
            if let authorization, Self.hasScheme(authorization, "bearer ") {
                return byToken(authorization.dropFirst("bearer ".utf8.count).trimmed(), tokens, in: carriers.authHeader)
            }
        }
        if let name = carriers.hashHeader, let timestamp = head.value(named: Self.timestampHeader),
            let hash = head.value(named: name)
        {
            let isClear = isOnce(name) && isOnce(Self.timestampHeader)
            return isClear ? byHash(hash, timestamp, name, access) : Self.repeated
        }
        if carriers.secret, let key = head.value(named: Self.idHeader), let secret = head.value(named: Self.secretHeader) {
            return isOnce(Self.idHeader) && isOnce(Self.secretHeader) ? bySecret(key, secret) : Self.repeated
        }
        if carriers.apiKey {
            if let key = head.value(named: Self.apiKeyName) { return isOnce(Self.apiKeyName) ? byKey(key) : Self.repeated }
            if let key = facts.queryValue(Self.apiKeyName) { return key.withUnsafeBytes { byKey(ByteView($0)) } }
        }
        return .refuse(.appMissing)
    }

    // MARK: Carriers

    private func bySignature(_ authorization: ByteView) -> Step {
        guard let signature = ReceivedSignature(authorization) else {
            return .refuse(.app("the signature in header \(String(decoding: carriers.authHeader, as: UTF8.self)) is malformed"))
        }
        if let verdict = signature.precheck(at: seconds, scratch: scratch, header: { [head] in head.onlyValue(named: $0) }) {
            return .refuse(.app(detail(verdict, signature, isApp: true, body: .none)))
        }
        guard let app = app(signature.accessKey) else { return .refuse(Self.unknown(signature.accessKey)) }
        return verify(signature, app, body: receivedBody, isCollected: true)
    }

    /// A code is a password: it may not travel in the clear.
    private func byCode(_ code: ByteView) -> Step {
        guard facts.usesTLS else { return .refuse(.app("AppCode is accepted over HTTPS only")) }
        guard (64...180).contains(code.count),
            let app = directory.app(code: code, instanceID: instance.settings.instanceID, scratch: values.scratch.bytes),
            app.holds(code: code, at: facts.nowMilliseconds, from: facts.clientAddress, uses: uses)
        else { return .refuse(.app("app not found by AppCode")) }
        return admit(app, consuming: Self.codeHeader)
    }

    private func byPassword(_ encoded: ByteView) -> Step {
        guard encoded.count <= Self.passwordBound, let pair = Base64.decode(encoded.array),
            let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return .refuse(.app("the basic credentials are malformed")) }
        return pair.withUnsafeBytes { bytes in
            let pair = ByteView(bytes)
            let key = pair.slice(0, colon)
            guard let app = app(key) else { return .refuse(Self.unknown(key)) }
            guard proves(app, pair.dropFirst(colon + 1)) else { return .refuse(Self.wrongSecret) }
            return admit(app, consuming: carriers.authHeader)
        }
    }

    private func byToken(_ text: ByteView, _ tokens: AppTokenPolicy, in name: [UInt8]) -> Step {
        guard let token = AppToken(text, key: tokens.key), token.kind == .access else { return .refuse(.token(.accessInvalid)) }
        guard let app = directory.app(id: token.appID), app.instanceID == instance.settings.instanceID else {
            return .refuse(.token(.appGone))
        }
        let now = facts.nowMilliseconds
        // A token is worth as much as the secret that it was obtained with.
        guard now < token.endsAt, let secret = app.secret(id: token.secretID, at: now) else {
            return .refuse(.token(.accessExpired))
        }
        uses?.note(secret.meter, at: now, by: .address(facts.clientAddress))
        if !token.throughData.isEmpty { head.add(HeaderLine(name: Self.throughName, value: token.throughData)) }
        return admit(app, consuming: name)
    }

    private func bySecret(_ key: ByteView, _ secret: ByteView) -> Step {
        guard let app = app(key) else { return .refuse(Self.unknown(key)) }
        guard proves(app, secret) else { return .refuse(Self.wrongSecret) }
        return admit(app, consuming: Self.secretHeader)
    }

    private func byKey(_ key: ByteView) -> Step {
        guard let app = app(key) else { return .refuse(Self.unknown(key)) }
        return admit(app, consuming: Self.apiKeyName)
    }

    private func byHash(_ hash: ByteView, _ timestamp: ByteView, _ name: [UInt8], _ access: AppAccess) -> Step {
        guard let number = timestamp.decimal, timestamp.count == 10 || timestamp.count == 13 else {
            return .refuse(.app("header Timestamp is not a time"))
        }
        let moment = Int64(timestamp.count == 13 ? number / 1000 : number)
        guard abs(moment - seconds) <= CallerSignature.allowedSkew else {
            return .refuse(.app("timestamp expired, timestamp:\(number),server time:\(BasicDate(seconds: seconds).text)"))
        }
        func matches(_ app: AppCredential) -> Bool {
            proof(of: app) { AppHash.matches(hash, key: app.key, secret: $0.bytes, timestamp: timestamp) }
        }
        if let key = head.value(named: Self.idHeader) {
            guard isOnce(Self.idHeader) else { return Self.repeated }
            guard let app = app(key) else { return .refuse(Self.unknown(key)) }
            return matches(app) ? admit(app, consuming: name) : .refuse(Self.wrongSecret)
        }
        // Nothing names the application: those that may call are tried, as many as is cheap (gateway-runtime.md, O7).
        guard access.appCount <= Self.triedApps else { return .refuse(.app("header X-HW-ID is needed to find the app")) }
        for id in access.appIDs {
            if let app = directory.app(id: id), matches(app) { return admit(app, consuming: name) }
        }
        return .refuse(Self.wrongSecret)
    }

    // MARK: Parts

    private func app(_ key: ByteView) -> AppCredential? {
        guard (1...Self.keyBound).contains(key.count) else { return nil }
        return directory.app(key: key, instanceID: instance.settings.instanceID, scratch: values.scratch.bytes)
    }

    private func proves(_ app: AppCredential, _ secret: ByteView) -> Bool { proof(of: app) { $0.matches(secret) } }

    private func proof(of app: AppCredential, _ matches: (AppSecret) -> Bool) -> Bool {
        app.proof(at: facts.nowMilliseconds, from: facts.clientAddress, uses: uses, matches)
    }

    private func admit(_ app: AppCredential, consuming name: [UInt8]) -> Step {
        remove(name)
        return admit(app)
    }

    private static func unknown(_ key: ByteView) -> CallerFailure {
        .app("app not found, appkey \(key.slice(0, min(key.count, keyBound)).string)")
    }
    private static var repeated: Step { .refuse(.app("a header that authenticates is there more than once")) }
    private static let wrongSecret = CallerFailure.app("app secret is incorrect")

    private static func hasScheme(_ value: ByteView, _ scheme: StaticString) -> Bool {
        value.hasPrefixIgnoringCase(ByteView(scheme))
    }

    private static let keyBound = 200
    private static let passwordBound = 1024
    private static let triedApps = 100
    private static let codeHeader = Array("x-apig-appcode".utf8)
    private static let idHeader = Array("x-hw-id".utf8)
    private static let secretHeader = Array("x-hw-appkey".utf8)
    private static let tokenHeader = Array("x-access-token".utf8)
    private static let throughHeader = Array("x-apig-through-data".utf8)
    private static let throughName = Array("X-Apig-Through-Data".utf8)
    private static let apiKeyName = Array("apikey".utf8)
    private static let timestampHeader = Array("timestamp".utf8)
}
