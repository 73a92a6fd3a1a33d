import GatewayPrimitives
import Snapshot

/// What a backend is asked, piece by piece, for one that is not spoken to in plain HTTP. The same pieces as ``RequestWriter`` writes.
///
/// Valid as long as the request's head and its mapping are not changed.
public struct BackendRequest {
    public let head: RequestHead
    /// Names of the path's parameters.
    public let template: PathTemplate
    public let captures: RouteCaptures
    /// nil: nothing of the request is moved. It must have been mapped for the backend that was chosen.
    public let parameters: MappedRequest?

    public init(head: RequestHead, template: PathTemplate, captures: RouteCaptures, parameters: MappedRequest?) {
        self.head = head
        self.template = template
        self.captures = captures
        self.parameters = parameters
    }

    /// As received; names are case-sensitive.
    public var method: ByteView { head.methodName }

    /// The path that was matched: decoded once, or as received with feature `api_uri_no_escape` (gateway-runtime.md, 1.5).
    public var path: ByteView { head.path }

    /// Parameters of the front path, with values in the form of ``path``.
    public func forEachPathParameter(_ body: (_ name: String, _ value: ByteView) -> Void) {
        for (index, name) in template.parameterNames.enumerated() where index < captures.count {
            let range = captures[index]
            body(name, head.path.slice(range.lowerBound, range.upperBound))
        }
    }

    /// Query parameters in the order in which they are sent, name and value decoded.
    public func forEachQueryParameter(_ body: (_ name: [UInt8], _ value: [UInt8]) -> Void) {
        func decoded(_ view: ByteView) -> [UInt8] { PercentEncoding.decode(view.array, plusIsBlank: true) }
        if let parameters, parameters.mapping != nil {
            parameters.forEachPair(head.query) { name, value, isRaw in
                if isRaw { body(decoded(name), decoded(value)) } else { body(name.array, value.array) }
            }
        } else if let query = head.query {
            QueryParameters(query).forEach { name, value in
                body(decoded(name), decoded(value))
                return true
            }
        }
    }

    /// Header fields that concern the message and not its connection: received ones that go on, those of stages, those of the
    /// mapping. A name may come several times.
    public func forEachHeader(_ body: (_ name: ByteView, _ value: ByteView) -> Void) {
        for index in 0..<head.fieldCount where !head.isRemoved(at: index) {
            if head.known(at: index) == .xApigMode || replaces(index) { continue }
            body(head.name(at: index), head.value(at: index))
        }
        for line in head.added { line.name.withUnsafeBytes { name in line.value.withUnsafeBytes { body(ByteView(name), ByteView($0)) } } }
        guard let parameters, parameters.mapping != nil else { return }
        if let host = parameters.host { body(ByteView("Host"), parameters.view(host)) }
        parameters.forEachHeader(body)
    }

    private func replaces(_ index: Int) -> Bool {
        guard let parameters, parameters.mapping != nil else { return false }
        return parameters.holds(field: index) || (parameters.host != nil && head.known(at: index) == .host)
    }
}
