import GatewayPrimitives
import Snapshot

/// Cross-origin requests of an API with a cors plug-in (gateway-runtime.md, 8.1).
///
/// A preflight is answered before access lists and authentication, for browsers send it without credentials: an OPTIONS request
/// is routed as the method that it asks for, and answered here when that route has the plug-in.
public enum CORSStage {
    private static let requestMethod = Array("access-control-request-method".utf8)
    private static let prefix: StaticString = "access-control-"

    /// The method that an OPTIONS request asks about: nil when it asks about none or one that is unknown.
    public static func requestedMethod(_ head: RequestHead) -> RouteMethod? {
        guard head.method == .options, let name = head.value(named: requestMethod) else { return nil }
        if name.equals("GET") { return .get }
        if name.equals("POST") { return .post }
        if name.equals("PUT") { return .put }
        if name.equals("DELETE") { return .delete }
        if name.equals("HEAD") { return .head }
        if name.equals("PATCH") { return .patch }
        return name.equals("OPTIONS") ? .options : nil
    }

    /// A browser's preflight: OPTIONS with an origin and the method that is to follow.
    public static func isPreflight(_ head: RequestHead) -> Bool {
        head.method == .options && head.value(.origin) != nil && head.value(named: requestMethod) != nil
    }

    /// Makes the answer of a preflight: 200 without body. An origin that is not allowed gets it without CORS lines, which is what
    /// makes the browser refuse.
    public static func answerPreflight(_ policy: CORSPolicy, _ request: RequestHead, in response: ResponseHead) {
        response.begin(status: 200)
        for line in policy.lines(for: request.value(.origin) ?? .empty).preflight { response.add(line) }
    }

    /// Puts the plug-in's lines on any other answer, the gateway's own errors included, in place of the backend's.
    public static func apply(_ policy: CORSPolicy, _ request: RequestHead, to response: ResponseHead) {
        for index in 0..<response.fieldCount where response.name(at: index).hasPrefixIgnoringCase(ByteView(prefix)) {
            response.remove(at: index)
        }
        guard let origin = request.value(.origin) else { return }
        for line in policy.lines(for: origin).actual { response.add(line) }
    }
}
