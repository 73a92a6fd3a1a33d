import GatewayPrimitives

/// What is read of the requests of a route for mappings, conditions of backend policies and orchestration rules: values in
/// numbered slots. Routes that ask for nothing have none.
///
/// Slots `0 ..< sources.count` are declared parameters; those behind are what the orchestration rules make.
public final class ParameterReading: Sendable {
    /// A declared parameter that somebody asks for.
    public struct Source: Sendable, Equatable {
        public enum Location: Sendable, Equatable {
            /// Index among the parameters of the route's path.
            case path(Int)
            /// Number in ``ParameterReading/queryNames``.
            case query(Int)
            /// Number in ``ParameterReading/headerNames``.
            case header(Int)
        }

        public let location: Location
        /// The value of a parameter that the request does not have.
        public let defaultValue: [UInt8]?

        public init(location: Location, defaultValue: [UInt8]?) {
            self.location = location
            self.defaultValue = defaultValue
        }
    }

    public let sources: [Source]
    /// Decoded names of query parameters that a source reads or a mapping holds back -> their number.
    public let queryNames: ByteTrie<Int>
    /// The same of header fields, in lower case.
    public let headerNames: ByteTrie<Int>
    /// By number of a name: the slot that its values go to; -1: none.
    public let querySlots: [Int]
    public let headerSlots: [Int]
    public let orchestration: OrchestrationPolicy?

    public init(
        sources: [Source], queryNames: [[UInt8]], headerNames: [[UInt8]], orchestration: OrchestrationPolicy? = nil
    ) {
        self.sources = sources
        self.orchestration = orchestration
        var querySlots = [Int](repeating: -1, count: queryNames.count)
        var headerSlots = [Int](repeating: -1, count: headerNames.count)
        for (slot, source) in sources.enumerated() {
            switch source.location {
            case .path: break
            case .query(let name): querySlots[name] = slot
            case .header(let name): headerSlots[name] = slot
            }
        }
        self.querySlots = querySlots
        self.headerSlots = headerSlots
        self.queryNames = Self.trie(queryNames)
        self.headerNames = Self.trie(headerNames)
    }

    private static func trie(_ names: [[UInt8]]) -> ByteTrie<Int> {
        var trie = ByteTrie<Int>()
        for (number, name) in names.enumerated() { trie = trie.setting(name, to: number) }
        return trie
    }

    public var slotCount: Int { sources.count + (orchestration?.targets.count ?? 0) }
}

/// What a backend gets of a request besides what is forwarded as it came (gateway-runtime.md, 3.2). Belongs to the
/// ``ParameterReading`` of its route; a choice that changes nothing has none.
public final class ParameterMapping: Sendable {
    /// Where a value comes from.
    public enum Value: Sendable, Equatable {
        /// All values of a slot; a place for one value takes the first.
        case slot(Int)
        /// The default of a slot that the request has no value for; nothing otherwise: what came is forwarded as it came.
        case fallback(Int)
        case constant([UInt8])
        case system(SystemParameter)
        case authorizer(AuthorizerSide, name: [UInt8])
    }

    /// A query parameter or header field of the backend's request.
    public struct Target: Sendable, Equatable {
        /// As it is sent; nothing in it needs encoding.
        public let name: [UInt8]
        public let lowercase: [UInt8]
        public let value: Value

        public init(name: [UInt8], value: Value) {
            self.name = name
            lowercase = name.map(asciiLowercase)
            self.value = value
        }
    }

    public enum PathPiece: Sendable, Equatable {
        /// As it is sent.
        case literal([UInt8])
        /// Value of the front path parameter with this index.
        case capture(Int)
        /// Percent-encoded for a path.
        case value(Value)
        /// SWA: what follows the front prefix.
        case tail
    }

    /// For ``BackendPath/mapped``; nil: the backend's own path, which needs nothing but captures.
    public let path: [PathPiece]?
    public let query: [Target]
    /// Without `Host`.
    public let headers: [Target]
    /// Value of the header `Host`; nil: the backend's own.
    public let host: Value?
    /// By number of the reading's names: what the client sent under this name is not forwarded, because it was moved, is held
    /// back, or would pass for what the gateway puts there.
    public let heldQueries: [Bool]
    public let heldHeaders: [Bool]
    /// A value depends on the member of the channel that is asked, so that each attempt is mapped anew.
    public let asksForMember: Bool

    public init(
        path: [PathPiece]?, query: [Target], headers: [Target], host: Value?, heldQueries: [Bool], heldHeaders: [Bool]
    ) {
        self.path = path
        self.query = query
        self.headers = headers
        self.host = host
        self.heldQueries = heldQueries
        self.heldHeaders = heldHeaders
        var values = query.map(\.value) + headers.map(\.value) + [host].compactMap(\.self)
        for case .value(let value) in path ?? [] { values.append(value) }
        asksForMember = values.contains(.system(.memberGroupName)) || values.contains(.system(.memberGroupID))
    }
}
