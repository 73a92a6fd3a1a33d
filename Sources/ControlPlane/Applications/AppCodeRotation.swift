import GatewayModel
import GatewayPrimitives
import Store

extension ControlPlane {
    /// Gives a code another value, while the one before goes on working for some time and then ends by itself.
    ///
    /// - Parameters:
    ///   - code: nil or empty: a random one.
    ///   - overlapSeconds: one of ``SecretRotationRules/overlaps``; 0: the old one ends at once.
    /// - Throws: ``OperationError``: unknown application or code, the caller may not change the application, a value of the wrong
    ///   form or in use, an overlap out of range, too many that have not ended.
    public func rotateAppCode(
        _ call: Call, appID: String, id: String, code: Secret?, overlapSeconds: Int
    ) async throws -> Written<RotatedSecret<ListedAppCode>> {
        let code = code.flatMap { $0.revealed.isEmpty ? nil : $0 }
        return try await write(call) { w in
            try w.checkInstance(of: call)
            if let code { try Self.fieldsChecked { () throws(InvalidField) in try ApplicationRules.check(code: code) } }
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let old = try w.appCode(id, of: application)
            var random = SystemRandomNumberGenerator()
            let new = AppCode(
                id: id, instanceID: old.instanceID, applicationID: appID,
                code: code ?? ApplicationRules.generateCode(using: &random), createdAt: old.createdAt)
            try w.checkIsFree(new)
            let retired = try w.retire(
                Replaced(
                    kind: .appCode, ownerID: id, createdAt: old.createdAt, secret: old.code,
                    hash: AppCodeRow.hash(old.code, instanceID: old.instanceID, box: w.box), overlapSeconds: overlapSeconds))
            try w.sql.update(AppCodeRow(new, box: w.box))
            try w.record(.appCode, id: id, before: old, after: new)
            w.touch(.application(appID))
            return RotatedSecret(
                owner: ListedAppCode(code: new, isShown: true),
                present: try w.presentSecret(.appCode, of: id, createdAt: old.createdAt), retired: retired)
        }
    }

    /// The present value, then those that have not ended, the last to end first.
    public func appCodeSecrets(_ call: Call, appID: String, id: String) async throws -> [SecretState] {
        await settleSecretUses()
        return try await read { r in
            try r.checkInstance(of: call)
            let application = try r.application(appID, of: call)
            try r.checkAccess(application, .read, of: call)
            return try r.secretStates(.appCode, of: id, createdAt: r.appCode(id, of: application).createdAt)
        }
    }

    /// Ends a replaced value before its time.
    ///
    /// - Throws: ``OperationError``: unknown application, code or value, the caller may not change the application;
    ///   ``StateConflict/secretIsPresent`` for the present one.
    public func endAppCodeSecret(_ call: Call, appID: String, id: String, secretID: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let application = try w.application(appID, of: call)
            try w.checkAccess(application, .modify, of: call)
            let code = try w.appCode(id, of: application)
            try w.endSecret(.appCode, of: id, id: secretID, createdAt: code.createdAt)
            w.touch(.application(appID))
        }
    }
}

extension Reading {
    /// - Throws: ``OperationError/taken(_:name:)`` for a value that is one of the instance's, or was and has not ended.
    func checkIsFree(_ code: AppCode) throws {
        let hash = AppCodeRow.hash(code.code, instanceID: code.instanceID, box: box)
        let same = try sql.first(
            "SELECT 1 AS n FROM app_codes WHERE instance_id = ? AND code_hash = ?", [.text(code.instanceID), .text(hash)])
        // The text names no code: it would show one application the code of another.
        guard try same == nil && !sql.hasRetired(.appCode, hash: hash, now: now) else {
            throw OperationError.taken(.appCode, name: "")
        }
    }
}
