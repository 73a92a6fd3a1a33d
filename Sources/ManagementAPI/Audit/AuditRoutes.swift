import ControlPlane
import GatewayModel
import NIOCore
import Store
import WireContract

extension OperationRoutes {
    /// The change records, for administrators. Operations of this gateway's own.
    public mutating func addAudit(_ plane: ControlPlane) {
        on(.listAuditRecords) { call -> Wire.AuditRecords in
            let found = try await plane.changes(try call.changeFilter(), page: call.page)
            return Wire.AuditRecords(total: found.total, size: found.items.count, records: found.items.map(Wire.AuditRecord.init))
        }
        on(.verifyAuditRecords) { call -> Wire.AuditVerification in
            let head = call.query.text("head")
            switch try await plane.verifyChanges() {
            case .intact(let records, let found):
                let isKnown = if let head { try await plane.hasChange(sealed: head) } else { true }
                return Wire.AuditVerification(state: isKnown ? "intact" : "replaced", records: records, expected: records, head: found)
            case .broken(let revision, let position):
                return Wire.AuditVerification(state: "broken", revision: Int(revision), position: position)
            case .incomplete(let records, let expected):
                return Wire.AuditVerification(state: "incomplete", records: records, expected: expected)
            }
        }
        on(.exportAuditRecords) { call -> StreamAnswer in
            var filter = try call.changeFilter()
            // Records that come meanwhile belong to the next export.
            filter.through = min(filter.through ?? .max, try await plane.presentRevision())
            return StreamAnswer(contentType: "application/x-ndjson") { [filter] write in
                var last: (revision: Int64, position: Int)?
                while true {
                    let page = try await plane.changes(filter, after: last, limit: StreamAnswer.recordsPerRead)
                    var lines = ByteBuffer()
                    for change in page { lines.writeBytes(try change.exportedLine()) }
                    if lines.readableBytes > 0 { try await write(lines) }
                    guard page.count == StreamAnswer.recordsPerRead, let end = page.last else { return }
                    last = (end.revision, end.position)
                }
            }
        }
    }
}

extension OperationCall where Body == NoBody {
    fileprivate func changeFilter() throws -> ChangeFilter {
        func moment(_ name: String) throws -> Timestamp? {
            guard let text = head.query.text(name) else { return nil }
            guard let moment = Timestamp(text) else { throw FieldErrorCodes.malformed(head.operation, parameter: name) }
            return moment
        }
        let kind = head.query.text("kind")
        guard kind.map({ ResourceKind(rawValue: $0) != nil }) ?? true else {
            throw FieldErrorCodes.malformed(head.operation, parameter: "kind")
        }
        let act = head.query.text("act").map { HistoryObject.Act(rawValue: $0) }
        if case .some(nil) = act { throw FieldErrorCodes.malformed(head.operation, parameter: "act") }
        var filter = ChangeFilter(
            kind: kind, objectID: head.query.text("object_id"), actor: head.query.text("actor"),
            instanceID: try filterID("instance_id"), from: head.query.integer("from_revision").map { UInt64(clamping: $0) },
            through: head.query.integer("through_revision").map { UInt64(clamping: $0) })
        filter.requestID = head.query.text("request_id")
        filter.act = act ?? nil
        filter.since = try moment("from_time")
        filter.until = try moment("through_time")
        return filter
    }
}

extension Wire.AuditRecord {
    init(_ change: ChangeRow) {
        self.init(
            revision: Int(change.revision), position: change.position, time: Timestamp(nanoseconds: change.madeAt).inNanoseconds,
            actor: change.actor, source: change.source, requestId: change.requestID, instanceId: change.instanceID,
            kind: change.kind, objectId: change.objectID, act: change.act.rawValue, before: change.before, after: change.after,
            seal: change.seal)
    }
}
