import Foundation
import Testing
import WireContract

private func decode<T: Decodable>(_ type: T.Type, _ json: String) throws -> T {
    try JSONDecoder().decode(T.self, from: Data(json.utf8))
}

private func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

@Suite("Wire types")
struct WireTypesTests {
    @Test("absent, null and unknown members; absent members are not written")
    func optional() throws {
        let key = try decode(Wire.BaseSignature.self, #"{"name":"abc","sign_key":null,"later":[1,{"x":2}]}"#)
        #expect(key == Wire.BaseSignature(name: "abc"))
        #expect(try encode(key) == #"{"name":"abc"}"#)
    }

    @Test("wrong types are refused", arguments: [
        #"{"name":1}"#, #"{"name":["abc"]}"#, #"{"name":{}}"#, #"{"name":true}"#, "[]", "1", "\"a\"",
    ])
    func wrongTypes(json: String) {
        #expect(throws: DecodingError.self) { try decode(Wire.BaseSignature.self, json) }
    }

    @Test("a text for a number is refused")
    func textForNumber() {
        #expect(throws: DecodingError.self) { try decode(Wire.ApiCreate.self, #"{"type":"1"}"#) }
        #expect(throws: DecodingError.self) { try decode(Wire.ApiCreate.self, #"{"type":1.5}"#) }
        #expect(throws: DecodingError.self) { try decode(Wire.ApiCreate.self, #"{"type":99999999999999999999}"#) }
    }

    @Test("binding lists under both spellings, the underscore preferred")
    func aclBindings() throws {
        #expect(try decode(Wire.AclBindingBatchDelete.self, #"{"acl-bindings":["a"]}"#).aclBindings == ["a"])
        #expect(try decode(Wire.AclBindingBatchDelete.self, #"{"acl_bindings":["b"],"acl-bindings":["a"]}"#).aclBindings == ["b"])
        #expect(try encode(Wire.AclBindingBatchDelete(aclBindings: ["a"])) == #"{"acl_bindings":["a"]}"#)
    }

    @Test("numbers as text, objects as text, words as text")
    func lenient() throws {
        #expect(try decode(Wire.BackendApiCreate.self, #"{"retry_count":3}"#).retryCount == NumberText("3"))
        #expect(try encode(try decode(Wire.BackendApiCreate.self, #"{"retry_count":"-1"}"#)) == #"{"retry_count":"-1"}"#)
        let config = try decode(Wire.FeatureToggleV2.self, #"{"config":{"b":[1,2.5,null,"\u0001\""],"a":true}}"#).config
        #expect(config?.text == #"{"a":true,"b":[1,2.5,null,"\u0001\""]}"#)
        #expect(try decode(Wire.FeatureToggleV2.self, #"{"config":"on"}"#).config?.text == "on")
        #expect(try decode(Wire.FeatureToggleV2.self, #"{"config":5}"#).config?.text == "5")
        #expect(try decode(Wire.User.self, #"{"roles":["read, access","admin"]}"#).roles?.words == ["read", "access", "admin"])
        #expect(try decode(Wire.User.self, #"{"roles":"read"}"#).roles?.words == ["read"])
    }

    @Test("authentication options as a list of one and under the other spelling")
    func authOpt() throws {
        #expect(try decode(Wire.ApiCreate.self, #"{"auth_opt":[{"app_code_auth_type":"HEADER"}]}"#).authOpt?.appCodeAuthType == "HEADER")
        #expect(try decode(Wire.ApiCreate.self, #"{"auth_opt":{"auth_code_auth_type":"DISABLE"}}"#).authOpt?.appCodeAuthType == "DISABLE")
        #expect(try decode(Wire.ApiCreate.self, #"{"auth_opt":[]}"#).authOpt == Wire.AuthOpt())
    }
}

@Suite("Tables of the contract")
struct TablesTests {
    @Test("every operation has its shape")
    func shapes() {
        // Operations of supplements either lie under apigw, or are among the few that
        // have no place in the contract of integration and are reached at both roots.
        let supplements: Set<ContractOperation> = [
            .batchDeleteThrottlingPolicyV2, .endAppCodeSecret, .endAppSecret, .endSignatureKeySecret, .explainRequest, .exportAuditRecords,
            .listAppCodeSecrets, .listAppSecrets, .listAuditRecords, .listHistory, .listSignatureKeySecrets, .restoreHistory,
            .showHistoryDiff, .verifyAuditRecords, .rotateAppCode, .rotateAppSecret, .rotateSignatureKey,
        ]
        let contract = ContractOperation.allCases.filter {
            !$0.shape.path.hasPrefix("/v2/{project_id}/apigw/") && !supplements.contains($0)
        }
        #expect(contract.count == 200)
        for operation in ContractOperation.allCases {
            let shape = operation.shape
            #expect(shape.operation == operation)
            #expect(shape.path.hasPrefix("/v2/{project_id}/"))
            #expect([200, 201, 202, 204].contains(shape.status))
            #expect(!(shape.status == 204 && shape.answers))
        }
        #expect(Set(ContractOperation.allCases.map { "\($0.shape.method) \($0.shape.path)" }).count == ContractOperation.allCases.count)
        #expect(ContractOperation.updateSignatureKeyV2.shape.body == .json(required: true))
        #expect(ContractOperation.createAppCodeAutoV2.shape.body == .none)
        #expect(ContractOperation.detachApiFromPlugin.shape.status == 204)
    }

    @Test("every error code has a status and a text")
    func codes() {
        for code in ManagementErrorCode.allCases {
            #expect((200..<600).contains(code.status))
            #expect(!code.template.isEmpty)
            #expect(!code.template.contains("||"))
        }
        #expect(ManagementErrorCode.apig3030.message("a<b>") == "The instance does not exist;id:a<b>")
        #expect(ManagementErrorCode.apig3548.message("aes", "i") == "sign_type=aes not supported by instance i")
        #expect(ManagementErrorCode.apig3017.message() == "Signature key <sign_id> does not exist")
        #expect(ManagementErrorCode.apig1005.status == 403)
    }
}
