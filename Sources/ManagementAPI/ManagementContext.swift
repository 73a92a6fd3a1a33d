import Hummingbird
import NIOCore

/// What the server knows of a request besides the request.
public struct ManagementContext: InitializableFromSource, Sendable {
    /// Address of the client without port; empty when unknown.
    let source: String

    init(address: String) { source = address }

    public init(source: ApplicationRequestContextSource) {
        self.source = source.channel.remoteAddress?.ipAddress ?? ""
    }
}
