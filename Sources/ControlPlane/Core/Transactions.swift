import Foundation
import GatewayModel
import GatewayPrimitives
import Store

/// One consistent view of the store. Confined to the closure that receives it.
public class Reading {
    public let sql: any SQLConnection
    /// The moment that the operation counts as made.
    public let now: Timestamp
    let box: SecretBox

    init(sql: any SQLConnection, now: Timestamp, box: SecretBox) {
        self.sql = sql
        self.now = now
        self.box = box
    }

    public func open(_ sealed: String, context: String) throws(StoreError) -> String {
        try box.open(sealed, context: context)
    }
}

/// One write transaction. Everything done here takes effect together, or not at all when the closure throws.
public final class Writing: Reading {
    private(set) var touched: Set<Touch> = []
    private(set) var changes: [Change] = []
    private let instanceID: String

    init(sql: any SQLConnection, now: Timestamp, box: SecretBox, instanceID: String) {
        self.instanceID = instanceID
        super.init(sql: sql, now: now, box: box)
    }

    public func seal(_ text: String, context: String) throws(StoreError) -> String {
        try box.seal(text, context: context)
    }

    /// A new identifier: 32 lower-case hex characters (management-api.md, 1.8).
    public func newID() -> String { Self.newID() }

    static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(32)
        for _ in 0..<2 {
            var bits: UInt64 = generator.next()
            for _ in 0..<16 {
                out.append(digits[Int(bits & 15)])
                bits >>= 4
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Says that what the gateway does may have changed. The touched parts are compiled before the transaction commits.
    public func touch(_ touch: Touch) { touched.insert(touch) }

    /// Adds to the change record; every object that a write makes, changes or removes is recorded once.
    ///
    /// - Parameters:
    ///   - before: the object as it was, nil when it is new. Values of type `Secret` are written masked.
    ///   - after: the object as it is now, nil when it is gone.
    ///   - instanceID: of the object; nil: that of the call.
    public func record<Object: Encodable>(
        _ kind: ResourceKind, id: String, before: Object?, after: Object?, instanceID: String? = nil
    ) throws {
        changes.append(
            Change(
                instanceID: instanceID ?? self.instanceID, kind: kind, id: id, before: try Self.json(before), after: try Self.json(after)))
    }

    /// Runs a part of the write that may fail by itself: what it did is undone when it throws, and the rest goes on.
    func attempt<Result>(_ body: () throws -> Result) throws -> Result {
        let before = (changes, touched)
        try sql.execute("SAVEPOINT attempt")
        do {
            let result = try body()
            try sql.execute("RELEASE SAVEPOINT attempt")
            return result
        } catch {
            try sql.execute("ROLLBACK TO SAVEPOINT attempt")
            try sql.execute("RELEASE SAVEPOINT attempt")
            (changes, touched) = before
            throw error
        }
    }

    private static func json<Object: Encodable>(_ object: Object?) throws -> String? {
        guard let object else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(object), as: UTF8.self)
    }

    /// Counts one revision and stores the change records; the revision as it is when nothing was recorded.
    func finish(call: Call) throws -> UInt64 {
        guard !changes.isEmpty else {
            return UInt64(try sql.first("SELECT revision FROM gateway_state WHERE id = 1", [])?.integer("revision") ?? 0)
        }
        let state = try sql.first("SELECT revision, audit_count FROM gateway_state WHERE id = 1", [])
        let revision = (try state?.integer("revision") ?? 0) + 1
        let count = (try state?.int("audit_count") ?? 0) + changes.count
        let chain = box.changeChain
        var seal = try sql.first("SELECT seal FROM changes ORDER BY revision DESC, position DESC LIMIT 1", [])?.text("seal") ?? ""
        for (position, change) in changes.enumerated() {
            var row = ChangeRow(
                revision: revision, position: position, madeAt: now.nanoseconds, actor: call.actor, source: call.source,
                requestID: call.requestID, instanceID: change.instanceID, kind: change.kind.rawValue, objectID: change.id,
                before: change.before, after: change.after)
            seal = chain.seal(row, after: seal)
            row.seal = seal
            try sql.insert(row)
        }
        try sql.execute(
            "UPDATE gateway_state SET revision = ?, audit_count = ?, audit_seal = ? WHERE id = 1",
            [.integer(revision), SQLValue(count), .text(chain.seal(count: count, last: seal))])
        return UInt64(revision)
    }
}

/// What one write did to one object.
struct Change {
    let instanceID: String
    let kind: ResourceKind
    let id: String
    let before: String?
    let after: String?
}

/// Which compiled parts a write may have changed.
public enum Touch: Hashable, Sendable {
    /// An API in an environment: its definition in force, or what is bound to it.
    case publication(String)
    /// Everything that this signature key, access policy or plug-in is bound to.
    case signatureKey(String)
    case accessPolicy(String)
    case plugin(String)
    /// A load-balance channel and everything that sends requests to it.
    case channel(String)
    /// A throttling policy with its specials, wherever it is bound.
    case throttle(String)
    /// Name and hosts of a group.
    case group(String)
    /// Hosts of a group alone: domains, their certificates, the debugging host.
    case hosts(group: String)
    /// Name of an environment.
    case environment(instanceID: String, id: String)
    /// Features of an instance.
    case instance(String)
    /// Key, secret, codes, access list or quota of an application, made, changed or gone.
    case application(String)
    /// Which applications may call an API in an environment.
    case authorization(apiID: String, environmentID: String)
    /// All that there is is compiled again.
    ///
    /// - Parameter tolerates: what cannot be compiled refuses its requests, as at a start; otherwise the write is refused for
    ///   what is not refusing already.
    case everything(tolerates: Bool)
}
