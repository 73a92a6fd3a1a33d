import GatewayModel
import GatewayPrimitives
import Store

/// Jobs that export, import and delete assets: one at a time of each user (management-api.md, 3.26). The job's row is
/// all that is known of it; a job that the program did not survive has failed.
extension ControlPlane {
    /// Applications of one job.
    public static let assetLimit = 100
    /// Jobs of an instance whose outcome is kept, and how many of their archives wait to be downloaded.
    static let assetJobLimit = 100
    static let assetArchiveLimit = 5

    /// Begins a job.
    ///
    /// - Parameters:
    ///   - applications: those that it exports or deletes; the caller must have `role` in each.
    ///   - steps: how many times ``advanceAssetJob(_:_:)`` will be called.
    /// - Throws: ``OperationError``: instance or an application unknown, no such role, another job of the caller runs.
    public func startAssetJob(
        _ call: Call, _ kind: AssetJob.Kind, applications: [String], role: ApplicationRole, steps: Int
    ) async throws -> Written<AssetJob> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            for id in applications { try w.checkAccess(w.application(id, of: call), role, of: call) }
            let running = try w.sql.count(
                "SELECT COUNT(*) AS n FROM asset_jobs WHERE user_id = ? AND status = ?",
                [.text(call.userID), .text(AssetJob.Status.running.rawValue)])
            guard running == 0 else { throw OperationError.conflict(.assetJobIsRunning) }
            let job = AssetJob(
                id: w.newID(), instanceID: call.instanceID, userID: call.userID, kind: kind, steps: max(1, steps),
                beganAt: w.now)
            try w.sql.insert(job)
            try w.forgetAssetJobs(of: call)
            return job
        }
    }

    /// - Throws: ``OperationError``: unknown job; another user's counts as unknown.
    public func assetJob(_ call: Call, id: String) async throws -> AssetJob {
        try await read { r in
            try r.checkInstance(of: call)
            guard let job = try r.find(AssetJob.self, id: id, of: call), job.userID == call.userID else {
                throw OperationError.notFound(.assetJob, id: id)
            }
            return job
        }
    }

    /// Says that one more step of a running job is done.
    public func advanceAssetJob(_ call: Call, id: String) async throws {
        _ = try await write(call) { w in
            try w.sql.execute(
                "UPDATE asset_jobs SET steps_done = steps_done + 1 WHERE id = ? AND steps_done < steps AND status = ?",
                [.text(id), .text(AssetJob.Status.running.rawValue)])
        }
    }

    /// Ends a job.
    ///
    /// - Parameters:
    ///   - reasons: why it failed; empty for a success.
    ///   - archive: what an export made.
    public func finishAssetJob(
        _ call: Call, id: String, reasons: [AssetJobReason], archive: [UInt8]? = nil
    ) async throws {
        _ = try await write(call) { w in try w.finish(id, reasons: reasons, archive: archive, of: call) }
    }

    /// The file of an archive; it is gone afterwards.
    ///
    /// - Throws: ``OperationError``: unknown archive; another user's counts as unknown.
    public func takeAssetArchive(_ call: Call, id: String) async throws -> [UInt8] {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let row = try w.find(AssetArchiveRow.self, id: id, of: call)
            guard let row, let job = try w.find(AssetJob.self, id: row.jobID, of: call), job.userID == call.userID,
                let bytes = Base64.decode(Array(row.content.utf8))
            else { throw OperationError.notFound(.assetArchive, id: id) }
            try w.sql.delete(AssetArchiveRow.self, key: id)
            return bytes
        }.value
    }

    /// At the start of the program: nobody works on what runs by its row.
    static func abandonAssetJobs(_ sql: any SQLConnection, now: Timestamp) throws {
        var running = Condition()
        running.and("status = ?", .text(AssetJob.Status.running.rawValue))
        for var job in try sql.all(AssetJob.self, where: running, order: "id") {
            job.status = .failed
            job.reasons = [AssetJobReason(name: job.kind.rawValue, code: "ROMA.10010", message: "The program was stopped.")]
            job.endedAt = now
            try sql.update(job)
        }
    }
}

extension Writing {
    func finish(_ id: String, reasons: [AssetJobReason], archive: [UInt8]? = nil, of call: Call) throws {
        guard var job = try find(AssetJob.self, id: id, of: call), job.status == .running else { return }
        job.status = reasons.isEmpty ? .succeeded : .failed
        job.reasons = reasons
        job.endedAt = now
        if reasons.isEmpty { job.stepsDone = job.steps }
        if reasons.isEmpty, let archive {
            let row = AssetArchiveRow(
                id: newID(), instanceID: call.instanceID, jobID: id,
                content: String(decoding: Base64.encode(archive), as: UTF8.self))
            try sql.insert(row)
            job.archiveID = row.id
        }
        try sql.update(job)
        try forgetAssetJobs(of: call)
    }

    /// The newest stay.
    fileprivate func forgetAssetJobs(of call: Call) throws {
        try sql.execute(
            """
            DELETE FROM asset_jobs WHERE instance_id = ? AND status <> ? AND id NOT IN
              (SELECT id FROM asset_jobs WHERE instance_id = ? ORDER BY began_at DESC, id LIMIT ?)
            """,
            [
                .text(call.instanceID), .text(AssetJob.Status.running.rawValue), .text(call.instanceID),
                SQLValue(ControlPlane.assetJobLimit),
            ])
        try sql.execute(
            """
            DELETE FROM asset_archives WHERE instance_id = ? AND id NOT IN
              (SELECT a.id FROM asset_archives a JOIN asset_jobs j ON j.id = a.job_id WHERE a.instance_id = ?
               ORDER BY j.began_at DESC, j.id LIMIT ?)
            """, [.text(call.instanceID), .text(call.instanceID), SQLValue(ControlPlane.assetArchiveLimit)])
    }
}
