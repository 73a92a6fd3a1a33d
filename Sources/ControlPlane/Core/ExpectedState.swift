import Store

/// What the sender of a write believes about the object that its request names (`If-Match`).
///
/// The tag of an object is the revision of the last write that changed it. It says nothing of other objects whose names an
/// answer shows as well.
public struct ExpectedState: Sendable, Equatable {
    public enum Tags: Sendable, Equatable {
        /// `If-Match: *`: any state, as long as the object exists.
        case any
        /// One of these. What is not a tag of this server matches nothing, so that it is no member.
        case oneOf([UInt64])
    }

    public let tags: Tags

    public init(_ tags: Tags) { self.tags = tags }

    func holds(for tag: UInt64?) -> Bool {
        switch tags {
        case .any: true
        case .oneOf(let known): tag.map { known.contains($0) } ?? false
        }
    }
}

/// The object that a request's path names.
public struct CallSubject: Sendable, Equatable {
    public let kind: ResourceKind
    public let id: String

    public init(kind: ResourceKind, id: String) {
        self.kind = kind
        self.id = id
    }
}

extension Reading {
    /// Revision of the last write that made or changed the object; nil when none is on record. Costs one look into an index.
    public func tag(of subject: CallSubject, instanceID: String) throws -> UInt64? {
        // Instances, certificates and channels are also changed from above instances. Only the environment RELEASE has the same id
        // in all of them.
        let row = try sql.first(
            """
            SELECT revision FROM changes WHERE kind = ? AND object_id = ? AND (instance_id = ? OR kind <> ?)
            ORDER BY revision DESC LIMIT 1
            """,
            [.text(subject.kind.rawValue), .text(subject.id), .text(instanceID), .text(ResourceKind.environment.rawValue)])
        return try row.map { UInt64(try $0.integer("revision")) }
    }
}

extension Writing {
    /// Compares the object as it was before this transaction with what the sender expects. Called after the operation's own
    /// rules, so that what does not exist or is wrong is answered as ever (RFC 9110, 13.2.1).
    ///
    /// - Throws: ``OperationError/changedMeanwhile``; the transaction is undone then.
    func checkExpectedState(of call: Call) throws {
        guard let expectation = call.expectation else { return }
        guard let subject = call.subject else { return }
        // Change records of this write are stored at its end: what is found is older.
        guard expectation.holds(for: try tag(of: subject, instanceID: call.instanceID)) else {
            throw OperationError.changedMeanwhile
        }
    }

    /// The tags after the write: of the object that the path names, and of what the write made.
    func tags(of call: Call, revision: UInt64) throws -> WrittenTags {
        WrittenTags(
            subject: try call.subject.flatMap { try tag(of: $0, instanceID: call.instanceID) },
            made: changes.isEmpty ? nil : revision)
    }
}
