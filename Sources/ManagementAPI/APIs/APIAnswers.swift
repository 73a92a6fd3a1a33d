import ControlPlane
import Foundation
import GatewayModel
import WireContract

/// The contract describes one API five times, each with some of the same fields. The largest of these schemas serves for all:
/// fields that an answer does not have stay nil and are not written.
typealias APIAnswer = Wire.ListApiVersionDetailV2Response

/// Page of APIs (schema of operation list_apis_v2).
struct APIListAnswer: Encodable, Sendable {
    let size: Int
    let total: Int
    let apis: [APIAnswer]
}

/// ``APIDefinition`` -> answers with every default and join (management-api.md, 3.8).
struct APIAnswers {
    let groupHostSuffix: String

    /// Spelling of a time in answers of a write and when it is read later (management-api.md, 1.7).
    enum Moment {
        case created, updated, read

        func register(_ time: Timestamp) -> String { self == .created ? time.inNanoseconds : time.inSeconds }
        func update(_ time: Timestamp) -> String { self == .read ? time.inMicroseconds : time.inNanoseconds }
    }

    func details(_ view: APIView, _ moment: Moment) -> APIAnswer {
        var answer = element(view, moment)
        addParts(of: view.api.definition, of: view.api, moment, to: &answer)
        return answer
    }

    /// Without backends, parameters and policies.
    func element(_ view: APIView, _ moment: Moment = .read) -> APIAnswer {
        var answer = base(view.api.definition, view.api, view.group, moment)
        answer.responseId = view.responseID
        answer.apiGroupInfo?.urlDomains = view.domains.map(DomainMapping.ofGroup)
        answer.romaAppName = view.romaAppName
        // Several environments are joined in one order, newest publication first.
        answer.runEnvId = view.publications.map(\.publication.environmentID).joined(separator: "|")
        answer.runEnvName = view.publications.map(\.environmentName).joined(separator: "|")
        answer.publishId = view.publications.map(\.publication.id).joined(separator: "|")
        answer.publishTime = view.publications.map(\.publication.publishedAt.inSeconds).joined(separator: "|")
        return answer
    }

    func version(_ view: VersionView) -> APIAnswer {
        var answer = base(view.version.definition, view.api, view.group, .read)
        answer.romaAppName = view.romaAppName
        addParts(of: view.version.definition, of: view.api, .read, to: &answer)
        answer.runEnvId = view.publication.environmentID
        answer.runEnvName = view.environmentName
        answer.publishId = view.publication.id
        answer.publishTime = view.version.publishedAt.inSeconds
        answer.versionId = view.version.id
        answer.slDomain = APIGroupMapping.host(view.group, groupHostSuffix)
        answer.slDomains = [APIGroupMapping.host(view.group, groupHostSuffix)]
        return answer
    }

    /// The definition in force as callers may know it: without the backend.
    func runtime(_ view: VersionView) -> APIAnswer {
        let definition = view.version.definition
        var answer = outline(definition, view.group)
        answer.romaAppName = view.romaAppName
        answer.id = view.api.id
        answer.runEnvId = view.publication.environmentID
        answer.runEnvName = view.environmentName
        answer.publishId = view.publication.id
        answer.slDomain = APIGroupMapping.host(view.group, groupHostSuffix)
        answer.slDomains = [APIGroupMapping.host(view.group, groupHostSuffix)]
        answer.reqParams = definition.requestParameters.map(Self.requestParameter)
        return answer
    }

    // MARK: parts

    private func base(_ definition: APIDefinition, _ api: API, _ group: APIGroup, _ moment: Moment) -> APIAnswer {
        var answer = outline(definition, group)
        answer.id = api.id
        answer.status = 1
        // 2: no orchestration is needed.
        answer.arrangeNecessary = 2
        answer.registerTime = moment.register(api.createdAt)
        answer.updateTime = moment.update(api.updatedAt)
        answer.groupVersion = APIGroupMapping.version(group)
        answer.apiGroupInfo = Wire.ApiGroupCommonInfo(
            id: group.id, name: group.name, status: 1, slDomain: APIGroupMapping.host(group, groupHostSuffix),
            registerTime: group.createdAt.inSeconds, updateTime: group.updatedAt.inMicroseconds, onSellStatus: 2, urlDomains: [])
        return answer
    }

    private func outline(_ definition: APIDefinition, _ group: APIGroup) -> APIAnswer {
        var answer = APIAnswer()
        answer.name = definition.name
        answer.type = definition.type
        answer.version = definition.version
        answer.reqProtocol = definition.reqProtocol.rawValue
        answer.reqMethod = definition.reqMethod.rawValue
        answer.reqUri = definition.reqURI
        answer.authType = definition.authType.rawValue
        if definition.authType == .app {
            answer.authOpt = Wire.AuthOpt(appCodeAuthType: definition.appCodeAllowed ? "HEADER" : "DISABLE")
        }
        answer.cors = definition.cors
        answer.matchMode = definition.matchMode.rawValue
        answer.backendType = definition.backendType.rawValue
        answer.remark = definition.remark
        answer.groupId = definition.groupID
        answer.bodyRemark = definition.bodyRemark
        answer.resultNormalSample = definition.resultNormalSample
        answer.resultFailureSample = definition.resultFailureSample
        answer.authorizerId = definition.authorizerID
        answer.tags = definition.tags
        answer.responseId = definition.responseID ?? group.id
        answer.romaAppId = APIMapping.text(definition.romaAppID)
        answer.domainName = APIMapping.text(definition.domainName)
        answer.tag = APIMapping.text(definition.tag)
        answer.contentType = definition.contentType
        answer.isSendFgBodyBase64 = definition.sendsFunctionBodyEncoded
        answer.groupName = group.name
        return answer
    }

    private func addParts(of definition: APIDefinition, of api: API, _ moment: Moment, to answer: inout APIAnswer) {
        let register = moment.register(api.createdAt)
        let update = moment.update(api.updatedAt)
        answer.reqParams = definition.requestParameters.map(Self.requestParameter)
        answer.backendParams = Self.backendParameters(definition.backendParameters, definition)
        answer.backendApi = definition.http.map { Self.http($0, register, update) }
        answer.mockInfo = definition.mock.map { Self.mock($0, register, update) }
        answer.funcInfo = definition.function.map { Self.function($0, register, update) }
        answer.policyHttps = definition.httpPolicies.map { Self.policy($0, definition) }
        answer.policyMocks = definition.mockPolicies.map { Self.policy($0, definition) }
        answer.policyFunctions = definition.functionPolicies.map { Self.policy($0, definition) }
    }

    static func requestParameter(_ parameter: RequestParameter) -> Wire.ReqParam {
        var wire = Wire.ReqParam()
        wire.id = parameter.id
        wire.name = parameter.name
        wire.type = parameter.type
        wire.location = parameter.location.rawValue
        wire.required = parameter.required ? 1 : 2
        wire.validEnable = parameter.validates ? 1 : 2
        wire.passThrough = parameter.passThrough ? 1 : 2
        wire.defaultValue = parameter.defaultValue
        wire.sampleValue = parameter.sampleValue
        wire.remark = parameter.remark
        wire.enumerations = parameter.enumerations
        wire.minNum = parameter.minNumber
        wire.maxNum = parameter.maxNumber
        wire.minSize = parameter.minSize
        wire.maxSize = parameter.maxSize
        wire.regular = parameter.regular
        wire.jsonSchema = parameter.jsonSchema
        wire.orchestrations = parameter.orchestrations
        return wire
    }

    static func backendParameters(_ parameters: [BackendParameter], _ definition: APIDefinition) -> [Wire.BackendParam] {
        parameters.map { parameter in
            var wire = Wire.BackendParam()
            wire.id = parameter.id
            wire.name = parameter.name
            wire.location = parameter.location.rawValue
            wire.origin = parameter.origin.rawValue
            wire.value = parameter.value
            wire.remark = parameter.remark
            if parameter.origin == .request {
                wire.reqParamId = definition.requestParameters.first { $0.name == parameter.value }?.id
            }
            return wire
        }
    }
}
