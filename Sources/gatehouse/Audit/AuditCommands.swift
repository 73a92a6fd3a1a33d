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
        @Option(name: .customLong("request"), help: "Only what was done by the request with this id.") var requestID: String?
        @Option(help: "Only create, change or remove.") var act: HistoryObject.Act?
        @Option(help: "Only from this moment on, such as 2026-11-21T08:00:00Z.") var since: Timestamp?
        @Option(help: "Only up to this moment.") var until: Timestamp?

        var filter: ChangeFilter {
            var filter = ChangeFilter(
                kind: kind, objectID: objectID, actor: actor, instanceID: instanceID, from: from, through: through)
            filter.requestID = requestID
            filter.act = act
            filter.since = since
            filter.until = until
            return filter
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
                    print(
                        change.revision, Timestamp(nanoseconds: change.madeAt).inSeconds, change.actor,
                        change.source.isEmpty ? "-" : change.source, change.act.rawValue, change.kind, change.objectID, change.requestID)
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
                    try FileHandle.standardOutput.write(contentsOf: try change.exportedLine())
                }
            }
        }
    }
}

extension HistoryObject.Act: ExpressibleByArgument {}

extension Timestamp: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
