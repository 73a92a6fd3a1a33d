import GatewayModel

extension AssetJob: Record {
    public static let table = "asset_jobs"
    public static let columns = [
        "id", "instance_id", "user_id", "job_type", "status", "steps_done", "steps", "reasons", "archive_id", "began_at",
        "ended_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(userID), .text(kind.rawValue), .text(status.rawValue), SQLValue(stepsDone),
            SQLValue(steps), .text(AssetReasonText.text(reasons)), .text(archiveID ?? ""), .integer(beganAt.nanoseconds),
            endedAt.map { SQLValue.integer($0.nanoseconds) } ?? .null,
        ]
    }

    public init(row: SQLRow) throws {
        let kind = try row.text("job_type")
        let status = try row.text("status")
        guard let kind = Kind(rawValue: kind), let status = Status(rawValue: status) else {
            throw StoreError.malformed("asset job \(kind) \(status)")
        }
        let archive = try row.text("archive_id")
        var ended: Timestamp?
        if case .integer(let moment) = try row["ended_at"] { ended = Timestamp(nanoseconds: moment) }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), userID: try row.text("user_id"), kind: kind,
            status: status, stepsDone: try row.int("steps_done"), steps: try row.int("steps"),
            reasons: try AssetReasonText.reasons(try row.text("reasons")), archiveID: archive.isEmpty ? nil : archive,
            beganAt: Timestamp(nanoseconds: try row.integer("began_at")), endedAt: ended)
    }
}

/// Reasons in one column: three texts each, one a line; texts hold no line breaks.
private enum AssetReasonText {
    static func text(_ reasons: [AssetJobReason]) -> String {
        reasons.flatMap { [$0.name, $0.code, $0.message] }
            .map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }.joined(separator: "\n")
    }

    static func reasons(_ text: String) throws(StoreError) -> [AssetJobReason] {
        guard !text.isEmpty else { return [] }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count % 3 == 0 else { throw .malformed("reasons of an asset job") }
        return stride(from: 0, to: lines.count, by: 3).map {
            AssetJobReason(name: lines[$0], code: lines[$0 + 1], message: lines[$0 + 2])
        }
    }
}

/// Table `asset_archives`: the file that an export made, until somebody downloads it.
public struct AssetArchiveRow: Record {
    public static let table = "asset_archives"
    public static let columns = ["id", "instance_id", "job_id", "content"]

    public let id: String
    public let instanceID: String
    public let jobID: String
    /// Base64.
    public let content: String

    public var values: [SQLValue] { [.text(id), .text(instanceID), .text(jobID), .text(content)] }

    public init(id: String, instanceID: String, jobID: String, content: String) {
        self.id = id
        self.instanceID = instanceID
        self.jobID = jobID
        self.content = content
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), jobID: try row.text("job_id"),
            content: try row.text("content"))
    }
}
