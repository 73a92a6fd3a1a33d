import GatewayPrimitives
import RequestSigning
import Synchronization

/// A secret of an application: the present one, or one that was replaced and has not ended yet.
public final class AppSecret: Sendable {
    public let id: String
    public let bytes: [UInt8]
    /// The secret, worked into a hash.
    public let signingKey: SigningKey
    /// Milliseconds since 1970 from which on it proves nothing; nil: it does not end by itself.
    public let endsAt: Int64?
    /// Who has proved what with it.
    public let use: SecretUse

    public init(id: String, secret: Secret, endsAt: Int64?, use: SecretUse) {
        self.id = id
        bytes = Array(secret.revealed.utf8)
        signingKey = SigningKey(secret)
        self.endsAt = endsAt
        self.use = use
    }

    /// - Parameter wall: milliseconds since 1970.
    public func isAlive(at wall: Int64) -> Bool { endsAt.map { wall < $0 } ?? true }

    /// Whether `secret` is this one, in constant time.
    public func matches(_ secret: ByteView) -> Bool {
        bytes.withUnsafeBytes { equalInConstantTime($0, secret.buffer) }
    }
}

/// Calls that a secret has proved since they were last taken. Any thread.
public final class SecretUse: Sendable {
    public struct Counts: Sendable, Equatable {
        public var calls: Int64 = 0
        /// Milliseconds since 1970 of the last one.
        public var lastAt: Int64 = 0
        /// Where the last one came from.
        public var lastAddress: IPAddress?

        public init() {}
    }

    /// Whose secret it is.
    public let applicationID: String
    private let counts = Mutex(Counts())

    init(applicationID: String) { self.applicationID = applicationID }

    /// - Parameter wall: milliseconds since 1970.
    public func note(at wall: Int64, from address: IPAddress) {
        counts.withLock { counts in
            counts.calls += 1
            counts.lastAt = max(counts.lastAt, wall)
            counts.lastAddress = address
        }
    }

    /// What came since the last call; nil when nothing did.
    fileprivate func take() -> Counts? {
        counts.withLock { counts in
            guard counts.calls > 0 else { return nil }
            defer { counts = Counts() }
            return counts
        }
    }

    fileprivate func giveBack(_ taken: Counts) {
        counts.withLock { counts in
            counts.calls += taken.calls
            guard counts.lastAt < taken.lastAt else { return }
            counts.lastAt = taken.lastAt
            counts.lastAddress = taken.lastAddress
        }
    }
}

/// The counts of all secrets, under their ids: they outlive snapshots. Any thread.
public final class SecretLedger: Sendable {
    private let uses = Mutex<[String: SecretUse]>([:])

    public init() {}

    /// The counts of a secret, made when there are none.
    public func use(of id: String, applicationID: String) -> SecretUse {
        uses.withLock { uses in
            if let found = uses[id] { return found }
            let made = SecretUse(applicationID: applicationID)
            uses[id] = made
            return made
        }
    }

    /// What one secret was used for since it was asked last.
    public struct Taken: Sendable {
        public let secretID, applicationID: String
        public let counts: SecretUse.Counts
    }

    /// Of secrets that were used.
    public func take() -> [Taken] {
        uses.withLock { $0 }.compactMap { id, use in
            use.take().map { Taken(secretID: id, applicationID: use.applicationID, counts: $0) }
        }
    }

    /// For counts that could not be stored.
    public func giveBack(_ taken: [Taken]) {
        for one in taken { use(of: one.secretID, applicationID: one.applicationID).giveBack(one.counts) }
    }

    /// Secrets that are gone. What still proves something with one of them meanwhile is not counted.
    public func forget(_ ids: some Sequence<String>) {
        uses.withLock { uses in for id in ids { uses[id] = nil } }
    }
}
