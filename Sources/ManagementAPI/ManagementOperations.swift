import ControlPlane

/// Mounts the resource families, nothing else: one line each.
public enum ManagementOperations {
    public static func all(_ plane: ControlPlane) -> OperationRoutes {
        var routes = OperationRoutes()
        routes.addFeatures(plane)
        routes.addSignatureKeys(plane)
        routes.addAccessPolicies(plane)
        routes.addPlugins(plane)
        return routes
    }
}
