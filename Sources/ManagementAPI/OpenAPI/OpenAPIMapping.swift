import ControlPlane
import Foundation
import GatewayModel
import OpenAPIDocuments
import WireContract

/// Between the contract's shapes and imports and exports.
enum OpenAPIMapping {
    // MARK: import

    /// The file read and checked, as far as that needs no store.
    static func request(_ form: ImportForm, limit: Int) throws -> ImportRequest {
        let document: ReadDocument
        do {
            document = try DocumentReader.read(form.file, form.reading)
        } catch {
            throw refusal(error)
        }
        guard document.operations.count <= limit else {
            throw Refusal(
                .apig3127,
                text: "The number of APIs has reached the upper limit. A maximum of \(limit) APIs can be imported at a time.")
        }
        let target: ImportRequest.Target
        if form.createsGroup {
            target = .newGroup(try group(document, form.applicationID))
        } else {
            guard let id = form.groupID else { throw groupNotFound }
            target = .group(id: id)
        }
        return ImportRequest(
            target: target, romaAppID: form.applicationID, overridesAPIs: form.overridesAPIs,
            overridesPolicies: form.overridesPolicies, operations: document.operations.map(operation), document: document)
    }

    /// Imports say it without an id (management-api.md, 1.10).
    static var groupNotFound: Refusal { Refusal(.apig3001, text: "API group not found") }

    static func refusal(_ fault: DocumentFault) -> Refusal {
        switch fault {
        case .empty: Refusal(.apig3609)
        case .tooLong: Refusal(.apig3603)
        case .unreadable: Refusal(.apig3600)
        case .wrongVersion: Refusal(.apig3601)
        case .syntax: Refusal(.apig3602)
        case .noTitle: Refusal(.apig2044)
        }
    }

    private static func group(_ document: ReadDocument, _ applicationID: String) throws -> APIGroupDraft {
        let wire = Wire.ApiGroupCreate(name: document.title, remark: document.description)
        guard wire.violations().isEmpty else { throw Refusal(.apig2044) }
        return APIGroupDraft(name: document.title, remark: document.description, romaAppID: applicationID)
    }

    private static func operation(_ read: ReadOperation) -> ImportOperation {
        let outcome: Result<DocumentAPI, OperationError> =
            switch read.outcome {
            case .failure(let fault): .failure(.invalid(field: fault.field))
            case .success(let api):
                switch Wire.ApiCreate(api.definition).violations().first {
                case nil: .success(api)
                case let violation?: .failure(.invalid(field: violation.name))
                }
            }
        return ImportOperation(method: read.method, path: read.path, outcome: outcome)
    }

    static func answer(
        _ outcome: ImportOutcome, _ operation: ContractOperation, _ head: CallHead
    ) -> Wire.ImportApiDefinitionsV2Response {
        let failures = outcome.failures.map { failure in
            var refusal = ErrorMapping.refusal(
                failure.reason, operation: operation, alias: head.alias, instanceID: head.instanceID)
            if case .taken(.apiPath, let name) = failure.reason { refusal = taken(name) }
            return Wire.Failure(
                path: failure.path, errorMsg: refusal.message, method: failure.method, errorCode: refusal.code.rawValue)
        }
        let count = outcome.successes.count + failures.count
        return Wire.ImportApiDefinitionsV2Response(
            success: outcome.successes.map {
                Wire.Success(path: $0.path, method: $0.method, action: $0.action.rawValue, id: $0.apiID)
            },
            failure: failures,
            // Documents are not kept: the id is that of the request which brought this one.
            swagger: Wire.Swagger(id: head.requestID, result: "\(outcome.successes.count) of \(count) APIs imported"),
            groupId: outcome.groupID, ignore: outcome.ignored.map { Wire.Ignore(method: $0.method, path: $0.path) })
    }

    private static func taken(_ name: String) -> Refusal {
        Refusal(
            .apig3301,
            text: """
                The API already exists, An API with the same combination of the method, path, and x-apigateway-match-mode \
                fields already exists. API name: \(name)
                """)
    }

    // MARK: export

    struct Export {
        var request: ExportRequest
        var version: DocumentVersion
        var scope: DocumentScope
        var format: DocumentFormat

        /// - Throws: ``DocumentTooLong``.
        func file(_ content: DocumentContent) throws(DocumentTooLong) -> [UInt8] {
            let bytes = format.text(DocumentWriter.write(content, version: version, scope: scope))
            guard bytes.count <= OpenAPIMapping.exportLimit else { throw DocumentTooLong() }
            return bytes
        }
    }

    struct DocumentTooLong: Error {}

    /// Bytes of an exported file (management-api.md, 4.2).
    static let exportLimit = 50 * 1024 * 1024
    /// APIs that an export may name.
    static let exportedAPILimit = 1000

    static func export(_ body: Wire.ExportOpenApiReq, oasVersion: String?) throws -> Export {
        let (scope, isDraft): (DocumentScope, Bool) =
            switch APIMapping.text(body.define) {
            // The words of older editions beside those of newer ones.
            case nil, "spec", "base": (.spec, false)
            case "proxy", "full": (.proxy, false)
            case "all": (.all, false)
            case "dev": (.all, true)
            default: throw OperationError.invalid(field: "define")
            }
        guard let format = DocumentFormat(rawValue: APIMapping.text(body.type) ?? DocumentFormat.json.rawValue) else {
            throw OperationError.invalid(field: "type")
        }
        guard let version = DocumentVersion(rawValue: oasVersion ?? DocumentVersion.two.rawValue) else {
            throw FieldErrorCodes.malformed(.exportApiDefinitionsV2, parameter: "oas_version")
        }
        var request = ExportRequest(groupID: try APIMapping.given(APIMapping.text(body.groupId), "group_id"), source: .drafts)
        if !isDraft {
            request.source = .environment(id: try APIMapping.given(APIMapping.text(body.envId), "env_id"))
        }
        request.apiIDs = body.apis ?? []
        guard request.apiIDs.count <= exportedAPILimit else { throw OperationError.invalid(field: "apis") }
        request.version = APIMapping.text(body.version)
        if let version = request.version, version.unicodeScalars.count > 64 { throw OperationError.invalid(field: "version") }
        return Export(request: request, version: version, scope: scope, format: format)
    }

    // MARK: tasks

    static func task(_ view: DocumentTaskView, _ head: CallHead) -> Wire.AsyncTaskResult {
        var result = view.task.result
        if let progress = view.progress { result = json(TaskProgress(done: progress.done, total: progress.total)) }
        if view.isLost {
            result = json(TaskFailure(Refusal(.apig9999, text: "The program ended before the task did")))
        }
        return Wire.AsyncTaskResult(
            taskId: view.task.id, taskStatus: view.status.rawValue, taskType: view.task.kind.rawValue, taskResult: result)
    }

    struct TaskProgress: Encodable {
        let done: Int
        let total: Int
    }

    struct TaskFailure: Encodable {
        let errorCode: String
        let errorMsg: String

        init(_ refusal: Refusal) {
            errorCode = refusal.code.rawValue
            errorMsg = refusal.message
        }

        enum CodingKeys: String, CodingKey {
            case errorCode = "error_code"
            case errorMsg = "error_msg"
        }
    }

    struct ExportedFile: Encodable {
        let fileType: String
        let content: String

        enum CodingKeys: String, CodingKey {
            case fileType = "file_type"
            case content
        }
    }

    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers alone, which always can be written.
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
