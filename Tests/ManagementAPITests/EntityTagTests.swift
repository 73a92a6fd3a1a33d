import ControlPlane
import GatewayModel
import HTTPTypes
import Testing
import WireContract

@testable import ManagementAPI

@Suite("Entity tags")
struct EntityTagTests {
    @Test("lists of tags", arguments: [
        (#""7""#, ExpectedState(.oneOf([7]))), (#" "7" , "8" "#, ExpectedState(.oneOf([7, 8]))), ("*", ExpectedState(.any)),
        (" * ", ExpectedState(.any)), (#"W/"7""#, ExpectedState(.oneOf([]))), (#""x", "9""#, ExpectedState(.oneOf([9]))),
        (#""07""#, ExpectedState(.oneOf([]))), (#""+7""#, ExpectedState(.oneOf([]))), (#""""#, ExpectedState(.oneOf([]))),
        (#""a,b", "3""#, ExpectedState(.oneOf([3]))), (#", "7","#, ExpectedState(.oneOf([7]))),
    ])
    func lists(text: String, expected: ExpectedState) { #expect(EntityTags.parse(text) == expected) }

    @Test("what is no list", arguments: ["", "7", "\"7", "\"7\" \"8\"", "*, \"7\"", "w/\"7\"", "\"7\"x", ",", "\"a b\""])
    func malformed(text: String) { #expect(EntityTags.parse(text) == nil) }

    @Test func manyTags() {
        let list = (1...64).map { "\"\($0)\"" }.joined(separator: ",")
        #expect(EntityTags.parse(list) != nil)
        #expect(EntityTags.parse(list + ",\"65\"") == nil)
    }

    @Test("which operations are about which object", arguments: [
        (ContractOperation.updateSignatureKeyV2, ResourceKind.signatureKey, OperationSubject.Answer.subject),
        (.deleteSignatureKeyV2, .signatureKey, .other), (.showDetailsOfApiV2, .api, .subject), (.updateApiV2, .api, .subject),
        (.updateEnvironmentV2, .environment, .subject), (.showDetailsOfAppV2, .integrationApplication, .subject),
        (.changeApiVersionV2, .api, .other), (.listApiRuntimeDefinitionV2, .api, .other), (.attachApiToPlugin, .plugin, .other),
        (.updateHealthCheck, .vpcChannel, .subject), (.associateDomainV2, .apiGroup, .made),
        (.showDetailsOfInstanceV2, .instance, .subject), (.disassociateAppQuotaWithApp, .appQuotaBinding, .other),
        (.resetRomaAppSecret, .integrationApplication, .subject), (.updateAppConfigV2, .appConfig, .subject),
    ])
    func subjects(operation: ContractOperation, kind: ResourceKind, answer: OperationSubject.Answer) {
        let subject = OperationSubject.of(operation)
        #expect(subject.kind == kind && subject.answer == answer)
    }

    @Test("lists, batches and bindings of many have no tag", arguments: [
        ContractOperation.listSignatureKeysV2, .batchDeleteAclV2, .associateSignatureKeyV2, .listFeaturesV2, .createFeatureV2,
        .batchPublishOrOfflineApiV2,
    ])
    func noSubject(operation: ContractOperation) {
        let subject = OperationSubject.of(operation)
        #expect(subject.kind == nil && subject.answer == .other)
    }

    @Test("a lost update is refused, everything else goes on as ever")
    func lostUpdate() async throws {
        let port = try await Port(families: true)
        let token: HTTPFields = [.authToken: try await port.token(), .contentType: "application/json"]
        func put(_ id: String, _ name: String, _ match: String?) async throws -> Port.Answer {
            var headers = token
            if let match { headers[.ifMatch] = match }
            return try await port.send(.put, port.path("/api-groups/\(id)"), headers, body: #"{"name":"\#(name)"}"#)
        }
        let made = try await port.send(.post, port.path("/api-groups"), token, body: #"{"name":"first"}"#)
        let id = try #require(made.json()["id"] as? String)
        let first = try #require(made.headers[.eTag])
        #expect(try await port.send(.get, port.path("/api-groups/\(id)"), token).headers[.eTag] == first)

        // Somebody else's object changes: this one's tag stays.
        _ = try await port.send(.post, port.path("/api-groups"), token, body: #"{"name":"another"}"#)
        #expect(try await port.send(.get, port.path("/api-groups/\(id)"), token).headers[.eTag] == first)

        let changed = try await put(id, "second", first)
        #expect(changed.status == 200)
        let second = try #require(changed.headers[.eTag])
        let revision = try #require(changed.headers[.revision])
        #expect(second != first && second == "\"\(revision)\"")
        #expect(try await port.send(.get, port.path("/api-groups/\(id)"), token).headers[.eTag] == second)

        let refused = try await put(id, "third", first)
        #expect(refused.status == 412 && refused.code == "APIG.3400" && refused.headers[.eTag] == nil)
        #expect(try refused.json().count == 2)
        #expect(refused.headers[.revision] == nil)
        #expect(try await port.send(.get, port.path("/api-groups/\(id)"), token).json()["name"] as? String == "second")

        #expect(try await put(id, "third", "*").status == 200)
        #expect(try await put(id, "fourth", nil).status == 200)
        #expect(try await put(id, "fifth", "fourth").status == 400)
        // What is wrong anyway is answered as ever.
        #expect(try await put("0b0e8f456b8742218af75f945307173c", "fifth", first).code == "APIG.3001")
        #expect(try await put(id, "!", first).code == "APIG.2012")

        var headers = token
        headers[.ifMatch] = second
        #expect(try await port.send(.delete, port.path("/api-groups/\(id)"), headers).status == 412)
        headers[.ifMatch] = try await port.send(.get, port.path("/api-groups/\(id)"), token).headers[.eTag]
        let deleted = try await port.send(.delete, port.path("/api-groups/\(id)"), headers)
        #expect(deleted.status == 204 && deleted.headers[.revision] != nil && deleted.headers[.eTag] == nil)
    }

    @Test("the public resources say more about a refusal")
    func romaBody() async throws {
        let port = try await Port(families: true)
        let answer = try await port.send(.get, "/v2/\(port.project.id)/instances/none/apps", [.authToken: try await port.token()])
        let body = try answer.json()
        if (body["error_code"] as? String)?.hasPrefix("ROMA.") == true {
            #expect(body["request_id"] as? String == answer.headers[.requestID] && body["error_details"] != nil)
        }
    }
}
