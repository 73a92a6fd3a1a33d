/// The subset of Keystone v3 that clients log in with (management-api.md, 2.2).
enum IdentityEndpoint: CaseIterable, Sendable {
    case versions, version
    case logIn, showToken, checkToken, revokeToken
    case projects, ownProjects, ownDomains, catalog, project

    var method: String {
        switch self {
        case .logIn: "POST"
        case .checkToken: "HEAD"
        case .revokeToken: "DELETE"
        case .versions, .version, .showToken, .projects, .ownProjects, .ownDomains, .catalog, .project: "GET"
        }
    }

    var path: String {
        switch self {
        case .versions: "/"
        case .version: "/v3"
        case .logIn, .showToken, .checkToken, .revokeToken: "/v3/auth/tokens"
        case .projects: "/v3/projects"
        case .ownProjects: "/v3/auth/projects"
        case .ownDomains: "/v3/auth/domains"
        case .catalog: "/v3/auth/catalog"
        case .project: "/v3/projects/{id}"
        }
    }

    /// With and without a slash at the end, as clients use both.
    var spellings: [String] { path == "/" ? [path] : [path, path + "/"] }
}
