import ControlPlane

/// Mounts the resource families, nothing else: one line each.
public enum ManagementOperations {
    public static func all(_ plane: ControlPlane) -> OperationRoutes {
        var routes = OperationRoutes()
        routes.addInstances(plane)
        routes.addFeatures(plane)
        routes.addApplications(plane)
        routes.addApplicationViews(plane)
        routes.addAuthorizations(plane)
        routes.addAppCodes(plane)
        routes.addAppQuotas(plane)
        routes.addAPIGroups(plane)
        routes.addChannels(plane)
        routes.addEnvironments(plane)
        routes.addEnvironmentVariables(plane)
        routes.addAuthorizers(plane)
        routes.addOrchestrations(plane)
        routes.addAPIs(plane)
        routes.addPublishing(plane)
        routes.addSignatureKeys(plane)
        routes.addAccessPolicies(plane)
        routes.addPlugins(plane)
        routes.addDomains(plane)
        routes.addCertificates(plane)
        routes.addGroupResponses(plane)
        routes.addThrottles(plane)
        routes.addStatistics(plane)
        routes.addDictionaries(plane)
        routes.addLivedataAPIs(plane)
        return routes
    }
}
