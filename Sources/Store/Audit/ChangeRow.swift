/// A change record: what one write did to one object.
public struct ChangeRow: Record, Equatable {
    public static let table = "changes"
    public static let columns = [
        "revision", "position", "made_at", "actor", "source", "request_id", "instance_id", "kind", "object_id", "before_json",
        "after_json", "seal",
    ]
    public static let keyLength = 2

    /// Revision that the write made.
    public var revision: Int64
    /// Place within the write, from 0 on.
    public var position: Int
    /// Nanoseconds since 1970.
    public var madeAt: Int64
    public var actor: String
    /// Address of the client; empty for the program itself and for its commands.
    public var source: String
    public var requestID: String
    /// Empty for what is above instances.
    public var instanceID: String
    public var kind: String
    public var objectID: String
    /// JSON with masked secrets; nil for a new object.
    public var before: String?
    /// nil for a removed object.
    public var after: String?
    /// 64 hex characters; see ``ChangeChain``.
    public var seal: String

    public init(
        revision: Int64, position: Int, madeAt: Int64, actor: String, source: String, requestID: String, instanceID: String,
        kind: String, objectID: String, before: String?, after: String?, seal: String = ""
    ) {
        self.revision = revision
        self.position = position
        self.madeAt = madeAt
        self.actor = actor
        self.source = source
        self.requestID = requestID
        self.instanceID = instanceID
        self.kind = kind
        self.objectID = objectID
        self.before = before
        self.after = after
        self.seal = seal
    }

    public init(row: SQLRow) throws {
        revision = try row.integer("revision")
        position = try row.int("position")
        madeAt = try row.integer("made_at")
        actor = try row.text("actor")
        source = try row.text("source")
        requestID = try row.text("request_id")
        instanceID = try row.text("instance_id")
        kind = try row.text("kind")
        objectID = try row.text("object_id")
        before = try row.optionalText("before_json")
        after = try row.optionalText("after_json")
        seal = try row.text("seal")
    }

    public var values: [SQLValue] {
        [
            .integer(revision), SQLValue(position), .integer(madeAt), .text(actor), .text(source), .text(requestID),
            .text(instanceID), .text(kind), .text(objectID), SQLValue(before), SQLValue(after), .text(seal),
        ]
    }
}
