import WireContract

/// What a path of the management port leads to.
enum ManagementEndpoint: Sendable {
    case operation(OperationEndpoint)
    case identity(IdentityEndpoint)
    case probe(Probe)

    /// The path with its parameters' names: what logs and metrics carry.
    var template: String {
        switch self {
        case .operation(let endpoint): endpoint.template
        case .identity(let endpoint): endpoint.path
        case .probe(let probe): probe.rawValue
        }
    }
}

/// An operation at one of its two paths.
struct OperationEndpoint: Sendable {
    let operation: ContractOperation
    let alias: PathAlias
    let template: String
    /// Names of the path's parameters, in order.
    let parameters: [String]
    let handler: OperationRoutes.Handler?
}

/// Mounts everything, and does nothing else.
enum ManagementRouter {
    static func build(_ routes: OperationRoutes) -> RouteTree<ManagementEndpoint> {
        var tree = RouteTree<ManagementEndpoint>()
        for operation in ContractOperation.allCases {
            let shape = operation.shape
            for (alias, path) in paths(shape.path) {
                let endpoint = OperationEndpoint(
                    operation: operation, alias: alias, template: path,
                    parameters: path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) },
                    handler: routes.handlers[operation])
                // The contract has no two operations at one path and method; a test looks at all.
                _ = tree.add(shape.method.rawValue, path, .operation(endpoint))
            }
        }
        for endpoint in IdentityEndpoint.allCases {
            for path in endpoint.spellings { _ = tree.add(endpoint.method, path, .identity(endpoint)) }
        }
        for probe in Probe.allCases {
            _ = tree.add("GET", probe.rawValue, .probe(probe))
            _ = tree.add("HEAD", probe.rawValue, .probe(probe))
        }
        return tree
    }

    /// Everything under `apic` is also under `apigw`; what is under `apigw` alone is for clients of that product.
    private static func paths(_ path: String) -> [(PathAlias, String)] {
        if path.hasPrefix("/v2/{project_id}/apigw/") { return [(.apigw, path)] }
        let prefix = "/v2/{project_id}/apic/"
        guard path.hasPrefix(prefix) else { return [(.apic, path)] }
        return [(.apic, path), (.apigw, "/v2/{project_id}/apigw/" + path.dropFirst(prefix.count))]
    }
}
