import GatewayPrimitives
import RequestSigning
import Snapshot

/// What the identity service is asked.
public enum IdentityQuestion: Sendable, Equatable {
    case token([UInt8])
    case accessKey([UInt8])
}

/// What it answers.
public enum IdentityAnswer: Sendable {
    case unknown
    case expired
    case token(IAMIdentity)
    case accessKey(IAMIdentity, SigningKey)
    case unavailable
}

/// Asks the identity service and calls back once, on any thread.
public typealias IdentityLookup =
    @Sendable (_ question: IdentityQuestion, _ done: @escaping @Sendable (IdentityAnswer) -> Void) -> Void

/// Who calls, and may they (gateway-runtime.md, 2.1 to 2.9 and section 6).
///
/// A machine without state of its own: what it cannot decide from the head it returns as a ``Step`` to take, and goes on with
/// ``resume(_:_:)`` or ``finish(_:_:digest:)`` when that has been done.
public struct CallerStage {
    public enum Step {
        case refuse(CallerFailure)
        case identified(CallerIdentity)
        /// Ask the identity service, then ``resume(_:)``.
        case lookUp(IdentityQuestion)
        /// Read the body to its end and hash it, then ``finish(_:digest:)``.
        case needsBody(Pending)
    }

    /// A caller whose signature covers a body that has not come yet.
    public enum Pending {
        case app(AppCredential)
        case iam(IAMIdentity, SigningKey)
    }

    let policy: CallerPolicy
    let values: RequestValues
    let instance: InstanceContext
    let directory: CallerDirectory
    /// Where uses of credentials are counted; nil: nowhere.
    let uses: UseLedger?
    let scratch: SigningScratch

    public init(
        _ policy: CallerPolicy, _ values: RequestValues, instance: InstanceContext, directory: CallerDirectory,
        uses: UseLedger, scratch: SigningScratch
    ) {
        self.policy = policy
        self.values = values
        self.instance = instance
        self.directory = directory
        self.uses = values.rehearsal == nil ? uses : nil
        self.scratch = scratch
    }

    var facts: RequestFacts { values.facts }
    var head: RequestHead { values.facts.head }
    var seconds: Int64 { values.facts.nowMilliseconds / 1000 }

    public func begin() -> Step {
        switch policy.kind {
        case .app(let access): beginApp(access)
        case .iam: beginIAM()
        }
    }

    /// Whose identity is given, not proved.
    public func admit(_ assumed: RehearsalAssumptions.Caller) -> Step {
        switch (assumed, policy.kind) {
        case (.app(let id), .app):
            guard let app = directory.app(id: id), app.instanceID == instance.settings.instanceID else { return .refuse(.app("app not found")) }
            return admit(app)
        case (.iam(let identity), .iam): return admit(identity)
        // The API asks for another kind of identity than the one that is there.
        case (.iam, .app): return .refuse(.appMissing)
        case (.app, .iam): return .refuse(.iamMissing)
        }
    }

    // MARK: IAM

    private func beginIAM() -> Step {
        if let authorization = head.value(.authorization), ReceivedSignature.isClaimed(by: authorization) {
            guard isOnce(Self.authorization), let signature = ReceivedSignature(authorization) else {
                return .refuse(.iam("the signature in header Authorization is malformed"))
            }
            if let verdict = signature.precheck(at: seconds, scratch: scratch, header: { [head] in head.onlyValue(named: $0) }) {
                return .refuse(.iam(detail(verdict, signature, isApp: false, body: .none)))
            }
            return .lookUp(.accessKey(signature.accessKey.array))
        }
        guard let token = head.value(named: Self.authToken), !token.isEmpty else { return .refuse(.iamMissing) }
        guard isOnce(Self.authToken) else { return .refuse(.iam("header X-Auth-Token is there more than once")) }
        return .lookUp(.token(token.array))
    }

    /// Goes on with the identity service's answer.
    public func resume(_ answer: IdentityAnswer) -> Step {
        let signature = head.value(.authorization).flatMap { ReceivedSignature.isClaimed(by: $0) ? ReceivedSignature($0) : nil }
        switch answer {
        case .unavailable: return .refuse(.identityUnavailable)
        case .expired: return .refuse(.tokenMustBeUpdated)
        case .unknown:
            guard let signature else { return .refuse(.iam("decrypt token fail")) }
            return .refuse(.iam("Get secretKey failed,ak:\(signature.accessKey.string),err:ak not exist"))
        case .token(let identity): return admit(identity)
        case .accessKey(let identity, let key):
            guard let signature else { return .refuse(.iamMissing) }
            return verify(signature, identity, key, body: receivedBody)
        }
    }

    // MARK: Signatures

    /// Goes on when the whole body has been read.
    public func finish(_ pending: Pending, digest: BodyDigest) -> Step {
        let field =
            switch pending {
            case .app: head.value(named: instance.settings.carriers.authHeader)
            case .iam: head.value(.authorization)
            }
        guard let signature = field.flatMap({ ReceivedSignature($0) }) else { return .refuse(.appMissing) }
        switch pending {
        case .app(let app): return verify(signature, app, body: .read(digest))
        case .iam(let identity, let key): return verify(signature, identity, key, body: .read(digest))
        }
    }

    var receivedBody: ReceivedRequest.Body {
        switch head.framing {
        case .none, .length(0), .untilClose: .none
        case .length, .chunked: .coming
        }
    }

    /// An application's signature may have been made with any of its secrets that have not ended.
    ///
    /// - Parameter isCollected: `scratch` holds what the signature's check of this moment found.
    func verify(
        _ signature: ReceivedSignature, _ app: AppCredential, body: ReceivedRequest.Body, isCollected: Bool = false
    ) -> Step {
        var verdict = ReceivedVerdict.mismatch
        let isProven = app.proof(at: facts.nowMilliseconds, from: facts.clientAddress, uses: uses) { secret in
            // What is wrong with the request itself is wrong with every secret.
            guard verdict == .mismatch else { return false }
            verdict = check(signature, secret.signingKey, body, isCollected: isCollected)
            return verdict == .valid
        }
        guard !isProven else {
            remove(instance.settings.carriers.authHeader)
            return admit(app)
        }
        if verdict == .needsBody { return .needsBody(.app(app)) }
        return .refuse(.app(detail(verdict, signature, isApp: true, body: body)))
    }

    private func verify(
        _ signature: ReceivedSignature, _ identity: IAMIdentity, _ key: SigningKey, body: ReceivedRequest.Body
    ) -> Step {
        let verdict = check(signature, key, body)
        switch verdict {
        case .valid:
            head.remove(.authorization)
            return admit(identity)
        case .needsBody: return .needsBody(.iam(identity, key))
        default: return .refuse(.iam(detail(verdict, signature, isApp: false, body: body)))
        }
    }

    private func check(
        _ signature: ReceivedSignature, _ key: SigningKey, _ body: ReceivedRequest.Body, isCollected: Bool = false
    ) -> ReceivedVerdict {
        let request = ReceivedRequest(
            method: head.methodName, rawPath: head.rawPath, query: head.query ?? .empty, body: body)
        return signature.verify(request, key: key, scratch: scratch, isCollected: isCollected, header: { [head] in head.onlyValue(named: $0) })
    }

    /// Texts as the vendor's gateway has them, where they are known.
    func detail(
        _ verdict: ReceivedVerdict, _ signature: ReceivedSignature, isApp: Bool, body: ReceivedRequest.Body
    ) -> String {
        switch verdict {
        case .skewed(let signed, let now): return "signature expired, signature time:\(signed.text),server time:\(now.text)"
        case .otherBody: return "the body does not have the hash in header X-Sdk-Content-Sha256"
        case .mismatch:
            let text = signature.canonicalText(scratch, body: body, declared: head.onlyValue(named: Self.contentHash))
            return isApp
                ? "verify signature fail, canonicalRequest:\(text)" : "verify aksk signature fail,canonicalRequest:\(text)"
        case .malformed, .valid, .needsBody:
            return "X-Sdk-Date or a header in SignedHeaders is missing, repeated or malformed"
        }
    }

    static var contentHash: ByteView { ByteView("x-sdk-content-sha256") }
    private static let authorization = Array("authorization".utf8)
    private static let authToken = Array("x-auth-token".utf8)

    /// Whether a header (lower case) that is there is there once.
    func isOnce(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { head.onlyValue(named: ByteView($0)) != nil } }

    // MARK: What is asked of a caller who has been recognised

    func admit(_ app: AppCredential) -> Step {
        guard case .app(let access) = policy.kind, access.allows(app) else { return .refuse(.appNotAuthorized) }
        if let addresses = app.addresses, !addresses.allows(facts.clientAddress) { return .refuse(.appAddressDenied) }
        if let quota = app.quota, !quota.state.admit(
            quota, at: values.now, wall: facts.nowMilliseconds, counts: values.rehearsal == nil)
        {
            return .refuse(.appQuotaUsedUp)
        }
        return .identified(.app(app))
    }

    private func admit(_ identity: IAMIdentity) -> Step {
        for rule in policy.accounts where !rule.allows(identity) { return .refuse(.accountDenied) }
        // The token opens everything that its owner may do: a backend gets it only when the instance says so (2.6).
        if !instance.settings.passesToken(of: identity.accountName) { remove(Self.authToken) }
        return .identified(.iam(identity))
    }

    /// What proved the caller goes no further (gateway-runtime.md, O17).
    func remove(_ name: [UInt8]) { name.withUnsafeBytes { head.remove(named: ByteView($0)) } }
}
