import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Custom authorizers (management-api.md, 3.15).
    public mutating func addAuthorizers(_ plane: ControlPlane) {
        on(.createCustomAuthorizerV2, body: Wire.AuthorizerCreate.self) { call -> Written<Wire.AuthorizerResp> in
            try await plane.createAuthorizer(call.call, AuthorizerMapping.draft(call.body)).map {
                AuthorizerMapping.answer($0, createTime: $0.createdAt.inNanoseconds)
            }
        }
        on(.updateCustomAuthorizerV2, body: Wire.AuthorizerCreate.self) { call -> Written<Wire.AuthorizerResp> in
            let draft = try AuthorizerMapping.draft(call.body)
            return try await plane.updateAuthorizer(call.call, id: call.id("authorizer_id"), draft).map {
                AuthorizerMapping.answer($0, createTime: $0.createdAt.inSeconds)
            }
        }
        on(.deleteCustomAuthorizerV2) { call -> Written<Void> in
            try await plane.deleteAuthorizer(call.call, id: call.id("authorizer_id"))
        }
        on(.showDetailsOfCustomAuthorizersV2) { call -> Wire.AuthorizerResp in
            let authorizer = try await plane.authorizer(call.call, id: call.id("authorizer_id"))
            return AuthorizerMapping.answer(authorizer, createTime: authorizer.createdAt.inSeconds)
        }
        on(.listCustomAuthorizersV2) { call -> Wire.ListCustomAuthorizersV2Response in
            var kind: Authorizer.Kind?
            if let word = call.query.text("type") {
                kind = Authorizer.Kind(rawValue: word)
                if kind == nil { throw FieldErrorCodes.malformed(call.operation, parameter: "type") }
            }
            let filter = AuthorizerFilter(id: try call.filterID("id"), name: try call.filterName("name"), kind: kind)
            let list = try await plane.authorizers(call.call, filter, page: call.page)
            return Wire.ListCustomAuthorizersV2Response(
                size: list.items.count, total: list.total,
                authorizerList: list.items.map { AuthorizerMapping.answer($0, createTime: $0.createdAt.inSeconds) })
        }
    }
}

enum AuthorizerMapping {
    static func draft(_ body: Wire.AuthorizerCreate) throws -> AuthorizerDraft {
        AuthorizerDraft(
            name: body.name, kind: try WireWord.read(body.type, field: "type"), isLivedata: body.authorizerType == "LD",
            functionURN: body.authorizerUri.flatMap { $0.isEmpty ? nil : $0 },
            version: body.authorizerVersion.flatMap { $0.isEmpty ? nil : $0 },
            aliasURN: body.authorizerAliasUri.flatMap { $0.isEmpty ? nil : $0 },
            identities: try body.identities?.map { identity in
                Authorizer.Identity(
                    name: identity.name ?? "", location: try WireWord.need(identity.location, field: "location"),
                    validation: identity.validation.flatMap { $0.isEmpty ? nil : $0 })
            },
            ttl: body.ttl, userData: body.userData, needsBody: body.needBody)
    }

    static func answer(_ authorizer: Authorizer, createTime: String) -> Wire.AuthorizerResp {
        var wire = Wire.AuthorizerResp()
        wire.id = authorizer.id
        wire.name = authorizer.name
        wire.type = authorizer.kind.rawValue
        wire.authorizerType = "FUNC"
        wire.authorizerUri = authorizer.functionURN
        wire.authorizerVersion = authorizer.version
        wire.authorizerAliasUri = authorizer.aliasURN
        wire.identities = authorizer.identities.map {
            Wire.Identity(name: $0.name, location: $0.location.rawValue, validation: $0.validation)
        }
        wire.ttl = authorizer.ttl
        wire.userData = authorizer.userData
        wire.needBody = authorizer.needsBody
        wire.createTime = createTime
        return wire
    }
}
