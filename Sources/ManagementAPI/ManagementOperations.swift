import ControlPlane

/// Mounts the resource families, nothing else: one line each.
public enum ManagementOperations {
    /// - Parameters:
    ///   - debugging: sends requests through the gateway of this process.
    ///   - explaining: lets this gateway say what it would do with a request.
    public static func all(
        _ plane: ControlPlane, debugging: @escaping DebugSender, explaining: @escaping Explainer
    ) -> OperationRoutes {
        var routes = OperationRoutes()
        routes.addInstances(plane)
        routes.addFeatures(plane)
        routes.addApplications(plane)
        routes.addApplicationViews(plane)
        routes.addAuthorizations(plane)
        routes.addSecretRotation(plane)
        routes.addAppCodes(plane)
        routes.addCredentialRotation(plane)
        routes.addAppQuotas(plane)
        routes.addAPIGroups(plane)
        routes.addChannels(plane)
        routes.addEnvironments(plane)
        routes.addEnvironmentVariables(plane)
        routes.addAuthorizers(plane)
        routes.addOpenAPI(plane)
        routes.addOrchestrations(plane)
        routes.addAPIs(plane)
        routes.addDebugging(plane, debugging)
        routes.addExplaining(plane, explaining)
        routes.addAudit(plane)
        routes.addHistory(plane)
        routes.addPublishing(plane)
        routes.addSignatureKeys(plane)
        routes.addAccessPolicies(plane)
        routes.addPlugins(plane)
        routes.addDomains(plane)
        routes.addCertificates(plane)
        routes.addGroupResponses(plane)
        routes.addThrottles(plane)
        routes.addOutlines(plane)
        routes.addStatistics(plane)
        routes.addDictionaries(plane)
        routes.addLivedataAPIs(plane)
        routes.addAssets(plane)
        return routes
    }
}
