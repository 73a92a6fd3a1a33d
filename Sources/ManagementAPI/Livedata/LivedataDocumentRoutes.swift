import ControlPlane
import GatewayModel
import NIOCore
import OpenAPIDocuments
import WireContract

extension OperationRoutes {
    /// Documents of live-data APIs (management-api.md, 3.22).
    mutating func addLivedataDocuments(_ plane: ControlPlane) {
        onFile(.exportLiveDataApiDefinitionsV2, body: Wire.LiveDataExportReq.self) { call -> FileAnswer in
            let body = call.body
            guard let format = DocumentFormat(rawValue: body.format ?? DocumentFormat.json.rawValue) else {
                throw OperationError.invalid(field: "format")
            }
            var request = LivedataExportRequest()
            request.applicationID = try LivedataMapping.id(body.appId, field: "app_id")
            request.apiIDs = try (body.apis ?? []).map { id in
                guard let id = try LivedataMapping.id(id, field: "apis") else { throw OperationError.invalid(field: "apis") }
                return id
            }
            guard request.apiIDs.count <= Self.exportedAPILimit else { throw OperationError.invalid(field: "apis") }
            if let number = body.status {
                guard let status = LivedataAPI.Status(rawValue: number) else { throw OperationError.invalid(field: "status") }
                request.status = status
            }
            let apis = try await plane.exportLivedataAPIs(call.call, request)
            let tree = LivedataDocument.write(title: "live data", version: "1.0.0", apis)
            return FileAnswer(bytes: format.text(tree), contentType: format.contentType)
        }
        onRaw(.importLiveDataApiDefinitionsV2) { call -> Written<Wire.ImportLiveDataApiDefinitionsV2Response> in
            let form = try MultipartForm(call.body)
            let overridesAPIs = try Self.mode(form, "api_mode")
            let overridesExtensions = try Self.mode(form, "extend_mode")
            guard let file = form["file_name"] else { throw OperationError.missing(field: "file_name") }
            let operations: [LivedataOperation]
            do throws(DocumentFault) {
                operations = try LivedataDocument.read(Array(file.value.readableBytesView))
            } catch {
                throw Self.refusal(error)
            }
            guard operations.count <= plane.settings.quotas.livedataAPIs else { throw Refusal(.apig3127) }
            let request = LivedataImportRequest(
                overridesAPIs: overridesAPIs, overridesExtensions: overridesExtensions, operations: operations)
            return try await plane.importLivedataAPIs(call.call, request).map { outcome in
                Wire.ImportLiveDataApiDefinitionsV2Response(
                    success: outcome.successes.map {
                        Wire.Success(path: $0.path, method: $0.method, action: $0.isNew ? "create" : "update", id: $0.apiID)
                    },
                    failure: outcome.failures.map {
                        let refusal = ErrorMapping.refusal(
                            $0.reason, operation: .importLiveDataApiDefinitionsV2, alias: call.alias, instanceID: call.instanceID)
                        return Wire.Failure(
                            path: $0.path, errorMsg: refusal.message, method: $0.method, errorCode: refusal.code.rawValue)
                    })
            }
        }
    }

    /// APIs that one request names.
    private static let exportedAPILimit = 500

    /// - Returns: whether it overrides.
    private static func mode(_ form: MultipartForm, _ name: String) throws -> Bool {
        switch try form.text(name) {
        case nil, "", "merge": return false
        case "override": return true
        default: throw OperationError.invalid(field: name)
        }
    }

    private static func refusal(_ fault: DocumentFault) -> Refusal {
        switch fault {
        case .empty: Refusal(.apig3609)
        case .tooLong: Refusal(.apig3603, text: "The Swagger file content is too long.")
        case .unreadable: Refusal(.apig3600)
        case .wrongVersion: Refusal(.apig3601)
        case .syntax, .noTitle: Refusal(.apig3602)
        }
    }
}
