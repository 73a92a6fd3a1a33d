import GatewayPrimitives

/// The routes of one environment of a group. First shape: to be replaced by the persistent router.
public struct RouteTable: Sendable {
    private var routes: [Route] = []
    public init() {}
    public var isEmpty: Bool { routes.isEmpty }
    /// The table with `route` in place of one of the same method, path and match mode, if there is one.
    public func inserting(_ route: Route) -> RouteTable {
        var copy = removing(method: route.method, path: route.path, matchMode: route.matchMode)
        copy.routes.append(route)
        return copy
    }
    public func removing(method: RouteMethod, path: PathTemplate, matchMode: MatchMode) -> RouteTable {
        var copy = self
        copy.routes.removeAll { $0.method == method && $0.path == path && $0.matchMode == matchMode }
        return copy
    }
    /// All routes, in no order; for tests and explanations, not for requests.
    public var all: [Route] { routes }
}
