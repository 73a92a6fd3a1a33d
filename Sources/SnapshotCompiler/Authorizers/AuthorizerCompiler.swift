import GatewayModel
import GatewayPrimitives
import Snapshot

/// Custom authorizers of one published API. What they remember is found in `registry`.
struct AuthorizerCompiler {
    let api: PublishedAPI
    let settings: InstanceSettings
    let registry: RuntimeRegistry
    let functions: FunctionCompiler

    /// Milliseconds that the function may take, unless the instance's `backend_timeout` is less.
    static let timeout = 5000

    /// The one in front; nil: the API has none.
    func frontend() throws(CompileDiagnostic) -> AuthorizerPolicy? {
        guard let id = api.definition.authorizerID else {
            guard api.definition.authType != .authorizer else { throw refuse("is missing") }
            return nil
        }
        return try compile(id, .frontend)
    }

    /// The one of a backend; nil: it has none.
    func backend(_ id: String?) throws(CompileDiagnostic) -> AuthorizerPolicy? {
        guard let id else { return nil }
        return try compile(id, .backend)
    }

    private func compile(_ id: String, _ side: AuthorizerSide) throws(CompileDiagnostic) -> AuthorizerPolicy {
        guard let authorizer = api.authorizers[id] else { throw refuse("there is no authorizer \(id)") }
        guard authorizer.kind == (side == .frontend ? .frontend : .backend) else {
            throw refuse("the authorizer \(id) is of another type")
        }
        var identities: [AuthorizerPolicy.Identity] = []
        for identity in authorizer.identities {
            var pattern: PatternMatcher?
            if let text = identity.validation {
                do { pattern = try PatternMatcher(text) } catch { throw refuse("the validation of \(identity.name) is no pattern") }
            }
            let source: AuthorizerPolicy.Identity.Source =
                switch identity.location {
                case .header: .header(Array(identity.name.lowercased().utf8))
                case .query: .query(Array(identity.name.utf8))
                }
            identities.append(AuthorizerPolicy.Identity(source: source, pattern: pattern))
        }
        return AuthorizerPolicy(
            side: side,
            function: try functions.target(authorizer.function, field: "authorizer_id", resource: "authorizer \(id)"),
            identities: identities, userData: Array(authorizer.userData.utf8), needsBody: authorizer.needsBody, encodesBody: api.definition.encodesFunctionBody,
            timeoutMilliseconds: min(Self.timeout, settings.maxBackendTimeoutMilliseconds), cache: cache(of: authorizer))
    }

    /// Every change of the authorizer makes another key, so that what it decided before is found no more.
    private func cache(of authorizer: Authorizer) -> AuthorizerCache? {
        guard authorizer.ttl > 0 else { return nil }
        let key = [
            "authorizer", authorizer.id, api.apiID, api.publicationID, "\(authorizer.updatedAt.nanoseconds)", "\(authorizer.ttl)",
        ]
        return registry.state(key.joined(separator: "\u{1F}")) { AuthorizerCache(ttl: Int64(authorizer.ttl) * 1000) }
    }

    private func refuse(_ reason: String) -> CompileDiagnostic {
        CompileDiagnostic(field: "authorizer_id", reason: reason, resource: "api \(api.apiID)")
    }
}
