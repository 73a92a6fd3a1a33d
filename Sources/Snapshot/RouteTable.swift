import GatewayPrimitives

/// The published routes of a group in one environment: a persistent trie over path segments.
///
/// A change copies the nodes on one path and shares the rest, so that its cost does not depend on the number of routes.
///
/// Precedence (gateway-runtime.md, 1.4, O3), in this order: NORMAL before SWA; segment by segment a literal before `{x}` before
/// `{x+}`; a longer prefix before a shorter one; a specific method before ANY. A path whose methods do not fit falls back to the next
/// candidate.
///
/// Segments: a path is what stands behind its first slash, cut at every slash: `/` is one empty segment, `/a/` is `a` and an empty
/// one. `{x}` takes any segment that is not empty. A prefix template that ends in a slash also serves the path without it (O2).
public struct RouteTable: Sendable {
    let root: RouteNode?
    /// Number of routes.
    public let count: Int

    public init() {
        root = nil
        count = 0
    }

    private init(root: RouteNode?, count: Int) {
        self.root = root
        self.count = count
    }

    public var isEmpty: Bool { count == 0 }

    /// The table with `route` in place of one of the same method, path and match mode, if there is one.
    public func inserting(_ route: Route) -> RouteTable {
        let key = RouteKey(method: route.method, path: route.path, matchMode: route.matchMode)
        let (node, replaced) = (root ?? RouteNode()).inserting(route, key, depth: 0)
        return RouteTable(root: node, count: replaced ? count : count + 1)
    }

    public func removing(method: RouteMethod, path: PathTemplate, matchMode: MatchMode) -> RouteTable {
        guard let root else { return self }
        let key = RouteKey(method: method, path: path, matchMode: matchMode)
        guard root.contains(key, depth: 0) else { return self }
        return RouteTable(root: root.removing(key, depth: 0), count: count - 1)
    }

    /// All routes, in no order; for tests and explanations, not for requests.
    public var all: [Route] {
        var result: [Route] = []
        root?.collect(into: &result)
        return result
    }

    /// Finds the route of a request and leaves it, with its captures, in `match`.
    /// - Parameters:
    ///   - path: the path in the form that is matched, beginning with a slash.
    ///   - method: nil for methods that have no name here; they meet ANY routes only.
    /// - Returns: false when no route serves this path with this method. `match.sawPath` then says whether one serves the path.
    public func match(_ path: ByteView, method: RouteMethod?, into match: RouteMatch) -> Bool {
        match.clear()
        guard let root, path.count > 0, path[0] == UInt8(ascii: "/") else { return false }
        var search = RouteSearch(path: path, method: method, match: match)
        return search.findWhole(root, from: 1) || search.findPrefix(root, from: 1)
    }
}

/// What identifies a route inside a table.
struct RouteKey {
    let method: RouteMethod
    let path: PathTemplate
    let matchMode: MatchMode
    /// The segments that are walked: a prefix template's trailing slash is no segment of its own.
    let segments: ArraySlice<PathTemplate.Segment>
    let endsInSlash: Bool

    init(method: RouteMethod, path: PathTemplate, matchMode: MatchMode) {
        self.method = method
        self.path = path
        self.matchMode = matchMode
        endsInSlash = matchMode == .prefix && path.segments.last == .literal([])
        segments = endsInSlash ? path.segments.dropLast() : path.segments[...]
    }
}

/// The route of a request and what its path parameters captured. Reused; confined to one event loop.
public final class RouteMatch {
    public struct Capture: Equatable, Sendable {
        public var start: UInt16
        public var count: UInt16
    }

    public fileprivate(set) var route: Route?
    /// SWA: where the request's path goes on behind the template.
    public fileprivate(set) var restStart = 0
    public fileprivate(set) var captureCount = 0
    /// A route with this path exists, though not with this method.
    public fileprivate(set) var sawPath = false
    private let captures: UnsafeMutablePointer<Capture>

    /// A path has 512 characters at most and a parameter needs four of them.
    static let capacity = 128

    public init() { captures = .allocate(capacity: Self.capacity) }
    deinit { captures.deallocate() }

    /// Place of a captured value in the path that was matched; `index` in `0 ..< captureCount`.
    public subscript(index: Int) -> Capture {
        precondition(index >= 0 && index < captureCount)
        return captures[index]
    }

    public func clear() {
        route = nil
        restStart = 0
        captureCount = 0
        sawPath = false
    }

    fileprivate func push(_ start: Int, _ count: Int) {
        guard captureCount < Self.capacity else { return }
        captures[captureCount] = Capture(
            start: UInt16(truncatingIfNeeded: start), count: UInt16(truncatingIfNeeded: count))
        captureCount += 1
    }

    fileprivate func pop(to count: Int) { captureCount = count }
}

/// One search; depth-first in the order of precedence, so that the first fit is the best one.
private struct RouteSearch {
    let path: ByteView
    let method: RouteMethod?
    let match: RouteMatch

    /// NORMAL: the whole path. `from` is where the next segment begins; `path.count + 1` behind the last one.
    mutating func findWhole(_ node: RouteNode, from: Int) -> Bool {
        if from > path.count {
            return choose(node.whole)
        }
        let end = path.firstIndex(of: UInt8(ascii: "/"), from: from) ?? path.count
        if let child = node.literals.value(for: path.slice(from, end)), findWhole(child, from: end + 1) { return true }
        let depth = match.captureCount
        if let child = node.parameter, end > from {
            match.push(from, end - from)
            if findWhole(child, from: end + 1) { return true }
            match.pop(to: depth)
        }
        // `{x+}` takes one or more segments: something must be there.
        if !node.rest.isEmpty, path.count > from {
            match.push(from, path.count - from)
            if choose(node.rest) { return true }
            match.pop(to: depth)
        }
        return false
    }

    /// SWA: a prefix that ends where a segment ends.
    mutating func findPrefix(_ node: RouteNode, from: Int) -> Bool {
        if from <= path.count {
            let end = path.firstIndex(of: UInt8(ascii: "/"), from: from) ?? path.count
            if let child = node.literals.value(for: path.slice(from, end)), findPrefix(child, from: end + 1) { return true }
            if let child = node.parameter, end > from {
                let depth = match.captureCount
                match.push(from, end - from)
                if findPrefix(child, from: end + 1) { return true }
                match.pop(to: depth)
            }
        }
        // The slash before `from` belongs to templates that end in one, when it is there.
        if from <= path.count, choose(node.slashPrefixes) {
            match.restStart = from
            return true
        }
        if choose(node.prefixes) || choose(node.slashPrefixes) {
            match.restStart = min(from - 1, path.count)
            return true
        }
        return false
    }

    private func choose(_ routes: ContiguousArray<Route>) -> Bool {
        guard !routes.isEmpty else { return false }
        match.sawPath = true
        var fallback: Route?
        for route in routes {
            if route.method == .any {
                fallback = route
            } else if route.method == method {
                match.route = route
                return true
            }
        }
        match.route = fallback
        return fallback != nil
    }
}

/// One segment position. A node holds the routes that end there; immutable.
final class RouteNode: Sendable {
    let literals: ByteTrie<RouteNode>
    let parameter: RouteNode?
    /// NORMAL templates that end here; one route a method.
    let whole: ContiguousArray<Route>
    /// NORMAL templates that end in `{x+}` at this position.
    let rest: ContiguousArray<Route>
    /// SWA templates that end here, without and with a trailing slash.
    let prefixes: ContiguousArray<Route>
    let slashPrefixes: ContiguousArray<Route>

    init(
        literals: ByteTrie<RouteNode> = ByteTrie(), parameter: RouteNode? = nil, whole: ContiguousArray<Route> = [],
        rest: ContiguousArray<Route> = [], prefixes: ContiguousArray<Route> = [], slashPrefixes: ContiguousArray<Route> = []
    ) {
        self.literals = literals
        self.parameter = parameter
        self.whole = whole
        self.rest = rest
        self.prefixes = prefixes
        self.slashPrefixes = slashPrefixes
    }

    private var isEmpty: Bool {
        literals.isEmpty && parameter == nil && whole.isEmpty && rest.isEmpty && prefixes.isEmpty && slashPrefixes.isEmpty
    }

    private enum Place { case whole, rest, prefixes, slashPrefixes, literal([UInt8]), parameter }

    private func place(_ key: RouteKey, depth: Int) -> Place {
        guard depth < key.segments.count else {
            return key.matchMode == .normal ? .whole : key.endsInSlash ? .slashPrefixes : .prefixes
        }
        switch key.segments[key.segments.startIndex + depth] {
        case .literal(let bytes): return .literal(bytes)
        case .parameter: return .parameter
        case .rest: return .rest
        }
    }

    private func routes(_ place: Place) -> ContiguousArray<Route> {
        switch place {
        case .whole: whole
        case .rest: rest
        case .prefixes: prefixes
        case .slashPrefixes: slashPrefixes
        case .literal, .parameter: []
        }
    }

    private func replacing(_ place: Place, by routes: ContiguousArray<Route>) -> RouteNode {
        var (whole, rest, prefixes, slashPrefixes) = (whole, rest, prefixes, slashPrefixes)
        switch place {
        case .whole: whole = routes
        case .rest: rest = routes
        case .prefixes: prefixes = routes
        case .slashPrefixes: slashPrefixes = routes
        case .literal, .parameter: break
        }
        return RouteNode(
            literals: literals, parameter: parameter, whole: whole, rest: rest, prefixes: prefixes,
            slashPrefixes: slashPrefixes)
    }

    private func replacing(literal: [UInt8], by child: RouteNode?) -> RouteNode {
        RouteNode(
            literals: literals.setting(literal, to: child), parameter: parameter, whole: whole, rest: rest,
            prefixes: prefixes, slashPrefixes: slashPrefixes)
    }

    private func replacing(parameter child: RouteNode?) -> RouteNode {
        RouteNode(
            literals: literals, parameter: child, whole: whole, rest: rest, prefixes: prefixes,
            slashPrefixes: slashPrefixes)
    }

    func inserting(_ route: Route, _ key: RouteKey, depth: Int) -> (node: RouteNode, replaced: Bool) {
        let place = place(key, depth: depth)
        switch place {
        case .literal(let bytes):
            let (child, replaced) = (literals.value(for: bytes) ?? RouteNode()).inserting(route, key, depth: depth + 1)
            return (replacing(literal: bytes, by: child), replaced)
        case .parameter:
            let (child, replaced) = (parameter ?? RouteNode()).inserting(route, key, depth: depth + 1)
            return (replacing(parameter: child), replaced)
        case .whole, .rest, .prefixes, .slashPrefixes:
            var routes = routes(place)
            if let index = routes.firstIndex(where: { $0.method == key.method }) {
                routes[index] = route
                return (replacing(place, by: routes), true)
            }
            routes.append(route)
            return (replacing(place, by: routes), false)
        }
    }

    func contains(_ key: RouteKey, depth: Int) -> Bool {
        let place = place(key, depth: depth)
        switch place {
        case .literal(let bytes): return literals.value(for: bytes)?.contains(key, depth: depth + 1) ?? false
        case .parameter: return parameter?.contains(key, depth: depth + 1) ?? false
        case .whole, .rest, .prefixes, .slashPrefixes: return routes(place).contains { $0.method == key.method }
        }
    }

    /// The node without the route, which it holds; nil when nothing is left of it.
    func removing(_ key: RouteKey, depth: Int) -> RouteNode? {
        let place = place(key, depth: depth)
        let result: RouteNode
        switch place {
        case .literal(let bytes):
            result = replacing(literal: bytes, by: literals.value(for: bytes)?.removing(key, depth: depth + 1))
        case .parameter:
            result = replacing(parameter: parameter?.removing(key, depth: depth + 1))
        case .whole, .rest, .prefixes, .slashPrefixes:
            result = replacing(place, by: routes(place).filter { $0.method != key.method })
        }
        return result.isEmpty ? nil : result
    }

    func collect(into result: inout [Route]) {
        result.append(contentsOf: whole)
        result.append(contentsOf: rest)
        result.append(contentsOf: prefixes)
        result.append(contentsOf: slashPrefixes)
        parameter?.collect(into: &result)
        for (_, node) in literals.all { node.collect(into: &result) }
    }
}
