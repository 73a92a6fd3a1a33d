import Snapshot

/// For each application the routes that it is authorised for, at a cost that depends on the changes alone (feature `app_route`).
struct AppRouteTables {
    private struct Table {
        let instanceID: String
        var environments: [EnvironmentRoutes] = []
    }

    private var tables: [String: Table] = [:]
    private var changed: Set<String> = []
    private(set) var trie = ByteTrie<AppRoutes>()

    mutating func insert(_ route: Route, instanceID: String) {
        for id in route.authorizedApps {
            var table = tables[id] ?? Table(instanceID: instanceID)
            table.environments.insert(route)
            tables[id] = table
            changed.insert(id)
        }
    }

    mutating func remove(_ route: Route) {
        guard !tables.isEmpty else { return }
        for id in route.authorizedApps {
            guard var table = tables[id] else { continue }
            table.environments.remove(route)
            tables[id] = table
            changed.insert(id)
        }
    }

    mutating func removeAll(instanceID: String) {
        for (id, table) in tables where table.instanceID == instanceID {
            tables[id] = Table(instanceID: instanceID)
            changed.insert(id)
        }
    }

    /// Brings the changes into ``trie``.
    mutating func settle() {
        for id in changed {
            guard let table = tables[id] else { continue }
            let isEmpty = table.environments.isEmpty
            trie = trie.setting(Array(id.utf8), to: isEmpty ? nil : AppRoutes(environments: table.environments))
            if isEmpty { tables[id] = nil }
        }
        changed.removeAll()
    }
}

extension [EnvironmentRoutes] {
    mutating func insert(_ route: Route) {
        let identity = route.identity
        if let index = firstIndex(where: { $0.id == identity.environmentID }) {
            let old = self[index]
            self[index] = EnvironmentRoutes(
                id: old.id, name: Array<UInt8>(identity.environmentName.utf8), routes: old.routes.inserting(route))
            return
        }
        append(
            EnvironmentRoutes(
                id: identity.environmentID, name: Array<UInt8>(identity.environmentName.utf8),
                routes: RouteTable().inserting(route)))
        // RELEASE first: a request without X-Stage finds it by one comparison.
        if let release = firstIndex(where: { $0.name == Array<UInt8>("RELEASE".utf8) }), release > 0 { swapAt(0, release) }
    }

    mutating func remove(_ route: Route) {
        guard let index = firstIndex(where: { $0.id == route.identity.environmentID }) else { return }
        let old = self[index]
        let routes = old.routes.removing(method: route.method, path: route.path, matchMode: route.matchMode)
        if routes.isEmpty {
            remove(at: index)
        } else {
            self[index] = EnvironmentRoutes(id: old.id, name: old.name, routes: routes)
        }
    }
}
