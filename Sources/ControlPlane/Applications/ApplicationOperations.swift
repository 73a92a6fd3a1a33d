import GatewayModel
import GatewayPrimitives
import Store

/// What a caller says about a new application. Nil and empty key and secret: to be made.
public struct ApplicationDraft: Sendable {
    public var name: String
    public var remark: String
    public var key: String?
    public var secret: Secret?
    public var favorite: Bool
    public let origin: Application.Origin

    public init(
        name: String, remark: String = "", key: String? = nil, secret: Secret? = nil, favorite: Bool = false,
        origin: Application.Origin = .roma
    ) {
        self.name = name
        self.remark = remark
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
        self.secret = secret.flatMap { $0.revealed.isEmpty ? nil : $0 }
        self.favorite = favorite
        self.origin = origin
    }

    /// Wire names of key and secret, which differ by path.
    var keyField: String { origin == .apig ? "app_key" : "key" }
    var secretField: String { origin == .apig ? "app_secret" : "secret" }
}

/// What shall change of an application; nil: stays.
public struct ApplicationChange: Sendable {
    public var name: String?
    public var remark: String?
    public var key: String?
    public var secret: Secret?
    /// Of the caller alone.
    public var favorite: Bool?

    public init(
        name: String? = nil, remark: String? = nil, key: String? = nil, secret: Secret? = nil, favorite: Bool? = nil
    ) {
        self.name = name
        self.remark = remark
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
        self.secret = secret.flatMap { $0.revealed.isEmpty ? nil : $0 }
        self.favorite = favorite
    }
}

extension ControlPlane {
    /// Makes an application; its maker owns it. Key and secret that the draft leaves out are generated.
    ///
    /// - Throws: ``OperationError``: instance unknown, a field of the wrong form, name or key taken, quota.
    public func createApplication(_ call: Call, _ draft: ApplicationDraft) async throws -> Written<ApplicationView> {
        let limit = settings.quotas.applications
        return try await write(call) { w in
            try w.checkInstance(of: call)
            return try w.view(w.createApplication(draft, limit: limit, of: call), of: call)
        }
    }

    /// Rules of the model as refusals of an operation.
    static func fieldsChecked(_ body: () throws(InvalidField) -> Void) throws(OperationError) {
        do {
            try body()
        } catch {
            throw .invalid(field: error.field)
        }
    }

    fileprivate static func check(_ application: Application, _ draft: ApplicationDraft) throws {
        try fieldsChecked { () throws(InvalidField) in
            try ApplicationRules.check(name: application.name, origin: draft.origin)
            try ApplicationRules.check(remark: application.remark)
            try ApplicationRules.check(key: application.key, origin: draft.origin, field: draft.keyField)
            try ApplicationRules.check(secret: application.secret, origin: draft.origin, field: draft.secretField)
        }
    }

    /// Changes an application for everything that names it, at once. `favorite` is the caller's own and needs no more than
    /// seeing the application.
    ///
    /// - Throws: ``OperationError``: as for creating, unknown application, the caller may not change it.
    public func updateApplication(
        _ call: Call, id: String, _ change: ApplicationChange, origin: Application.Origin = .roma
    ) async throws -> Written<ApplicationView> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.application(id, of: call)
            try w.checkAccess(old, .read, of: call)
            if let favorite = change.favorite { try w.setFavorite(id, favorite, of: call) }
            guard change.name != nil || change.remark != nil || change.key != nil || change.secret != nil else {
                return try w.view(old, of: call)
            }
            try w.checkAccess(old, .modify, of: call)
            var new = old
            let draft = ApplicationDraft(
                name: change.name ?? old.name, remark: change.remark ?? old.remark, key: change.key, secret: change.secret,
                origin: origin)
            new.name = draft.name
            new.remark = draft.remark
            new.key = draft.key ?? old.key
            new.secret = draft.secret ?? old.secret
            try Self.fieldsChecked { () throws(InvalidField) in
                // What stays was right under the rules of the path under which it was made.
                if change.name != nil { try ApplicationRules.check(name: new.name, origin: origin) }
                try ApplicationRules.check(remark: new.remark)
                if change.key != nil { try ApplicationRules.check(key: new.key, origin: origin, field: draft.keyField) }
                if change.secret != nil {
                    try ApplicationRules.check(secret: new.secret, origin: origin, field: draft.secretField)
                }
            }
            try w.checkUnique(new)
            if new.secret != old.secret { try w.endSecrets(.appSecret, of: id) }
            try w.store(new, before: old, of: call)
            return try w.view(try w.application(id, of: call), of: call)
        }
    }

    /// Removes an application with its authorisations, codes, access list, configs, members and quota binding.
    ///
    /// - Throws: ``OperationError``: unknown application, the caller may not delete it, and
    ///   ``StateConflict/applicationOwns(kind:name:)``.
    public func deleteApplication(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.application(id, of: call)
            try w.checkAccess(old, .delete, of: call)
            try w.removeApplication(old)
        }
    }

    public func application(_ call: Call, id: String) async throws -> ApplicationView {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .read, of: call)
            return try r.view(application, of: call)
        }
    }

    /// The application with its secret, for those who may see it.
    ///
    /// - Throws: ``OperationError``: unknown application; the caller has not role admin.
    public func applicationSecret(_ call: Call, id: String) async throws -> Application {
        try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(id, of: call)
            try r.checkAccess(application, .admin, of: call)
            return application
        }
    }

    /// Gives an application another secret; the old ones end at once, unless feature `secret_reset_overlap` of the instance lets the
    /// present one go on for some time.
    ///
    /// - Parameter secret: nil or empty: a random one.
    /// - Throws: ``OperationError``: unknown application, the caller has not role admin, a secret of the wrong form.
    public func resetApplicationSecret(
        _ call: Call, id: String, secret: Secret?, origin: Application.Origin = .roma
    ) async throws -> Written<Application> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let old = try w.application(id, of: call)
            try w.checkAccess(old, .admin, of: call)
            let new = try Self.withNewSecret(old, secret, origin: origin)
            let overlap = try w.resetOverlapSeconds(of: call)
            // Setting what is set already changes nothing that could overlap.
            if overlap > 0, new.secret != old.secret {
                // A reset is never refused for those before it: the oldest makes room.
                let others = try w.retiredSecrets(.appSecret, of: id)
                for one in others where one.secret == new.secret || others.count >= SecretRotationRules.retiredLimit && one == others.first {
                    try w.remove(one)
                }
                return try w.rotate(old, new, overlapSeconds: overlap, of: call).owner
            }
            try w.endSecrets(.appSecret, of: id)
            try w.store(new, before: old, of: call)
            return try w.application(id, of: call)
        }
    }
}

extension ControlPlane {
    /// - Parameter secret: nil or empty: a random one.
    static func withNewSecret(
        _ old: Application, _ secret: Secret?, origin: Application.Origin
    ) throws -> Application {
        var random = SystemRandomNumberGenerator()
        let draft = ApplicationDraft(name: old.name, secret: secret, origin: origin)
        var new = old
        new.secret = draft.secret ?? Secret(ApplicationRules.generate(origin: origin, using: &random))
        try fieldsChecked { () throws(InvalidField) in
            try ApplicationRules.check(secret: new.secret, origin: origin, field: draft.secretField)
        }
        return new
    }
}

extension Reading {
    /// - Throws: ``OperationError``: name or key belong to another application of the instance.
    fileprivate func checkUnique(_ application: Application) throws {
        let name = try sql.first(
            "SELECT id FROM applications WHERE instance_id = ? AND name = ?",
            [.text(application.instanceID), .text(application.name)])
        if let name, try name.text("id") != application.id {
            throw OperationError.taken(.integrationApplication, name: application.name)
        }
        let key = try sql.first(
            "SELECT id FROM applications WHERE instance_id = ? AND app_key = ?",
            [.text(application.instanceID), .text(application.key)])
        if let key, try key.text("id") != application.id { throw OperationError.taken(.applicationKey, name: application.key) }
    }

    /// What may belong to an application: a deletion looks at all of it, in this order.
    private static let belongings: [(kind: ResourceKind, table: String)] = [
        (.apiGroup, "api_groups"), (.api, "apis"), (.plugin, "plugins"), (.livedataAPI, "livedata_apis"),
    ]

    fileprivate func checkOwnsNothing(_ application: Application) throws {
        for (kind, table) in Self.belongings {
            let row = try sql.first(
                "SELECT name FROM \(table) WHERE instance_id = ? AND roma_app_id = ? ORDER BY created_at, id LIMIT 1",
                [.text(application.instanceID), .text(application.id)])
            if let row { throw OperationError.conflict(.applicationOwns(kind: kind, name: try row.text("name"))) }
        }
    }
}

extension Writing {
    func createApplication(_ draft: ApplicationDraft, limit: Int, of call: Call) throws -> Application {
        var random = SystemRandomNumberGenerator()
        let maker = UserReference(id: call.userID, name: call.actor)
        let made = Application(
            id: newID(), instanceID: call.instanceID, name: draft.name, remark: draft.remark,
            key: draft.key ?? ApplicationRules.generate(origin: draft.origin, using: &random),
            secret: draft.secret ?? Secret(ApplicationRules.generate(origin: draft.origin, using: &random)),
            origin: draft.origin, owner: maker, updatedBy: maker, createdAt: now, updatedAt: now)
        try ControlPlane.check(made, draft)
        try checkUnique(made)
        try checkQuota(
            .integrationApplication,
            count: sql.count("SELECT COUNT(*) AS n FROM applications WHERE instance_id = ?", [.text(call.instanceID)]),
            limit: limit)
        try sql.insert(ApplicationRow(made, box: box))
        try record(.integrationApplication, id: made.id, before: nil, after: made)
        if draft.favorite { try setFavorite(made.id, true, of: call) }
        touch(.application(made.id))
        return made
    }

    /// - Throws: ``StateConflict/applicationOwns(kind:name:)``.
    func removeApplication(_ application: Application) throws {
        try checkOwnsNothing(application)
        try recordRemoval(ofPartsOf: application)
        try removeThrottleSpecials(ofApplication: application.id)
        try sql.delete(ApplicationRow.self, key: application.id)
        try record(.integrationApplication, id: application.id, before: application, after: nil)
        touch(.application(application.id))
    }

    func store(_ application: Application, before: Application, of call: Call) throws {
        var new = application
        new.updatedAt = now
        new.updatedBy = UserReference(id: call.userID, name: call.actor)
        try sql.update(ApplicationRow(new, box: box))
        try record(.integrationApplication, id: new.id, before: before, after: new)
        touch(.application(new.id))
    }

    fileprivate func setFavorite(_ id: String, _ favorite: Bool, of call: Call) throws {
        let before = try isFavorite(id, of: call)
        guard before != favorite else { return }
        try sql.execute(
            favorite
                ? "INSERT INTO application_favorites (app_id, user_id) VALUES (?, ?)"
                : "DELETE FROM application_favorites WHERE app_id = ? AND user_id = ?", [.text(id), .text(call.userID)])
        try record(
            .integrationApplication, id: id, before: Favorite(userID: call.userID, favorite: before),
            after: Favorite(userID: call.userID, favorite: favorite))
    }

    private struct Favorite: Encodable {
        let userID: String
        let favorite: Bool
    }

    /// One change record for each part that goes with an application; the foreign keys of the schema remove the rows.
    fileprivate func recordRemoval(ofPartsOf application: Application) throws {
        var own = Condition()
        own.equal("app_id", application.id)
        for authorization in try sql.all(AppAuthorization.self, where: own, order: "id") {
            try record(.appAuthorization, id: authorization.id, before: authorization, after: nil)
            touch(.authorization(apiID: authorization.apiID, environmentID: authorization.environmentID))
        }
        for row in try sql.all(AppCodeRow.self, where: own, order: "id") {
            let code = try row.model(box: box)
            for retired in try retiredSecrets(.appCode, of: code.id) { try remove(retired) }
            try record(.appCode, id: code.id, before: code, after: nil)
        }
        for row in try sql.all(AppConfigRow.self, where: own, order: "id") {
            let config = try row.model(box: box)
            try record(.appConfig, id: config.id, before: config, after: nil)
        }
        for retired in try retiredSecrets(.appSecret, of: application.id) { try remove(retired) }
        for list in try sql.all(AppAccessList.self, where: own) {
            try record(.integrationApplication, id: application.id, before: list, after: nil)
        }
        for binding in try sql.all(AppQuotaBinding.self, where: own) {
            try record(.appQuotaBinding, id: application.id, before: binding, after: nil)
        }
        for member in try members(of: application) {
            try record(.integrationApplication, id: application.id, before: member, after: nil)
        }
    }
}
