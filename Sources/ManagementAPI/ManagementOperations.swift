import ControlPlane

/// Mounts the resource families, nothing else: one line each.
public enum ManagementOperations {
    public static func all(_ plane: ControlPlane) -> OperationRoutes {
        let routes = OperationRoutes()
        return routes
    }
}
