import ControlPlane
import GatewayModel
import OpenAPIDocuments
import WireContract

extension OperationRoutes {
    /// Imports and exports of API definitions (management-api.md, 3.22), and their twins that run by themselves.
    public mutating func addOpenAPI(_ plane: ControlPlane) {
        let limit = plane.settings.quotas.apisPerImport
        onRaw(.importApiDefinitionsV2) { call -> Written<Wire.ImportApiDefinitionsV2Response> in
            let request = try OpenAPIMapping.request(try ImportForm(call.body), limit: limit)
            return try await Self.namingNoGroup {
                try await plane.importAPIs(call.call, request).map { OpenAPIMapping.answer($0, call.operation, call.head) }
            }
        }
        onFile(.exportApiDefinitionsV2, body: Wire.ExportOpenApiReq.self) { call -> FileAnswer in
            let export = try OpenAPIMapping.export(call.body, oasVersion: call.query.text("oas_version"))
            let content = try await plane.exportAPIs(call.call, export.request)
            do throws(OpenAPIMapping.DocumentTooLong) {
                return FileAnswer(
                    bytes: try export.file(content), contentType: export.format.contentType,
                    fileName: "\(export.request.groupID).\(export.format.rawValue)")
            } catch {
                throw Refusal(.apig3603)
            }
        }
        addDocumentTasks(plane, limit: limit)
    }

    private mutating func addDocumentTasks(_ plane: ControlPlane, limit: Int) {
        let tasks = DocumentTasks(plane)
        onRaw(.importApiDefinitionsAsync) { call -> Written<Wire.AsyncTaskStarted> in
            let request = try OpenAPIMapping.request(try ImportForm(call.body), limit: limit)
            if case .group(let id) = request.target { try await Self.namingNoGroup { _ = try await plane.apiGroup(call.call, id: id) } }
            let head = call.head
            var own = call.call
            own.subject = nil
            return try await tasks.start(own, .importAPIs, total: request.operations.count) { [own] report in
                do {
                    _ = try await plane.importAPIs(own, request, progress: report.progress) { writing, outcome in
                        try report.succeed(OpenAPIMapping.json(OpenAPIMapping.answer(outcome, head.operation, head)), in: writing)
                    }
                    return nil
                } catch {
                    return Self.failure(error, head)
                }
            }.map { Wire.AsyncTaskStarted(taskId: $0) }
        }
        on(.exportApiDefinitionsAsync, body: Wire.ExportOpenApiReq.self) { call -> Written<Wire.AsyncTaskStarted> in
            let export = try OpenAPIMapping.export(call.body, oasVersion: call.query.text("oas_version"))
            _ = try await plane.apiGroup(call.call, id: export.request.groupID)
            let head = call.head
            let own = call.call
            return try await tasks.start(own, .exportAPIs, total: 1) { report in
                report.progress(0)
                do {
                    let bytes = try export.file(try await plane.exportAPIs(own, export.request))
                    let file = OpenAPIMapping.ExportedFile(
                        fileType: export.format.rawValue, content: String(decoding: bytes, as: UTF8.self))
                    return (.succeeded, OpenAPIMapping.json(file))
                } catch is OpenAPIMapping.DocumentTooLong {
                    return Self.failure(Refusal(.apig3603), head)
                } catch {
                    return Self.failure(error, head)
                }
            }.map { Wire.AsyncTaskStarted(taskId: $0) }
        }
        on(.showAsyncTaskResult) { call -> Wire.AsyncTaskResult in
            OpenAPIMapping.task(try await tasks.task(call.call, id: call.id("task_id")), call.head)
        }
    }

    /// Runs an import, whose text for an unknown group is one of its own.
    private static func namingNoGroup<Result>(_ run: () async throws -> Result) async throws -> Result {
        do {
            return try await run()
        } catch OperationError.notFound(.apiGroup, _) {
            throw OpenAPIMapping.groupNotFound
        }
    }

    private static func failure(_ error: any Error, _ head: CallHead) -> (status: DocumentTask.Status, result: String) {
        var refusal = ErrorMapping.refusal(error, operation: head.operation, alias: head.alias, instanceID: head.instanceID)
        if case OperationError.notFound(.apiGroup, _) = error, head.operation == .importApiDefinitionsAsync {
            refusal = OpenAPIMapping.groupNotFound
        }
        return (.failed, OpenAPIMapping.json(OpenAPIMapping.TaskFailure(refusal)))
    }
}
