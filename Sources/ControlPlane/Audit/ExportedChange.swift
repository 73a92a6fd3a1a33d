import Foundation
import GatewayModel
import Store

extension ChangeRow {
    public var act: HistoryObject.Act { before == nil ? .create : after == nil ? .remove : .change }

    /// The record as an export has it: a JSON object with sorted members, and a line feed.
    public func exportedLine() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(ExportedChange(self)) + Data("\n".utf8)
    }
}

/// A change record as `export` prints it.
private struct ExportedChange: Encodable {
    let revision: Int64
    let position: Int
    let time: String
    let actor: String
    let source: String
    let requestID: String
    let instanceID: String
    let kind: String
    let objectID: String
    let before: String?
    let after: String?
    let seal: String

    init(_ change: ChangeRow) {
        revision = change.revision
        position = change.position
        time = Timestamp(nanoseconds: change.madeAt).inNanoseconds
        actor = change.actor
        source = change.source
        requestID = change.requestID
        instanceID = change.instanceID
        kind = change.kind
        objectID = change.objectID
        before = change.before
        after = change.after
        seal = change.seal
    }

    enum CodingKeys: String, CodingKey {
        case revision, position, time, actor, source, kind, before, after, seal
        case requestID = "request_id"
        case instanceID = "instance_id"
        case objectID = "object_id"
    }

    /// Absent states are written as null.
    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(revision, forKey: .revision)
        try values.encode(position, forKey: .position)
        try values.encode(time, forKey: .time)
        try values.encode(actor, forKey: .actor)
        try values.encode(source, forKey: .source)
        try values.encode(requestID, forKey: .requestID)
        try values.encode(instanceID, forKey: .instanceID)
        try values.encode(kind, forKey: .kind)
        try values.encode(objectID, forKey: .objectID)
        try values.encode(before, forKey: .before)
        try values.encode(after, forKey: .after)
        try values.encode(seal, forKey: .seal)
    }
}
