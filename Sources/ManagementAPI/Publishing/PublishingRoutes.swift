import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Publication, versions and what is in force (management-api.md, 3.8).
    public mutating func addPublishing(_ plane: ControlPlane) {
        on(.createOrDeletePublishRecordForApiV2, body: Wire.ApiActionInfo.self) {
            call -> Written<Wire.CreateOrDeletePublishRecordForApiV2Response> in
            let wire = call.body
            let action: PublishAction = try APIMapping.word(wire.action, "action")
            let api = try APIMapping.given(wire.apiId, "api_id")
            let environment = try APIMapping.given(wire.envId, "env_id")
            let written =
                switch action {
                case .online:
                    try await plane.publishAPI(
                        call.call, apiID: api, environmentID: environment, remark: try Self.remark(wire.remark))
                case .offline: try await plane.takeAPIOffline(call.call, apiID: api, environmentID: environment)
                }
            return written.map(Self.answer)
        }
        on(.batchPublishOrOfflineApiV2, body: Wire.ApiBatchPublish.self) {
            call -> Written<Wire.BatchPublishOrOfflineApiV2Response> in
            let action: PublishAction = try APIMapping.word(call.query.text("action"), "action")
            let apis = try APIMapping.given(call.body.apis, "apis")
            guard apis.count <= 1000 else { throw OperationError.invalid(field: "apis") }
            return try await plane.publishAPIs(
                call.call, action: action, apiIDs: apis, environmentID: try APIMapping.given(call.body.envId, "env_id"),
                remark: try Self.remark(call.body.remark)
            ).map { Self.batch($0, call) }
        }
        on(.changeApiVersionV2, body: Wire.ApiVersion.self) {
            call -> Written<Wire.CreateOrDeletePublishRecordForApiV2Response> in
            let version = try APIMapping.given(call.body.versionId, "version_id")
            return try await plane.switchAPIVersion(call.call, apiID: call.id("api_id"), versionID: version).map(Self.answer)
        }
        addVersions(plane)
    }

    private mutating func addVersions(_ plane: ControlPlane) {
        let answers = APIAnswers(groupHostSuffix: plane.settings.groupHostSuffix)
        on(.listApiVersionsV2) { call -> Wire.ListApiVersionsV2Response in
            let list = try await plane.apiVersions(
                call.call, apiID: call.id("api_id"), environmentID: try call.filterID("env_id"),
                environmentName: try call.filterName("env_name"), page: call.page)
            return Wire.ListApiVersionsV2Response(
                size: list.items.count, total: list.total, apiVersions: list.items.map(Self.element))
        }
        on(.listApiVersionDetailV2) { call -> APIAnswer in
            answers.version(try await plane.apiVersion(call.call, id: call.id("version_id")))
        }
        on(.deleteApiByVersionIdV2) { call -> Written<Void> in
            try await plane.takeVersionOffline(call.call, versionID: call.id("version_id"))
        }
        on(.listApiRuntimeDefinitionV2) { call -> APIAnswer in
            let environment = try call.filterID("env_id") ?? Environment.releaseID
            return answers.runtime(
                try await plane.runtimeDefinition(call.call, apiID: call.id("api_id"), environmentID: environment))
        }
    }

    /// The contract has no limit for it; the remarks of versions are as long as those of environments.
    private static func remark(_ text: String?) throws(OperationError) -> String {
        let text = text ?? ""
        guard text.unicodeScalars.count <= 255 else { throw .invalid(field: "remark") }
        return text
    }

    private static func answer(_ record: PublicationRecord) -> Wire.CreateOrDeletePublishRecordForApiV2Response {
        Wire.CreateOrDeletePublishRecordForApiV2Response(
            publishId: record.publication.id, apiId: record.publication.apiID, apiName: record.apiName,
            envId: record.publication.environmentID, remark: record.remark,
            publishTime: record.publication.publishedAt.inNanoseconds, versionId: record.versionID)
    }

    private static func batch<Body>(
        _ outcomes: [BatchPublication], _ call: OperationCall<Body>
    ) -> Wire.BatchPublishOrOfflineApiV2Response {
        var success: [Wire.PublishResp] = []
        var failure: [Wire.BatchFailure] = []
        for outcome in outcomes {
            switch outcome.outcome {
            case .success(let record):
                success.append(
                    Wire.PublishResp(
                        publishId: record.publication.id, apiId: record.publication.apiID, apiName: record.apiName,
                        envId: record.publication.environmentID, remark: record.remark,
                        publishTime: record.publication.publishedAt.inNanoseconds, versionId: record.versionID))
            case .failure(let error):
                var refusal = call.refusal(error)
                // The text of this answer is not that of the operations on one API (management-api.md, 1.10).
                if case .notFound(.api, let id) = error { refusal = Refusal(.apig3002, text: "Api \(id) not found") }
                failure.append(
                    Wire.BatchFailure(
                        apiId: outcome.apiID, apiName: outcome.apiName, errorCode: refusal.code.rawValue,
                        errorMsg: refusal.message))
            }
        }
        return Wire.BatchPublishOrOfflineApiV2Response(success: success, failure: failure)
    }

    private static func element(_ version: ListedVersion) -> Wire.ApiVersionResp {
        Wire.ApiVersionResp(
            versionId: version.id, versionNo: version.number, apiId: version.apiID, envId: version.environmentID,
            envName: version.environmentName, remark: version.remark, publishTime: version.publishedAt.inSeconds,
            status: version.isInForce ? 1 : 2)
    }
}
