import GatewayPrimitives
import RequestSigning
import Snapshot

/// Recognises requests that the gateway itself has sent on (gateway-runtime.md, 1.8).
public enum HopStage {
    public enum Verdict {
        /// Its requests carry the route's own mark.
        case first
        /// They carry this one.
        case further([UInt8])
        /// It comes from the API itself, or through too many.
        case refused
    }

    /// Without a key, and with a mark that it has not signed, the request comes from outside, whatever it says.
    public static func check(_ head: RequestHead, _ route: Route, _ snapshot: GatewaySnapshot) -> Verdict {
        guard let value = head.value(.xGatehouseHop), let key = snapshot.hops, let hop = key.read(value) else { return .first }
        guard hop.depth < HopKey.depthLimit, hop.apiID != route.identity.apiID else { return .refused }
        return .further(key.value(depth: hop.depth + 1, apiID: route.identity.apiID))
    }
}
