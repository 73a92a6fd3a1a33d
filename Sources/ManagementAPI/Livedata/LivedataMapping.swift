import ControlPlane
import GatewayModel
import WireContract

/// Between the contract's shapes of live-data APIs and the model's.
enum LivedataMapping {
    static func draft(_ body: Wire.LdApiCreate) throws -> LivedataDraft {
        var draft = LivedataDraft(
            romaAppID: body.romaAppId ?? "", name: body.name ?? "", path: body.path ?? "",
            method: try WireWord.need(body.method, field: "method"), version: body.version ?? "",
            contentType: try WireWord.need(body.contentType, field: "content_type"))
        draft.description = body.description ?? ""
        draft.signatureKeyID = body.apiSignatureId
        draft.returnFormat = body.returnFormat ?? false
        draft.parameters = try (body.parameters ?? []).map(parameter)
        return draft
    }

    static func change(_ body: Wire.LdApiCreate) throws -> LivedataChange {
        var change = LivedataChange()
        change.romaAppID = body.romaAppId
        change.name = body.name
        change.path = body.path
        change.method = try WireWord.read(body.method, field: "method")
        change.description = body.description
        change.version = body.version
        change.contentType = try WireWord.read(body.contentType, field: "content_type")
        change.signatureKeyID = body.apiSignatureId
        change.returnFormat = body.returnFormat
        change.parameters = try body.parameters.map { try $0.map(parameter) }
        return change
    }

    static func parameter(_ wire: Wire.LdApiParameter) throws -> LivedataParameter {
        LivedataParameter(
            name: wire.name ?? "", location: try WireWord.need(wire.in, field: "in"), defaultValue: wire.default,
            description: wire.description, required: wire.required ?? false)
    }

    /// Function scripts. A data API needs a data source, and an instance has none: it is refused, as is whatever only a data
    /// API has.
    static func scripts(_ body: Wire.LdApiScriptCreate) throws(OperationError) -> [(name: String, content: String)] {
        guard let scripts = body.scripts else { throw .missing(field: "scripts") }
        switch body.apiType {
        case nil: if !scripts.isEmpty { throw .missing(field: "api_type") }
        case "function": break
        default: throw .cannotServe(field: "api_type", reason: "a data API needs a data source, and this instance has none")
        }
        for script in scripts {
            if script.dsId?.isEmpty == false { throw .invalid(field: "ds_id") }
            if script.dsName?.isEmpty == false { throw .invalid(field: "ds_name") }
            if script.dsType != nil { throw .invalid(field: "ds_type") }
            if script.type?.isEmpty == false, script.type != "function" { throw .invalid(field: "type") }
            if script.enableResultPaging == true { throw .invalid(field: "enable_result_paging") }
            if script.enablePreparestatement == true { throw .invalid(field: "enable_preparestatement") }
        }
        return scripts.map { ($0.objectName ?? "", $0.content ?? "") }
    }

    /// What describes the front API is checked even though none is made: a slip in it should not wait for the day when one is.
    static func deployment(_ body: Wire.LdApiDeploy, of id: String) throws(OperationError) -> LivedataDeploymentDraft {
        if let given = body.ldApiId, !given.isEmpty, given != id { throw .invalid(field: "ld_api_id") }
        try check(body.authType, "auth_type", ["NONE", "APP", "IAM", "AUTHORIZER"])
        try check(body.protocol, "protocol", ["HTTP", "HTTPS", "BOTH"])
        try check(body.method, "method", HTTPMethod.allCases.map(\.rawValue))
        if let path = body.path, !path.isEmpty, !path.hasPrefix("/") || path.utf8.count > 512 { throw .invalid(field: "path") }
        if let timeout = body.backendTimeout, !(1...600_000).contains(timeout) { throw .invalid(field: "backend_timeout") }
        if let text = body.retryCount, !text.isEmpty {
            guard let count = Int(text), (-1...10).contains(count) else { throw .invalid(field: "retry_count") }
        }
        for (field, value) in [
            ("authorizer_id", body.authorizerId), ("group_id", body.groupId), ("env_id", body.envId),
            ("roma_app_id", body.romaAppId),
        ] {
            if let value, !value.isEmpty, !ManagementResponder.isID(value) { throw .invalid(field: field) }
        }
        return LivedataDeploymentDraft(
            makesFrontAPI: body.deployFrontApi ?? false, groupID: body.groupId ?? "", environmentID: body.envId ?? "",
            romaAppID: body.romaAppId ?? "")
    }

    /// An id of a body; nil for an absent or empty one.
    static func id(_ text: String?, field: String) throws(OperationError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard ManagementResponder.isID(text) else { throw .invalid(field: field) }
        return text
    }

    private static func check(_ word: String?, _ field: String, _ words: [String]) throws(OperationError) {
        if let word, !word.isEmpty, !words.contains(word) { throw .invalid(field: field) }
    }

    // MARK: answers

    static func answer(_ view: LivedataView) -> Wire.CreateLiveDataApiV2Response {
        let api = view.api
        return Wire.CreateLiveDataApiV2Response(
            name: api.name, path: api.path, method: api.method.rawValue, description: api.description, version: api.version,
            contentType: api.contentType.rawValue, apiSignatureId: api.signatureKeyID, romaAppId: api.romaAppID,
            returnFormat: api.returnFormat, parameters: api.parameters.map(parameter), id: api.id, instance: api.instanceID,
            type: api.kind?.rawValue ?? "", status: api.status.rawValue, createdTime: api.createdAt.inSeconds,
            modifiedTime: api.updatedAt.inSeconds, scripts: api.scripts.map(script), romaAppName: view.applicationName)
    }

    /// Without parameters and scripts.
    static func element(_ view: LivedataView) -> Wire.LdApiInfo {
        var element = definition(view.api, view.applicationName)
        element.parameters = nil
        element.scripts = nil
        return element
    }

    private static func definition(_ api: LivedataAPI, _ applicationName: String) -> Wire.LdApiInfo {
        Wire.LdApiInfo(
            name: api.name, path: api.path, method: api.method.rawValue, description: api.description, version: api.version,
            contentType: api.contentType.rawValue, apiSignatureId: api.signatureKeyID, romaAppId: api.romaAppID,
            returnFormat: api.returnFormat, parameters: api.parameters.map(parameter), id: api.id, instance: api.instanceID,
            // Absent while it is neither data nor function: the contract's list knows only these two words here.
            type: api.kind?.rawValue, status: api.status.rawValue, createdTime: api.createdAt.inSeconds,
            modifiedTime: api.updatedAt.inSeconds, scripts: api.scripts.map(script), romaAppName: applicationName)
    }

    private static func parameter(_ parameter: LivedataParameter) -> Wire.LdApiParameter {
        Wire.LdApiParameter(
            name: parameter.name, in: parameter.location.rawValue, default: parameter.defaultValue,
            description: parameter.description, required: parameter.required)
    }

    private static func script(_ script: LivedataScript) -> Wire.LdApiScript {
        Wire.LdApiScript(
            objectName: script.objectName, content: script.content, enableResultPaging: false, enablePreparestatement: false,
            createdTime: script.createdAt.inSeconds, modifiedTime: script.updatedAt.inSeconds)
    }

    static func deployed(_ view: LivedataDeploymentView) -> Wire.PublishLiveDataApiV2Response {
        let deployment = view.deployment
        return Wire.PublishLiveDataApiV2Response(
            id: deployment.id, ldApiId: deployment.apiID, groupId: deployment.groupID, envId: deployment.environmentID,
            apiId: "", deployTime: deployment.deployedAt.inSeconds,
            apiDefinition: definition(deployment.definition, view.applicationName))
    }

    static func history(_ view: LivedataDeploymentView) -> Wire.LdApiDeployHistoryInfo {
        let deployment = view.deployment
        return Wire.LdApiDeployHistoryInfo(
            id: deployment.id, ldApiId: deployment.apiID, groupId: deployment.groupID, envId: deployment.environmentID,
            apiId: "", deployTime: deployment.deployedAt.inSeconds,
            apiDefinition: definition(deployment.definition, view.applicationName))
    }

    static func tested(_ outcome: LivedataTestOutcome) -> Wire.DebugLiveDataApiV2Response {
        let test = outcome.test
        return Wire.DebugLiveDataApiV2Response(
            testStatusCode: test.statusCode, testRequest: test.request, testUsedTime: test.usedMilliseconds,
            testOperator: test.testOperator, testResponse: test.response, testMethod: test.method, testId: test.number,
            testDate: test.testedAt.inSeconds, ldApiId: test.apiID, debugLog: outcome.log)
    }

    static func test(_ test: LivedataTest) -> Wire.LdApiTestHistoryInfoV2 {
        Wire.LdApiTestHistoryInfoV2(
            testStatusCode: test.statusCode, testRequest: test.request, testUsedTime: test.usedMilliseconds,
            testOperator: test.testOperator, testResponse: test.response, testMethod: test.method, testId: test.number,
            testDate: test.testedAt.inSeconds, ldApiId: test.apiID)
    }
}
