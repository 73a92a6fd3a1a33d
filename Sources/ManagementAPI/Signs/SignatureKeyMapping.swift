import ControlPlane
import GatewayModel
import GatewayPrimitives
import WireContract

/// Between the contract's shapes and the model's. Whether a secret is shown or masked differs by operation
/// (management-api.md, 3.11), so that every mapping is told.
enum SignatureKeyMapping {
    static func draft(_ body: Wire.BaseSignature) throws -> SignatureKeyDraft {
        SignatureKeyDraft(
            name: body.name ?? "", type: try WireWord.read(body.signType, field: "sign_type"), key: body.signKey,
            secret: body.signSecret.map { Secret($0) }, algorithm: try WireWord.read(body.signAlgorithm, field: "sign_algorithm"))
    }

    static func answer(_ key: SignatureKey, secret: String, createTime: String) -> Wire.CreateSignatureKeyV2Response {
        Wire.CreateSignatureKeyV2Response(
            name: key.name, signType: key.type.rawValue, signKey: key.key, signSecret: secret,
            signAlgorithm: key.algorithm?.rawValue, updateTime: key.updatedAt.inNanoseconds, createTime: createTime, id: key.id)
    }

    static func element(_ listed: ListedSignatureKey, secret: String) -> Wire.SignatureWithBindNum {
        let key = listed.key
        return Wire.SignatureWithBindNum(
            name: key.name, signType: key.type.rawValue, signKey: key.key, signSecret: secret,
            signAlgorithm: key.algorithm?.rawValue, updateTime: key.updatedAt.inMicroseconds,
            createTime: key.createdAt.inSeconds, id: key.id, bindNum: listed.boundAPIs, ldapiBindNum: listed.livedataAPIs)
    }

    static func binding(_ bound: BoundSignatureKey, secret: String, time: String) -> Wire.SignApiBindingInfo {
        let publication = bound.publication
        return Wire.SignApiBindingInfo(
            publishId: publication.publicationID, apiId: publication.apiID, groupName: publication.groupName,
            bindingTime: time, envId: publication.environmentID, envName: publication.environmentName,
            apiType: publication.apiType, apiName: publication.apiName, id: bound.binding.id,
            apiRemark: publication.apiRemark, signId: bound.key.id, signName: bound.key.name, signKey: bound.key.key,
            signSecret: secret, signType: bound.key.type.rawValue)
    }

    static func boundAPI(_ bound: BoundSignatureKey) -> Wire.SignApiBindingBase {
        let publication = bound.publication
        return Wire.SignApiBindingBase(
            publishId: publication.publicationID, apiId: publication.apiID, groupName: publication.groupName,
            bindingTime: bound.binding.boundAt.inSeconds, envId: publication.environmentID,
            envName: publication.environmentName, apiType: publication.apiType, apiName: publication.apiName,
            id: bound.binding.id, apiRemark: publication.apiRemark, signId: bound.key.id, signName: bound.key.name)
    }

    static func bindableAPI(_ api: APIForSignatureKey) -> Wire.ApiForSign {
        let publication = api.publication
        return Wire.ApiForSign(
            authType: publication.authType, runEnvName: publication.environmentName, groupName: publication.groupName,
            publishId: publication.publicationID, groupId: publication.groupID, name: publication.apiName,
            remark: publication.apiRemark, runEnvId: publication.environmentID, id: publication.apiID,
            reqUri: publication.uri, type: publication.apiType, signatureName: api.boundKeyName)
    }
}

/// Words of an enumeration in a body; the contract's list has been checked before, so that a word which is not one of the
/// model's is a slip between the two and is answered like any other wrong word.
enum WireWord {
    /// - Returns: nil for an absent and for an empty word.
    static func read<Word: RawRepresentable<String>>(_ text: String?, field: String) throws -> Word? {
        guard let text, !text.isEmpty else { return nil }
        guard let word = Word(rawValue: text) else { throw OperationError.invalid(field: field) }
        return word
    }

    static func need<Word: RawRepresentable<String>>(_ text: String?, field: String) throws -> Word {
        guard let word: Word = try read(text, field: field) else { throw OperationError.invalid(field: field) }
        return word
    }
}
