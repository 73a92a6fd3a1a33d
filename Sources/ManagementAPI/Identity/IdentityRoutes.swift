import ControlPlane
import GatewayModel
import GatewayPrimitives
import HTTPTypes
import Hummingbird
import NIOCore

/// Serves the identity endpoints.
struct IdentityRoutes: Sendable {
    /// Largest body of a login, in bytes.
    static let bodyLimit = 64 * 1024

    let directory: IdentityDirectory
    let authentication: Authentication
    let settings: ManagementSettings

    func answer(
        _ endpoint: IdentityEndpoint, _ request: Request, _ room: BodyRoom, _ values: [String], requestID: String, source: String
    ) async throws -> Response {
        switch endpoint {
        case .versions:
            return try json(Keystone.VersionList(versions: .init(values: [version])), .multipleChoices)
        case .version:
            return try json(Keystone.VersionDocument(version: version))
        case .logIn:
            return try await logIn(request, room, requestID, source)
        case .showToken, .checkToken:
            let subject = try await subject(request)
            return try await tokenDocument(subject.issued, subject.token, request, .ok)
        case .revokeToken:
            let subject = try await subject(request)
            try await directory.revoke(subject.token, by: subject.caller, source: source, requestID: requestID)
            return ManagementResponder.bodiless(.noContent)
        case .projects:
            return try await projects(request, room, filter: true)
        case .ownProjects:
            return try await projects(request, room, filter: false)
        case .ownDomains:
            let domain = try await authentication.admit(request, room).caller.domain
            return try json(
                Keystone.DomainList(
                    domains: [.init(id: domain.id, name: domain.name, links: links("/domains/\(domain.id)"))],
                    links: links("/auth/domains")))
        case .catalog:
            _ = try await authentication.admit(request, room)
            return try json(Keystone.Catalog(catalog: catalog, links: links("/auth/catalog")))
        case .project:
            let domain = try await authentication.admit(request, room).caller.domain
            guard let project = try await directory.projects(of: domain).first(where: { $0.id == values[0] }) else {
                throw IdentityErrors.Refused.noSuchThing
            }
            return try json(Keystone.ProjectDocument(project: document(project)))
        }
    }

    // MARK: tokens

    private func logIn(_ request: Request, _ room: BodyRoom, _ requestID: String, _ source: String) async throws -> Response {
        try RequestHeaders.checkCharset(request.headers[.contentType] ?? "")
        let body = try JSONBody.decode(LogInRequest.self, from: try await BodyReading.read(request, room, limit: Self.bodyLimit))
        guard let identity = body.auth?.identity else { throw ManagementFailure.missing(parameter: "identity") }
        let scope = try Self.scope(body.auth?.scope)
        let methods = identity.methods ?? []
        if methods == ["password"], let user = identity.password?.user, let password = user.password {
            let answer = try await directory.logIn(
                try Self.name(user), password: Secret(password), scope: scope, source: source, requestID: requestID)
            try Self.checkDomain(body.auth?.scope?.project?.domain, answer.issued.caller.domain)
            return try await tokenDocument(answer.issued, answer.token, request, .created)
        }
        if methods == ["token"], let token = identity.token?.id {
            do {
                let answer = try await directory.rescope(Secret(token), scope: scope, source: source, requestID: requestID)
                try Self.checkDomain(body.auth?.scope?.project?.domain, answer.issued.caller.domain)
                return try await tokenDocument(answer.issued, answer.token, request, .created)
            } catch IdentityError.unknownToken {
                throw IdentityError.badCredentials
            }
        }
        throw IdentityErrors.Refused.methodNotSupported
    }

    private static func name(_ user: LogInRequest.User) throws -> UserName {
        if let id = user.id { return .id(id) }
        guard let name = user.name else { throw ManagementFailure.missing(parameter: "user") }
        return .name(name, domainID: user.domain?.id, domainName: user.domain?.name)
    }

    private static func scope(_ scope: LogInRequest.Scope?) throws -> TokenScope {
        guard let scope else { return .unscoped }
        if let project = scope.project {
            guard project.id != nil || project.name != nil else { throw ManagementFailure.missing(parameter: "project") }
            return .project(id: project.id, name: project.name)
        }
        if let domain = scope.domain {
            guard domain.id != nil || domain.name != nil else { throw ManagementFailure.missing(parameter: "domain") }
            return .domain(id: domain.id, name: domain.name)
        }
        return .unscoped
    }

    /// A project that is named with a domain has to be of that domain.
    private static func checkDomain(_ named: LogInRequest.Reference?, _ domain: Domain) throws {
        guard named?.id ?? domain.id == domain.id, named?.name ?? domain.name == domain.name else {
            throw IdentityError.unknownScope
        }
    }

    /// The token in `X-Subject-Token`, shown to its own user and to administrators.
    private func subject(_ request: Request) async throws -> (token: Secret, issued: IssuedToken, caller: Caller) {
        guard let own = request.headers[.authToken], !own.isEmpty else { throw ManagementFailure.noCredentials }
        let caller: Caller
        do {
            caller = try await directory.token(Secret(own)).caller
        } catch is IdentityError {
            throw ManagementFailure.badCredentials
        }
        guard let text = request.headers[.subjectToken], !text.isEmpty else { throw IdentityError.unknownToken }
        let token = Secret(text)
        do {
            let issued = try await directory.token(token)
            guard issued.caller.userID == caller.userID || caller.role == .administrator else {
                throw ManagementFailure.notPermitted
            }
            return (token, issued, caller)
        } catch IdentityError.expiredToken {
            throw IdentityError.unknownToken
        }
    }

    private func tokenDocument(
        _ issued: IssuedToken, _ token: Secret, _ request: Request, _ status: HTTPResponse.Status
    ) async throws -> Response {
        let user = issued.caller.user
        let domain = Keystone.Named(id: issued.caller.domain.id, name: issued.caller.domain.name)
        let isScoped = issued.caller.project != nil || issued.domainScoped
        let query = (request.head.path ?? "").split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let withCatalog = try !QueryValues.pairs(query).contains { $0.name == "nocatalog" }
        let document = Keystone.Token(
            methods: issued.methods, expires_at: Self.time(issued.expiresAt), issued_at: Self.time(issued.issuedAt),
            user: .init(id: user.id, name: user.name, domain: domain),
            project: issued.caller.project.map { .init(id: $0.id, name: $0.name, domain: domain) },
            domain: issued.domainScoped ? domain : nil, roles: isScoped ? Self.roles(user.role) : nil,
            catalog: isScoped && withCatalog ? catalog : nil)
        var response = try json(Keystone.TokenDocument(token: document), status)
        response.headers[.subjectToken] = token.revealed
        response.headers[.openStackVary] = "X-Auth-Token"
        return response
    }

    /// Six digits always (management-api.md, 2.2).
    static func time(_ moment: Timestamp) -> String {
        let micro = String((moment.nanoseconds - moment.seconds * 1_000_000_000) / 1000)
        return moment.inSeconds.dropLast() + "." + String(repeating: "0", count: 6 - micro.utf8.count) + micro + "Z"
    }

    /// Roles under the names that the vendor's clients know.
    static func roles(_ role: Role) -> [Keystone.Named] {
        let name: String
        switch role {
        case .administrator: name = "Tenant Administrator"
        case .operator: name = "APIG Administrator"
        case .reader: name = "APIG ReadOnlyAccess"
        case .none: return []
        }
        return [Keystone.Named(id: role.rawValue, name: name)]
    }

    // MARK: projects, catalog, versions

    private func projects(_ request: Request, _ room: BodyRoom, filter: Bool) async throws -> Response {
        let domain = try await authentication.admit(request, room).caller.domain
        var found = try await directory.projects(of: domain)
        let query = (request.head.path ?? "").split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        if filter {
            for pair in try QueryValues.pairs(query) where !pair.value.isEmpty {
                switch pair.name {
                case "name": found = found.filter { $0.name == pair.value }
                case "domain_id", "parent_id": found = found.filter { $0.domainID == pair.value }
                default: break
                }
            }
        }
        return try json(
            Keystone.ProjectList(projects: found.map(document), links: links(filter ? "/projects" : "/auth/projects")))
    }

    private func document(_ project: Project) -> Keystone.Project {
        Keystone.Project(
            id: project.id, name: project.name, domain_id: project.domainID, parent_id: project.domainID,
            links: links("/projects/\(project.id)"))
    }

    private var version: Keystone.Version {
        Keystone.Version(links: [.init(rel: "self", href: settings.publicURL + "/v3/")])
    }

    /// The client appends the project and the rest of the path.
    private var catalog: [Keystone.Service] {
        [
            ("identity", "iam", "/v3"), ("apigv2", "apigv2", "/v2"), ("apig", "apig", "/v1.0"), ("apic", "apic", "/v2"),
            ("roma", "roma", "/v2"),
        ].map { type, name, path in
            Keystone.Service(
                type: type, name: name, id: name,
                endpoints: [
                    .init(id: name + "-public", region: settings.region, region_id: settings.region, url: settings.publicURL + path)
                ])
        }
    }

    private func links(_ path: String) -> Keystone.Links { Keystone.Links(self: settings.publicURL + "/v3" + path) }

    private func json(_ value: any Encodable & Sendable, _ status: HTTPResponse.Status = .ok) throws -> Response {
        try ManagementResponder.json(value, status)
    }
}
