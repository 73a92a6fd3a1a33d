import GatewayPrimitives

/// The routes of one environment of a group: a persistent trie over path segments. A change copies the nodes on one path.
///
/// Order of candidates (gateway-runtime.md, 1.4 and O3): NORMAL before SWA; segment by segment a literal before `{x}` before
/// `{x+}`; a longer prefix before a shorter one; the request's own method before ANY. A candidate that lacks the method is
/// passed over.
public struct RouteTable: Sendable {
    private var root: Node?
    /// How many routes there are.
    public private(set) var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    /// The table with `route` in place of one of the same method, path and match mode, if there is one.
    public func inserting(_ route: Route) -> RouteTable {
        var result = self
        let key = Self.key(route.path, route.matchMode)
        var replaced = false
        result.root = (root ?? Node()).changing(key[...], matchMode: route.matchMode) { routes in
            routes.set(route, replaced: &replaced)
        }
        if !replaced { result.count += 1 }
        return result
    }

    public func removing(method: RouteMethod, path: PathTemplate, matchMode: MatchMode) -> RouteTable {
        guard let root else { return self }
        var result = self
        var removed = false
        result.root = root.changing(Self.key(path, matchMode)[...], matchMode: matchMode) { routes in
            if routes.remove(method) { removed = true }
        }
        guard removed else { return self }
        result.count -= 1
        return result
    }

    /// All routes, in no order; for tests and explanations, not for requests.
    public var all: [Route] {
        var found: [Route] = []
        func visit(_ node: Node) {
            found += node.exact.all + node.rest.all + node.prefix.all
            node.literals.values.forEach(visit)
            if let parameter = node.parameter { visit(parameter) }
        }
        if let root { visit(root) }
        return found
    }

    /// Finds the route for a path. Any thread; no allocation.
    ///
    /// - Parameters:
    ///   - path: the request's path in its normal form, with the leading slash, without query.
    ///   - method: nil for a method that no API can name; only ANY serves it.
    ///   - captures: receives the values of the path parameters of the route that is returned, and where a prefix route's
    ///     tail begins.
    public func match(path: UnsafeRawBufferPointer, method: RouteMethod?, captures: RouteCaptures) -> Route? {
        captures.reset(pathLength: path.count)
        guard let root, path.count > 0, path[0] == 0x2F else { return nil }
        let search = Search(path: path, method: method, captures: captures)
        return search.normal(root, at: 1) ?? search.prefix(root, at: 1)
    }

    /// A prefix `/test/` is the prefix `/test`: it matches at segment boundaries anyway (O2).
    private static func key(_ path: PathTemplate, _ matchMode: MatchMode) -> [PathTemplate.Segment] {
        if matchMode == .prefix, path.segments.last == .literal([]) { return path.segments.dropLast() }
        return path.segments
    }
}

/// Where the values of a route's path parameters lie in the path. Reused from request to request by one thread.
public final class RouteCaptures {
    /// An API declares at most 50 parameters; what lies beyond the capacity is matched but not captured.
    public static let capacity = 64
    private let storage = UnsafeMutablePointer<(start: Int32, end: Int32)>.allocate(capacity: RouteCaptures.capacity)
    /// How many parameters the matched route has.
    public internal(set) var count = 0
    /// Offset at which a prefix route's tail begins: a slash, or the end of the path.
    public internal(set) var tailStart = 0
    /// A route serves this path, though none with this method.
    public internal(set) var sawOtherMethod = false

    public init() {}

    deinit { storage.deallocate() }

    /// Offsets of the value of parameter `index` within the path.
    public subscript(index: Int) -> Range<Int> {
        precondition(index < count && index < Self.capacity, "the route has no such parameter")
        return Int(storage[index].start)..<Int(storage[index].end)
    }

    func reset(pathLength: Int) {
        count = 0
        tailStart = pathLength
        sawOtherMethod = false
    }

    func push(_ start: Int, _ end: Int) {
        if count < Self.capacity { storage[count] = (Int32(truncatingIfNeeded: start), Int32(truncatingIfNeeded: end)) }
        count += 1
    }

    func pop() { count -= 1 }
}

extension RouteTable {
    /// The routes that end at one node, by method.
    struct MethodRoutes: Sendable {
        private(set) var all: [Route] = []

        var isEmpty: Bool { all.isEmpty }

        @inline(__always)
        func route(for method: RouteMethod?) -> Route? {
            var fallback: Route?
            for route in all {
                if route.method == method { return route }
                if route.method == .any { fallback = route }
            }
            return fallback
        }

        mutating func set(_ route: Route, replaced: inout Bool) {
            if let index = all.firstIndex(where: { $0.method == route.method }) {
                all[index] = route
                replaced = true
            } else {
                all.append(route)
            }
        }

        mutating func remove(_ method: RouteMethod) -> Bool {
            guard let index = all.firstIndex(where: { $0.method == method }) else { return false }
            all.remove(at: index)
            return true
        }
    }

    final class Node: Sendable {
        let literals: ByteTrie<Node>
        let parameter: Node?
        /// NORMAL routes that end here, those that end here with `{x+}`, and SWA routes.
        let exact, rest, prefix: MethodRoutes

        init(
            literals: ByteTrie<Node> = ByteTrie(), parameter: Node? = nil, exact: MethodRoutes = MethodRoutes(),
            rest: MethodRoutes = MethodRoutes(), prefix: MethodRoutes = MethodRoutes()
        ) {
            self.literals = literals
            self.parameter = parameter
            self.exact = exact
            self.rest = rest
            self.prefix = prefix
        }

        private var isEmpty: Bool {
            literals.isEmpty && parameter == nil && exact.isEmpty && rest.isEmpty && prefix.isEmpty
        }

        /// A copy in which `change` was applied to the routes at `path`; nil when nothing is left.
        func changing(
            _ path: ArraySlice<PathTemplate.Segment>, matchMode: MatchMode, _ change: (inout MethodRoutes) -> Void
        ) -> Node? {
            var literals = literals
            var parameter = parameter
            var exact = exact
            var rest = rest
            var prefix = prefix
            switch path.first {
            case nil where matchMode == .prefix: change(&prefix)
            case nil: change(&exact)
            case .rest: change(&rest)
            case .literal(let text):
                let child = literals.value(for: text) ?? Node()
                literals = literals.setting(text, to: child.changing(path.dropFirst(), matchMode: matchMode, change))
            case .parameter:
                parameter = (parameter ?? Node()).changing(path.dropFirst(), matchMode: matchMode, change)
            }
            let node = Node(literals: literals, parameter: parameter, exact: exact, rest: rest, prefix: prefix)
            return node.isEmpty ? nil : node
        }
    }

    /// One walk over the trie. Every node is tried at most once, so the cost is bounded by the table, not by the request.
    private struct Search {
        let path: UnsafeRawBufferPointer
        let method: RouteMethod?
        let captures: RouteCaptures

        /// - Parameter position: start of the next segment, or `path.count + 1` behind the last one.
        func normal(_ node: Node, at position: Int) -> Route? {
            guard position <= path.count else { return choose(node.exact) }
            let end = segmentEnd(position)
            if !node.literals.isEmpty,
                let child = node.literals.value(for: UnsafeRawBufferPointer(rebasing: path[position..<end])),
                let found = normal(child, at: end + 1)
            {
                return found
            }
            if end > position, let child = node.parameter {
                captures.push(position, end)
                if let found = normal(child, at: end + 1) { return found }
                captures.pop()
            }
            if position < path.count, !node.rest.isEmpty, let found = choose(node.rest) {
                captures.push(position, path.count)
                return found
            }
            return nil
        }

        func prefix(_ node: Node, at position: Int) -> Route? {
            if position <= path.count {
                let end = segmentEnd(position)
                if !node.literals.isEmpty,
                    let child = node.literals.value(for: UnsafeRawBufferPointer(rebasing: path[position..<end])),
                    let found = prefix(child, at: end + 1)
                {
                    return found
                }
                if end > position, let child = node.parameter {
                    captures.push(position, end)
                    if let found = prefix(child, at: end + 1) { return found }
                    captures.pop()
                }
            }
            guard let found = choose(node.prefix) else { return nil }
            // `position` is behind the slash that ends the prefix, or behind the end of the path.
            captures.tailStart = position - 1
            return found
        }

        @inline(__always)
        private func choose(_ routes: MethodRoutes) -> Route? {
            guard !routes.isEmpty else { return nil }
            if let found = routes.route(for: method) { return found }
            captures.sawOtherMethod = true
            return nil
        }

        private func segmentEnd(_ position: Int) -> Int {
            var index = position
            while index < path.count, path[index] != 0x2F { index += 1 }
            return index
        }
    }
}
