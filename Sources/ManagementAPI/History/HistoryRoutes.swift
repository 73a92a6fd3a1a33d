import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Revisions, what differs between them, and the way back; for administrators. Operations of this gateway's own.
    public mutating func addHistory(_ plane: ControlPlane) {
        on(.listHistory) { call -> Wire.HistoryList in
            let scope = try HistoryScope(
                kind: call.query.text("kind"), id: call.query.text("object_id"), everything: nil)
            let found = try await plane.history(scope, instanceID: try call.filterID("instance_id") ?? "", page: call.page)
            return Wire.HistoryList(
                total: found.total, size: found.revisions.count, revision: Int(found.revision), oldestRevision: Int(found.oldest),
                revisions: found.revisions.map { entry in
                    Wire.HistoryRevision(
                        revision: Int(entry.revision), time: entry.madeAt.inNanoseconds, actor: entry.actor, source: entry.source,
                        requestId: entry.requestID, objectCount: entry.objectCount, objects: entry.objects.map(Wire.HistoryObject.init))
                })
        }
        on(.showHistoryDiff) { call -> Wire.HistoryDiff in
            let scope = try HistoryScope(
                kind: call.query.text("kind"), id: call.query.text("object_id"), everything: nil)
            let found = try await plane.historyDiff(
                scope, instanceID: try call.filterID("instance_id") ?? "", from: Int64(call.query.integer("from_revision") ?? 0),
                to: call.query.integer("to_revision").map { Int64($0) }, page: call.page)
            return Wire.HistoryDiff(
                total: found.differences.total, size: found.differences.items.count, fromRevision: Int(found.from),
                toRevision: Int(found.to),
                objects: found.differences.items.map { difference in
                    let object = difference.object
                    return Wire.HistoryDifference(
                        kind: object.kind, id: object.id, name: object.name, act: object.act.rawValue,
                        fields: difference.fields.map { Wire.HistoryField(path: $0.path, before: $0.before, after: $0.after) })
                })
        }
        on(.restoreHistory, body: Wire.HistoryRestoreRequest.self) { call -> Written<Wire.HistoryRestored> in
            let scope = try HistoryScope(kind: call.body.kind, id: call.body.objectId, everything: call.body.everything ?? false)
            let written = try await plane.restore(
                call.call, scope, instanceID: call.body.instanceId ?? "", to: Int64(call.body.revision ?? 0))
            return written.map { outcome in
                Wire.HistoryRestored(
                    revision: Int(written.revision), restoredRevision: Int(outcome.restored), created: outcome.created,
                    changed: outcome.changed, removed: outcome.removed, objects: outcome.objects.map(Wire.HistoryObject.init))
            }
        }
    }
}

extension HistoryScope {
    /// - Parameter everything: what must be said when no object is named; nil: that need not be said.
    /// - Throws: ``OperationError``: half an object, an unknown kind, or both an object and everything.
    fileprivate init(kind: String?, id: String?, everything: Bool?) throws(OperationError) {
        guard let kind else {
            guard id == nil else { throw .missing(field: "kind") }
            guard everything != false else { throw .missing(field: "everything") }
            self = .everything
            return
        }
        guard everything != true else { throw .invalid(field: "everything") }
        guard let known = ResourceKind(rawValue: kind) else { throw .invalid(field: "kind") }
        guard let id else { throw .missing(field: "object_id") }
        self = .object(kind: known, id: id)
    }
}

extension Wire.HistoryObject {
    init(_ object: HistoryObject) { self.init(kind: object.kind, id: object.id, name: object.name, act: object.act.rawValue) }
}
