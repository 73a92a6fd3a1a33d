import ControlPlane
import GatewayModel
import WireContract

/// The work of asset jobs, beside the requests that began them. What becomes of a job is in its row; a job whose program
/// ends before it is done is found and ended at the next start. Any task.
struct AssetJobs: Sendable {
    let plane: ControlPlane
    private let answers: APIAnswers

    init(plane: ControlPlane) {
        self.plane = plane
        answers = APIAnswers(groupHostSuffix: plane.settings.groupHostSuffix)
    }

    /// What ends a job as failed.
    struct Failure: Error {
        let reasons: [AssetJobReason]
    }

    /// Runs `work`, which ends the job itself when it succeeds.
    func run(_ job: AssetJob, _ call: Call, _ work: @escaping @Sendable (String) async throws -> Void) {
        Task {
            var reasons: [AssetJobReason] = []
            do {
                try await work(job.id)
            } catch let failure as Failure {
                reasons = failure.reasons
            } catch {
                reasons = [reason(error, job.kind.rawValue, part: nil, call)]
            }
            guard !reasons.isEmpty else { return }
            // Nobody is left to tell when this fails too; the job then counts as running until the next start.
            try? await plane.finishAssetJob(call, id: job.id, reasons: reasons)
        }
    }

    func export(_ ids: [String], _ jobID: String, _ call: Call) async throws {
        var files: [AssetFile] = []
        var reasons: [AssetJobReason] = []
        for id in ids {
            do {
                files.append(try AssetFile(try await plane.assetContents(call, applicationID: id), answers: answers))
            } catch {
                reasons.append(reason(error, id, part: nil, call))
            }
            try await plane.advanceAssetJob(call, id: jobID)
        }
        guard reasons.isEmpty else { throw Failure(reasons: reasons) }
        guard let archive = try AssetFile.archive(files) else {
            throw Failure(reasons: [
                AssetJobReason(name: "archive", code: "ROMA.10010", message: "The archive would be too large.")
            ])
        }
        try await plane.finishAssetJob(call, id: jobID, reasons: [], archive: archive)
    }

    func importFiles(_ files: [(name: String, bytes: [UInt8])], _ jobID: String, _ call: Call) async throws {
        var drafts: [AssetDraft] = []
        var reasons: [AssetJobReason] = []
        for (name, bytes) in files {
            var application = name
            do throws(AssetFile.Fault) {
                let file: AssetFile = try AssetFile.decode(bytes, name)
                application = file.application.name ?? name
                drafts.append(try file.draft())
            } catch {
                reasons.append(reason(error.reason, application, part: error.part, call))
            }
            try await plane.advanceAssetJob(call, id: jobID)
        }
        guard reasons.isEmpty else { throw Failure(reasons: reasons) }
        do {
            try await plane.importAssets(call, jobID: jobID, drafts)
        } catch let faults as AssetFaults {
            throw Failure(reasons: faults.faults.map { reason($0.reason, $0.application, part: $0.part, call) })
        }
    }

    func delete(_ ids: [String], _ jobID: String, _ call: Call) async throws {
        var reasons: [AssetJobReason] = []
        for id in ids {
            var name = id
            do {
                name = try await plane.application(call, id: id).application.name
                try await plane.deleteAsset(call, applicationID: id)
            } catch {
                reasons.append(reason(error, name, part: nil, call))
            }
            try await plane.advanceAssetJob(call, id: jobID)
        }
        guard reasons.isEmpty else { throw Failure(reasons: reasons) }
        try await plane.finishAssetJob(call, id: jobID, reasons: [])
    }

    /// - Parameter part: of the application, such as the name of an API.
    private func reason(_ error: any Error, _ application: String, part: String?, _ call: Call) -> AssetJobReason {
        let refusal = ErrorMapping.refusal(error, operation: .importAsset, alias: .apic, instanceID: call.instanceID)
        let place = part.map { "\($0): " } ?? ""
        return AssetJobReason(name: application, code: refusal.code.rawValue, message: place + refusal.message)
    }
}
