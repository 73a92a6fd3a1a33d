import RequestSigning

/// Feature `app_token` of an instance (gateway-runtime.md, 2.5): where tokens are had, how long they live, what seals them.
public final class AppTokenPolicy: Sendable {
    /// The path of the token endpoint, at every host of the instance.
    public let path: [UInt8]
    public let accessSeconds: Int
    public let refreshSeconds: Int
    public let key: TokenKey

    public init(path: [UInt8], accessSeconds: Int, refreshSeconds: Int, key: TokenKey) {
        self.path = path
        self.accessSeconds = accessSeconds
        self.refreshSeconds = refreshSeconds
        self.key = key
    }
}
