import GatewayPrimitives
import RequestSigning
import Synchronization

/// A custom authorizer at its place in an API (gateway-runtime.md, 2.7).
public final class AuthorizerPolicy: Sendable {
    /// Where a caller's credential is, and what it must look like.
    public struct Identity: Sendable {
        public enum Source: Sendable, Equatable {
            /// Lower case.
            case header([UInt8])
            /// Decoded.
            case query([UInt8])
        }

        public let source: Source
        /// nil: it must be there.
        public let pattern: PatternMatcher?

        public init(source: Source, pattern: PatternMatcher?) {
            self.source = source
            self.pattern = pattern
        }
    }

    public let side: AuthorizerSide
    public let function: FunctionTarget
    /// Empty: the function sees all headers and query parameters. Only of the front one.
    public let identities: [Identity]
    /// UTF-8.
    public let userData: [UInt8]
    /// The function sees the request's body.
    public let needsBody: Bool
    /// The body is sent in Base64.
    public let encodesBody: Bool
    /// How long the function may take.
    public let timeoutMilliseconds: Int
    /// nil: the function is asked every time.
    public let cache: AuthorizerCache?

    public init(
        side: AuthorizerSide, function: FunctionTarget, identities: [Identity], userData: [UInt8], needsBody: Bool, encodesBody: Bool,
        timeoutMilliseconds: Int, cache: AuthorizerCache?
    ) {
        self.side = side
        self.function = function
        self.identities = identities
        self.userData = userData
        self.needsBody = needsBody
        self.encodesBody = encodesBody
        self.timeoutMilliseconds = timeoutMilliseconds
        self.cache = cache
    }
}

/// What an authorizer has decided.
public struct AuthorizerDecision: Sendable, Equatable {
    public let isAllowed: Bool
    public let context: AuthorizerContext

    public init(isAllowed: Bool, context: AuthorizerContext) {
        self.isAllowed = isAllowed
        self.context = context
    }
}

/// Decisions of one authorizer for one API in one environment (gateway-runtime.md, O11). Any thread.
///
/// It belongs to one state of the authorizer: a changed one has another cache, so that no decision outlives what it was made by.
/// Kept in two generations, as many entries and bytes as the bounds allow: when the younger one is full or has been filled for a
/// `ttl`, it takes the place of the older one. Constant work a call.
public final class AuthorizerCache: Sendable {
    /// Entries of one generation.
    public static let maxEntries = 5000
    /// Bytes of the contexts of one generation.
    public static let maxBytes = 4 * 1024 * 1024

    private struct Entry {
        let decision: AuthorizerDecision
        let endsAt: Int64
    }

    private struct State {
        var young: [BodyDigest: Entry] = [:]
        var old: [BodyDigest: Entry] = [:]
        var youngBytes = 0
        var youngStart: Int64 = 0
    }

    private let ttl: Int64
    private let maxEntries: Int
    private let maxBytes: Int
    private let state = Mutex(State())

    /// - Parameter ttl: milliseconds for which a decision is remembered.
    public init(ttl: Int64, maxEntries: Int = AuthorizerCache.maxEntries, maxBytes: Int = AuthorizerCache.maxBytes) {
        self.ttl = ttl
        self.maxEntries = maxEntries
        self.maxBytes = maxBytes
    }

    /// - Parameter now: milliseconds of a monotonic clock.
    /// - Returns: nil when there is none, or not any more.
    public func decision(for key: BodyDigest, at now: Int64) -> AuthorizerDecision? {
        state.withLock { state in
            guard let entry = state.young[key] ?? state.old[key], now < entry.endsAt else { return nil }
            return entry.decision
        }
    }

    public func remember(_ decision: AuthorizerDecision, for key: BodyDigest, at now: Int64) {
        let bytes = decision.context.byteCount
        guard bytes <= maxBytes else { return }
        state.withLock { state in
            if state.young.count >= maxEntries || state.youngBytes + bytes > maxBytes || now - state.youngStart >= ttl {
                state.old = state.young
                state.young = [:]
                state.youngBytes = 0
                state.youngStart = now
            }
            state.old[key] = nil
            if let replaced = state.young.updateValue(Entry(decision: decision, endsAt: now + ttl), forKey: key) {
                state.youngBytes -= replaced.decision.context.byteCount
            }
            state.youngBytes += bytes
        }
    }

    /// Decisions held at present, ended ones included.
    public var count: Int { state.withLock { $0.young.count + $0.old.count } }
}
