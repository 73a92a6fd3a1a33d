import ControlPlane
import GatewayModel
import NIOCore
import WireContract
import ZipArchives

extension OperationRoutes {
    /// Export, import and deletion of whole applications as jobs (management-api.md, 3.26).
    public mutating func addAssets(_ plane: ControlPlane) {
        let jobs = AssetJobs(plane: plane)
        on(.exportAsset, body: Wire.AssetExportRequest.self) { call -> Written<Wire.ExportAssetResponse> in
            let ids = try Self.applications(call.body.apps, tasks: call.body.tasks)
            let started = try await plane.startAssetJob(
                call.call, .exportAsset, applications: ids, role: .read, steps: ids.count + 1)
            jobs.run(started.value, call.call) { try await jobs.export(ids, $0, call.call) }
            return started.map { Wire.ExportAssetResponse(jobId: $0.id) }
        }
        on(.deleteAsset, body: Wire.AssetOperateRequest.self) { call -> Written<Wire.DeleteAssetResponse> in
            let ids = try Self.applications(call.body.apps, tasks: call.body.tasks)
            let started = try await plane.startAssetJob(
                call.call, .deleteAsset, applications: ids, role: .delete, steps: ids.count)
            jobs.run(started.value, call.call) { try await jobs.delete(ids, $0, call.call) }
            return started.map { Wire.DeleteAssetResponse(jobId: $0.id) }
        }
        onRaw(.importAsset) { call -> Written<Wire.ImportAssetResponse> in
            let files = try Self.archive(MultipartForm(call.body))
            let started = try await plane.startAssetJob(
                call.call, .importAsset, applications: [], role: .read, steps: files.count + 1)
            jobs.run(started.value, call.call) { try await jobs.importFiles(files, $0, call.call) }
            return started.map { Wire.ImportAssetResponse(jobId: $0.id) }
        }
        on(.checkAssetJobStatus) { call -> Wire.CheckAssetJobStatusResponse in
            Self.answer(try await plane.assetJob(call.call, id: call.id("job_id")))
        }
        on(.downloadAssetArchive) { call -> FileAnswer in
            FileAnswer(
                bytes: try await plane.takeAssetArchive(call.call, id: call.id("archive_id")), contentType: "application/zip")
        }
    }

    /// - Throws: ``OperationError``; tasks are those of data integration, of which there are none.
    private static func applications(
        _ apps: [Wire.AssetExportRequestApps]?, tasks: [Wire.AssetExportRequestTasks]?
    ) throws(OperationError) -> [String] {
        let apps = apps ?? []
        let tasks = tasks ?? []
        guard apps.count + tasks.count <= ControlPlane.assetLimit else { throw .invalid(field: "apps") }
        for (id, field) in apps.map({ ($0.id, "apps") }) + tasks.map({ ($0.id, "tasks") }) {
            guard let id, ManagementResponder.isID(id) else { throw .invalid(field: field) }
        }
        if let task = tasks.first?.id { throw .notFound(.asynchronousTask, id: task) }
        let ids = apps.compactMap(\.id)
        guard !ids.isEmpty, Set(ids).count == ids.count else { throw .invalid(field: "apps") }
        return ids
    }

    /// The files of the archive in a form.
    private static func archive(_ form: MultipartForm) throws -> [(name: String, bytes: [UInt8])] {
        let field = "ImportAssetRequestBody"
        guard let part = form[field] else { throw OperationError.missing(field: field) }
        guard part.fileName?.lowercased().hasSuffix(".zip") == true else { throw Refusal(.roma10013) }
        do {
            return try AssetFile.files(Array(part.value.readableBytesView))
        } catch is ZipFault {
            throw Refusal(.roma10011)
        } catch is AssetFile.Fault {
            throw OperationError.invalid(field: field)
        }
    }

    private static func answer(_ job: AssetJob) -> Wire.CheckAssetJobStatusResponse {
        Wire.CheckAssetJobStatusResponse(
            id: job.id, type: job.kind.rawValue, status: job.status.rawValue,
            reasons: job.reasons.map {
                Wire.AssetJobReason(
                    resourceType: "application", resourceName: $0.name, errorCode: $0.code, errorMsg: $0.message)
            },
            progressPercent: Double(job.stepsDone) / Double(job.steps), archiveId: job.archiveID,
            beginTime: job.beganAt.inMilliseconds, endTime: job.endedAt?.inMilliseconds)
    }
}
