/// Finds what serves a path: fixed segments before parameters, method last.
///
/// Lookup costs the number of segments; where a fixed segment matches and does not serve the
/// method, the parameter beside it is tried, so that no id can be shadowed by a neighbour's name.
struct RouteTree<Endpoint: Sendable>: Sendable {
    struct Match: Sendable {
        let endpoint: Endpoint
        /// Raw values of the parameters, in the order of the path.
        let values: [String]
    }

    enum Outcome: Sendable {
        case found(Match)
        /// The methods that the path serves, sorted.
        case otherMethods([String])
        case nothing
    }

    private struct Node: Sendable {
        var fixed: [String: Node] = [:]
        /// One element or none: boxes the recursion.
        var parameter: [Node] = []
        var endpoints: [String: Endpoint] = [:]
    }

    /// Longer paths match nothing.
    static var segmentLimit: Int { 16 }

    private var root = Node()

    /// - Parameter template: a path with `{parameters}`.
    /// - Returns: false when there was an endpoint already; the first one stays.
    mutating func add(_ method: String, _ template: String, _ endpoint: Endpoint) -> Bool {
        Self.add(&root, Self.segments(template)[...], method, endpoint)
    }

    private static func add(_ node: inout Node, _ rest: ArraySlice<String>, _ method: String, _ endpoint: Endpoint) -> Bool {
        guard let first = rest.first else {
            guard node.endpoints[method] == nil else { return false }
            node.endpoints[method] = endpoint
            return true
        }
        if first.hasPrefix("{") {
            if node.parameter.isEmpty { node.parameter.append(Node()) }
            return add(&node.parameter[0], rest.dropFirst(), method, endpoint)
        }
        return add(&node.fixed[first, default: Node()], rest.dropFirst(), method, endpoint)
    }

    /// - Parameter path: the path as sent, without query.
    func find(_ method: String, _ path: some StringProtocol) -> Outcome {
        guard path.hasPrefix("/") else { return .nothing }
        let segments = Self.segments(path)
        guard segments.count <= Self.segmentLimit else { return .nothing }
        var others: Set<String> = []
        if let match = Self.find(root, segments[...], [], method, &others) { return .found(match) }
        return others.isEmpty ? .nothing : .otherMethods(others.sorted())
    }

    private static func find(
        _ node: Node, _ rest: ArraySlice<String>, _ values: [String], _ method: String, _ others: inout Set<String>
    ) -> Match? {
        guard let first = rest.first else {
            others.formUnion(node.endpoints.keys)
            return node.endpoints[method].map { Match(endpoint: $0, values: values) }
        }
        if let next = node.fixed[first], let match = find(next, rest.dropFirst(), values, method, &others) { return match }
        if let next = node.parameter.first, !first.isEmpty {
            return find(next, rest.dropFirst(), values + [first], method, &others)
        }
        return nil
    }

    private static func segments(_ path: some StringProtocol) -> [String] {
        String(path).split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    }
}
