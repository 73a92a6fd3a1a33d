import GatewayModel
import Store

/// What a restore did.
public struct RestoreOutcome: Sendable {
    public let restored: Int64
    public let created: Int
    public let changed: Int
    public let removed: Int
    /// The first of them.
    public let objects: [HistoryObject]
}

extension ControlPlane {
    /// Brings an object with what belongs to it, or everything, back to the state at a revision: one write like any other, with a
    /// revision and change records of its own, in force before this returns. Nothing changes, and no revision is made, when the
    /// state is that already.
    ///
    /// - Throws: ``OperationError``: a revision that is yet to come or forgotten; an object that was there neither then nor now;
    ///   ``StateConflict/restoreMisses(table:id:)``, ``StateConflict/restoreIsUsed(table:id:)``,
    ///   ``StateConflict/restoreTaken``, and whatever a restored publication contradicts.
    public func restore(_ call: Call, _ scope: HistoryScope, instanceID: String, to revision: Int64) async throws -> Written<RestoreOutcome> {
        let settings = settings
        return try await write(call) { w in try w.restore(scope, instanceID: instanceID, to: revision, settings, of: call) }
    }
}

extension Writing {
    fileprivate func restore(
        _ scope: HistoryScope, instanceID: String, to revision: Int64, _ settings: ControlPlaneSettings, of call: Call
    ) throws -> RestoreOutcome {
        try checkRevision(revision, field: "revision")
        let present = try presentRevision
        var plans: [RestorePlan] = []
        for entry in try changed(scope, instanceID: instanceID, from: revision, to: present) {
            let steps = try entry.rows.map { row in
                RestorePlan.Step(row: row, wanted: try sql.image(of: row, at: revision), present: try sql.presentImage(of: row))
            }.filter { $0.wanted != $0.present }
            if !steps.isEmpty { plans.append(RestorePlan(object: entry.object, steps: steps)) }
        }
        let steps = plans.flatMap(\.steps)
        try checkPreset(steps)
        // Every object that a restored row is a part of, as a whole, for the records.
        let states = try plans.map { plan in try shown(plan, from: revision, to: present) }
        try put(steps)
        let isPart = scope != .everything
        // As a whole the state was consistent when it was made.
        if isPart {
            try check(steps, after: present)
            try checkClaims(steps, settings, of: call)
        }
        var objects: [HistoryObject] = []
        for (plan, state) in zip(plans, states) {
            let object = try record(plan, state)
            objects.append(object)
        }
        if !steps.isEmpty { touch(.everything(tolerates: !isPart)) }
        return RestoreOutcome(
            restored: revision, created: objects.count { $0.act == .create }, changed: objects.count { $0.act == .change },
            removed: objects.count { $0.act == .remove }, objects: Array(objects.prefix(ControlPlane.shownObjects)))
    }

    /// The instance that the first start made, which credentials.json names, stays.
    private func checkPreset(_ steps: [RestorePlan.Step]) throws {
        for step in steps where step.row.table == "instances" && step.wanted == nil {
            if let instance = try sql.find(Instance.self, key: step.row.key), instance.profile.spec == nil {
                throw OperationError.conflict(.instanceIsPreset)
            }
        }
    }

    /// Writes the rows: what goes first and what is unique out of the way, then what stays or comes.
    private func put(_ steps: [RestorePlan.Step]) throws {
        func place(_ step: RestorePlan.Step) -> Int { CapturedTable.order[step.row.table] ?? 0 }
        let ordered = steps.sorted { place($0) < place($1) }
        try sql.deferReferences()
        do {
            for step in ordered.reversed() where step.present != nil && (step.wanted == nil || CapturedTable.leaves.contains(step.row.table)) {
                try sql.deleteRow(step.row)
            }
            for step in ordered {
                guard let wanted = step.wanted, let present = step.present, let table = CapturedTable.named[step.row.table],
                    !CapturedTable.leaves.contains(table.name)
                else { continue }
                if table.parked.contains(where: { wanted[$0] != present[$0] }) { try sql.parkRow(step.row, columns: table.parked) }
            }
            for step in ordered { if let wanted = step.wanted { try sql.putRow(step.row, wanted) } }
        } catch StoreError.notUnique {
            throw OperationError.conflict(.restoreTaken)
        }
    }

    /// What the rows refer to is there, nothing refers to what has gone, and nothing else has changed.
    private func check(_ steps: [RestorePlan.Step], after revision: Int64) throws {
        for step in steps {
            guard let table = CapturedTable.named[step.row.table] else { continue }
            if let wanted = step.wanted {
                for reference in (table.owner.map { [$0] } ?? []) + table.references {
                    guard let key = CapturedTable.target(of: reference, in: wanted) else { continue }
                    try checkExists(RowID(table: reference.table, key: key))
                }
                if table.name == "definition_uses" { try checkUse(wanted) }
            } else {
                try checkUnused(step.row)
            }
        }
        let own = Set(steps.map(\.row))
        if let other = try sql.rowChanges(after: revision).first(where: { !own.contains($0.row) }) {
            throw OperationError.conflict(.restoreIsUsed(kind: Self.kindName(other.row), id: HistoryKind.objectID(of: other.row)))
        }
    }

    /// A draft or a version in force names only what is there.
    private func checkUse(_ use: RowImage) throws {
        guard case .text(let kind)? = use["kind"], case .text(let id)? = use["target_id"] else { return }
        if case .text(let version)? = use["version_id"],
            try sql.count("SELECT COUNT(*) AS n FROM publications WHERE version_id = ?", [.text(version)]) == 0
        {
            return
        }
        try checkExists(RowID(table: kind == DefinitionUse.authorizer.rawValue ? "authorizers" : "orchestrations", key: id))
    }

    private func checkExists(_ row: RowID) throws {
        guard try !sql.presentOwner(of: row).exists else { return }
        throw OperationError.conflict(.restoreMisses(kind: Self.kindName(row), id: HistoryKind.objectID(of: row)))
    }

    private func checkUnused(_ row: RowID) throws {
        for table in CapturedTable.all {
            for reference in table.references where reference.table == row.table {
                guard let user = try sql.rows(of: table, referring: reference, to: row.key).first else { continue }
                throw OperationError.conflict(.restoreIsUsed(kind: Self.kindName(user), id: HistoryKind.objectID(of: user)))
            }
        }
        let use: DefinitionUse? = row.table == "authorizers" ? .authorizer : row.table == "orchestrations" ? .orchestration : nil
        if let use, try isUsed(use, id: row.key) {
            throw OperationError.conflict(.restoreIsUsed(kind: ResourceKind.api.rawValue, id: ""))
        }
    }

    /// Rules between publications that no index keeps.
    private func checkClaims(_ steps: [RestorePlan.Step], _ settings: ControlPlaneSettings, of call: Call) throws {
        var instances: Set<String> = []
        for step in steps where step.wanted != nil && step.row.table == "publications" {
            guard let publication = try sql.find(Publication.self, key: step.row.key), let id = publication.versionID,
                let version = try sql.find(APIVersionRow.self, key: id)?.version,
                let environment = try sql.find(Environment.self, key: publication.instanceID, publication.environmentID)
            else { continue }
            instances.insert(publication.instanceID)
            try checkOwnDomain(version.definition, besides: publication.id, environment, version.definition.claim, settings)
            try checkCORS(ofPublications: [publication.id])
        }
        for step in steps where step.row.table == "url_domains" {
            if case .text(let name)? = step.wanted?["name"], try isDomainOfAPI(name) { throw OperationError.conflict(.restoreTaken) }
        }
        for step in steps where ["app_auths", "features"].contains(step.row.table) {
            if case .text(let id)? = (step.wanted ?? step.present)?["instance_id"] { instances.insert(id) }
        }
        for id in instances {
            let own = Call(
                actor: call.actor, userID: call.userID, source: call.source, requestID: call.requestID, projectID: call.projectID,
                instanceID: id)
            if try isOn(.appRoute, of: own) { try checkAppClaims(of: own) }
        }
    }

    private static func kindName(_ row: RowID) -> String { HistoryKind.kind(ofTable: row.table)?.rawValue ?? row.table }

    private func shown(_ plan: RestorePlan, from revision: Int64, to present: Int64) throws -> (before: ShownObject?, after: ShownObject?) {
        let rows = ShownRows(box: box)
        func state(at moment: Int64, _ own: RowImage?) throws -> ShownObject? {
            guard let own else { return nil }
            var images = try images(plan.steps.map(\.row).filter { $0 != plan.object }, at: moment)
            images.append((plan.object, own))
            return ShownObject(fields: try rows.fields(of: plan.object, images).mapValues(\.shown))
        }
        return (
            try state(at: present, sql.presentImage(of: plan.object)), try state(at: revision, sql.image(of: plan.object, at: revision))
        )
    }

    private func record(_ plan: RestorePlan, _ state: (before: ShownObject?, after: ShownObject?)) throws -> HistoryObject {
        let kind = HistoryKind.kind(ofTable: plan.object.table) ?? .instance
        let id = HistoryKind.objectID(of: plan.object)
        // An object of which only parts were and are is there meanwhile.
        let own = plan.steps.first { $0.row == plan.object }
        let act: HistoryObject.Act = own.map { $0.present == nil ? .create : $0.wanted == nil ? .remove : .change } ?? .change
        try record(kind, id: id, before: state.before, after: state.after, instanceID: instance(of: own?.wanted ?? own?.present, plan.object))
        return HistoryObject(
            kind: kind.rawValue, id: id, name: try ShownRows.name(own?.wanted ?? own?.present ?? sql.presentImage(of: plan.object)), act: act)
    }

    /// The instance that an object is in; empty for what is above instances.
    private func instance(of image: RowImage?, _ object: RowID) throws -> String {
        if object.table == "instances" { return object.key }
        let image = try image ?? sql.presentImage(of: object) ?? [:]
        if case .text(let id)? = image["instance_id"] { return id }
        guard let owner = CapturedTable.named[object.table]?.owner, let key = CapturedTable.target(of: owner, in: image) else { return "" }
        return try instance(of: nil, RowID(table: owner.table, key: key))
    }
}

/// What a restore does to one object.
private struct RestorePlan {
    struct Step {
        let row: RowID
        /// nil: it is to go.
        let wanted: RowImage?
        let present: RowImage?
    }

    let object: RowID
    let steps: [Step]
}

/// An object in the change record of a restore: its columns by path.
private struct ShownObject: Encodable {
    let fields: [String: String]

    func encode(to encoder: any Encoder) throws { try fields.encode(to: encoder) }
}
