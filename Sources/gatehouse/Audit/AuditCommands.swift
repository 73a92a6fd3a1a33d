import ArgumentParser
import ControlPlane
import Foundation
import GatewayModel
import Store

/// The change records: who changed what, when, from where, and how it looked before and after.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the change records. Works while the gateway runs, too.",
        subcommands: [List.self, Verify.self, Export.self])

    struct Selection: ParsableArguments {
        @Option(name: .customLong("data-dir"), help: "The gateway's data folder.") var dataFolder: String
        @Option(help: "Only this kind of object, such as api or signatureKey.") var kind: String?
        @Option(name: .customLong("object"), help: "Only the object with this id.") var objectID: String?
        @Option(help: "Only what this user did.") var actor: String?
        @Option(name: .customLong("instance"), help: "Only what happened in this instance.") var instanceID: String?
        @Option(help: "Only this revision and later ones.") var from: UInt64?
        @Option(help: "Only this revision and earlier ones.") var through: UInt64?

        var filter: ChangeFilter {
            ChangeFilter(
                kind: kind, objectID: objectID, actor: actor, instanceID: instanceID, from: from, through: through)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the newest change records, a line each.")
        @OptionGroup var selection: Selection
        @Option(help: "How many, 1 to 500.") var limit = 50

        func validate() throws {
            guard (1...500).contains(limit) else { throw ValidationError("--limit is 1 to 500") }
        }

        func run() async throws {
            try await StoredConfiguration.open(folder: selection.dataFolder) { plane in
                let changes = try await plane.changes(selection.filter, page: Page(offset: 0, limit: limit))
                for change in changes.items {
                    let act = change.before == nil ? "create" : change.after == nil ? "remove" : "change"
                    print(
                        change.revision, Timestamp(nanoseconds: change.madeAt).inSeconds, change.actor,
                        change.source.isEmpty ? "-" : change.source, act, change.kind, change.objectID, change.requestID)
                }
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that no change record was altered, removed, added or moved.",
            discussion: """
                Prints the head of the records, which names their state. Keep it elsewhere: given back with --head, it also \
                shows that the whole database was not put back to an earlier state.
                """)
        @Option(name: .customLong("data-dir"), help: "The gateway's data folder.") var dataFolder: String
        @Option(help: "A head that an earlier verification printed; must be among the records.") var head: String?

        func run() async throws {
            try await StoredConfiguration.open(folder: dataFolder) { plane in
                switch try await plane.verifyChanges() {
                case .intact(let records, let found):
                    if let head, try await !plane.hasChange(sealed: head) {
                        throw PlainFailure("the records fit, but the given head is not among them: an earlier state was put back")
                    }
                    print("intact: \(records) records, head \(found)")
                case .broken(let revision, let position):
                    throw PlainFailure("record \(position) of revision \(revision) is not as it was written")
                case .incomplete(let records, let expected):
                    throw PlainFailure("\(records) records are there, \(expected) were written")
                }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the change records as JSON, one object a line, oldest first. Secrets are masked.")
        @OptionGroup var selection: Selection

        func run() async throws {
            try await StoredConfiguration.open(folder: selection.dataFolder) { plane in
                try await plane.exportChanges(selection.filter) { change in
                    let encoder = JSONEncoder()
                    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                    let line = try encoder.encode(ExportedChange(change)) + Data("\n".utf8)
                    try FileHandle.standardOutput.write(contentsOf: line)
                }
            }
        }
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
