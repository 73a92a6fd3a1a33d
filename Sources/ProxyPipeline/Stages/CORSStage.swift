import GatewayPrimitives
import Snapshot

/// Cross-origin requests of an API with a cors plug-in (gateway-runtime.md, 8.1).
///
/// A preflight is answered before access lists and authentication, for browsers send it without credentials: an OPTIONS request
/// is routed as the method that it asks for, and answered here when that route has the plug-in. An API without the plug-in may have
/// a switch of its own, which lets any origin read the answers.
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

    // MARK: The API's own switch

    private typealias OwnLine = (lowercase: [UInt8], line: HeaderLine)

    private static func own(_ name: String, _ value: String) -> OwnLine {
        (Array(name.lowercased().utf8), HeaderLine(name: Array(name.utf8), value: Array(value.utf8)))
    }

    private static let anyOrigin = own("Access-Control-Allow-Origin", "*")

    /// What an API for OPTIONS says besides, to a browser that asks beforehand.
    private static let preflightLines = [
        own(
            "Access-Control-Allow-Headers",
            "X-Stage,X-Sdk-Date,X-Sdk-Nonce,X-Proxy-Signed-Headers,X-Sdk-Content-Sha256,X-Forwarded-For,Authorization,"
                + "Content-Type,Accept,Accept-Ranges,Cache-Control,Range"),
        own(
            "Access-Control-Expose-Headers",
            "X-Request-Id,X-Apig-Latency,X-Apig-Upstream-Latency,X-Apig-RateLimit-Api,X-Apig-RateLimit-User,"
                + "X-Apig-RateLimit-App,X-Apig-RateLimit-Ip,X-Apig-RateLimit-Api-Allenv"),
        own("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH"),
        own("Access-Control-Max-Age", "172800"),
    ]

    /// Lets any origin read the answer, the gateway's own errors included. What the backend has said of it stays
    /// (gateway-runtime.md, 10).
    ///
    /// - Parameter answersOptions: the API is defined for OPTIONS alone, and so answers preflights.
    public static func allowAnyOrigin(_ request: RequestHead, to response: ResponseHead, answersOptions: Bool) {
        guard request.value(.origin) != nil else { return }
        add(anyOrigin, to: response)
        guard answersOptions, isPreflight(request) else { return }
        for line in preflightLines { add(line, to: response) }
    }

    private static func add(_ own: OwnLine, to response: ResponseHead) {
        guard response.value(named: own.lowercase) == nil,
            // A mock has said what it says by adding it.
            !response.added.contains(where: { $0.name.withUnsafeBytes { ByteView($0).equalsIgnoringCase(own.lowercase) } })
        else { return }
        response.add(own.line)
    }
}
