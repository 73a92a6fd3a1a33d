import GatewayPrimitives

/// The APIs that one application is authorised for, found by path and method alone (feature `app_route`; gateway-runtime.md, 1.1).
public final class AppRoutes: Sendable {
    /// As ``VirtualHost/environments``.
    public let environments: [EnvironmentRoutes]

    public init(environments: [EnvironmentRoutes]) { self.environments = environments }
}
