import ControlPlane
import GatewayModel
import GatewayPrimitives
import RequestSigning
import Snapshot
import Store
import Testing

@Suite struct SignatureKeyBindingTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)

    init() throws { fixture = try ControlPlaneFixture() }

    func key(_ name: String) async throws -> SignatureKey {
        try await plane.createSignatureKey(call, SignatureKeyDraft(name: name)).value
    }

    @Test func isInForceUntilUnbound() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let key = try await key("signature_demo")
        #expect(fixture.route(api)?.policies.signing == nil)
        let bound = try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [api.publicationID]).value
        #expect(fixture.route(api)?.policies.signing != nil)
        let first = try #require(bound.first)
        #expect(bound.count == 1 && first.publication.apiName == "Api_http" && first.publication.groupName == "api_group_001")
        #expect(first.publication.environmentName == "RELEASE" && first.publication.apiRemark == "Web backend Api")
        #expect(try await plane.signatureKeys(call, SignatureKeyFilter(), page: all).items.first?.boundAPIs == 1)
        _ = try await plane.unbindSignatureKey(call, bindingID: first.binding.id)
        #expect(fixture.route(api) != nil && fixture.route(api)?.policies.signing == nil)
        #expect(
            await refusal { try await plane.unbindSignatureKey(call, bindingID: first.binding.id).revision }
                == .notFound(.signatureBinding, id: first.binding.id))
    }

    @Test func aChangedKeyIsInForceAtOnce() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let key = try await key("signature_demo")
        _ = try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [api.publicationID])
        let before = try #require(fixture.route(api)?.policies.signing)
        _ = try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "signature_demo", key: "other-key"))
        let after = try #require(fixture.route(api)?.policies.signing)
        #expect(before !== after)
    }

    @Test func oneKeyForEachAPIAndEnvironment() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let (first, second) = (try await key("first"), try await key("second"))
        let old = try await plane.bindSignatureKey(call, id: first.id, publicationIDs: [api.publicationID]).value[0].binding
        fixture.clock.advance(seconds: 1)
        let same = try await plane.bindSignatureKey(
            call, id: first.id, publicationIDs: [api.publicationID, api.publicationID]).value
        #expect(same.map(\.binding) == [old])
        let new = try await plane.bindSignatureKey(call, id: second.id, publicationIDs: [api.publicationID]).value[0].binding
        #expect(new.id != old.id && new.boundAt > old.boundAt)
        let listed = try await plane.signatureKeys(
            call, boundTo: api.apiID, keyID: nil, keyName: nil, environmentID: nil, page: all)
        #expect(listed.items.map(\.binding) == [new] && listed.total == 1)
        #expect(try fixture.changes(of: old.id, "after_json").map { $0 == nil } == [false, true])
    }

    @Test func nothingIsBoundWhenOneIsUnknown() async throws {
        let group = try await fixture.group()
        let api = try await fixture.publish("Api_http", group: group)
        let offline = try await fixture.publish("Api_off", group: group)
        try await fixture.takeOffline(offline)
        let elsewhere = try await fixture.publish(
            "Api_else", group: fixture.group(instance: fixture.otherInstanceID), instance: fixture.otherInstanceID)
        let key = try await key("signature_demo")
        for bad in ["unknown", offline.publicationID, elsewhere.publicationID] {
            #expect(
                await refusal {
                    try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [api.publicationID, bad])
                } == .notFound(.publication, id: bad))
            #expect(fixture.route(api)?.policies.signing == nil)
        }
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: "nokey", publicationIDs: [api.publicationID]) }
                == .notFound(.signatureKey, id: "nokey"))
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: key.id, publicationIDs: []) }
                == .invalid(field: "publish_ids"))
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: key.id, publicationIDs: ["a b"]) }
                == .invalid(field: "publish_ids"))
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: "../x", publicationIDs: [api.publicationID]) }
                == .invalid(field: "sign_id"))
        let many = (0...ControlPlane.bindingLimit).map { "p\($0)" }
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: key.id, publicationIDs: many) }
                == .invalid(field: "publish_ids"))
    }

    @Test func aKeyThatCannotSignIsNotBound() async throws {
        _ = try await plane.setFeature(call, name: "public_key", enabled: true, config: nil)
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let draft = SignatureKeyDraft(name: "pk", type: .publicKey, key: "notanrsakey", secret: Secret("notanrsakeyeither"))
        let key = try await plane.createSignatureKey(call, draft).value
        #expect(
            await refusal { try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [api.publicationID]) }
                == .cannotServe(field: "sign_secret", reason: "is no RSA private key of at least 2048 bits"))
        let generated = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "pair", type: .publicKey)).value
        _ = try await plane.bindSignatureKey(call, id: generated.id, publicationIDs: [api.publicationID])
        #expect(fixture.route(api)?.policies.signing != nil)
        // A change that would make it unable to sign is undone as a whole.
        let broken = SignatureKeyDraft(name: "pair", secret: Secret("no key at all".replacing(" ", with: "-") + "000"))
        #expect(
            await refusal { try await plane.updateSignatureKey(call, id: generated.id, broken) }
                == .cannotServe(field: "sign_secret", reason: "is no RSA private key of at least 2048 bits"))
        let stored = try await plane.signatureKeys(call, SignatureKeyFilter(id: generated.id), page: all).items.first
        #expect(stored?.key == generated)
    }

    @Test func publicKeysAreServedByName() async throws {
        func served(_ name: String) -> String? {
            fixture.snapshots.current.publicKeys.value(for: Array("\(fixture.instanceID)/\(name)".utf8)).map {
                String(decoding: $0.text(at: .max), as: UTF8.self)
            }
        }
        _ = try await plane.setFeature(call, name: "public_key", enabled: true, config: nil)
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "pair", type: .publicKey)).value
        #expect(served("pair") == (try RSAKeyText.publicKeyPEM(privateKey: key.secret)))
        _ = try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "renamed"))
        #expect(served("pair") == nil && served("renamed") != nil)
        _ = try await plane.deleteSignatureKey(call, id: key.id)
        #expect(served("renamed") == nil)
    }

    @Test func deletingAKeyUnbindsIt() async throws {
        let group = try await fixture.group()
        let apis = [try await fixture.publish("one", group: group), try await fixture.publish("two", group: group)]
        let key = try await key("signature_demo")
        _ = try await plane.bindSignatureKey(call, id: key.id, publicationIDs: apis.map(\.publicationID))
        #expect(apis.allSatisfy { fixture.route($0)?.policies.signing != nil })
        _ = try await plane.deleteSignatureKey(call, id: key.id)
        #expect(apis.allSatisfy { fixture.route($0) != nil && fixture.route($0)?.policies.signing == nil })
        #expect(try fixture.texts("SELECT id AS c FROM sign_bindings").isEmpty)
    }

    @Test func listsOfBothEnds() async throws {
        let group = try await fixture.group()
        let other = try await fixture.group("second")
        let test = try await fixture.environment("TEST")
        let one = try await fixture.publish("one", group: group)
        fixture.clock.advance(seconds: 1)
        let two = try await fixture.publish("two", group: other)
        fixture.clock.advance(seconds: 1)
        let again = try await fixture.publish("one", group: group, environment: test, api: one.apiID)
        let (first, second) = (try await key("first"), try await key("second"))
        _ = try await plane.bindSignatureKey(call, id: first.id, publicationIDs: [one.publicationID])
        fixture.clock.advance(seconds: 1)
        _ = try await plane.bindSignatureKey(call, id: second.id, publicationIDs: [again.publicationID])

        func keys(_ name: String? = nil, id: String? = nil, environment: String? = nil) async throws -> [String] {
            try await plane.signatureKeys(
                call, boundTo: one.apiID, keyID: id, keyName: name, environmentID: environment, page: all).items.map(\.key.name)
        }
        #expect(try await keys() == ["second", "first"])
        #expect(try await keys("FIR") == ["first"])
        #expect(try await keys(id: second.id) == ["second"])
        #expect(try await keys(environment: test) == ["second"])
        #expect(
            await refusal {
                try await plane.signatureKeys(
                    call, boundTo: "none", keyID: nil, keyName: nil, environmentID: nil, page: all)
            } == .notFound(.api, id: "none"))

        func bound(_ filter: PublicationFilter) async throws -> [String] {
            try await plane.apis(call, boundToSignatureKey: first.id, filter, page: all).items.map(\.publication.publicationID)
        }
        #expect(try await bound(PublicationFilter()) == [one.publicationID])
        #expect(try await bound(PublicationFilter(apiID: one.apiID, apiName: "On", groupID: group)) == [one.publicationID])
        #expect(try await bound(PublicationFilter(environmentID: test)) == [])
        #expect(try await bound(PublicationFilter(groupID: other)) == [])

        let unbound = try await plane.apis(call, notBoundToSignatureKey: first.id, PublicationFilter(), page: all)
        #expect(unbound.items.map(\.publication.publicationID) == [again.publicationID, two.publicationID])
        #expect(unbound.items.map(\.boundKeyName) == ["second", nil])
        #expect(
            await refusal { try await plane.apis(call, notBoundToSignatureKey: "none", PublicationFilter(), page: all) }
                == .notFound(.signatureKey, id: "none"))

        try await fixture.takeOffline(two)
        try await fixture.takeOffline(one)
        #expect(
            try await plane.apis(call, notBoundToSignatureKey: first.id, PublicationFilter(), page: all).items
                .map(\.publication.publicationID) == [again.publicationID])
        #expect(try await bound(PublicationFilter()) == [one.publicationID])
        #expect(try await keys() == ["second", "first"])
    }

    @Test func isUnknownElsewhere() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let key = try await key("signature_demo")
        let binding = try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [api.publicationID]).value[0].binding
        let other = fixture.call(instance: fixture.otherInstanceID)
        #expect(
            await refusal { try await plane.unbindSignatureKey(other, bindingID: binding.id).revision }
                == .notFound(.signatureBinding, id: binding.id))
        #expect(
            await refusal { try await plane.apis(other, boundToSignatureKey: key.id, PublicationFilter(), page: all) }
                == .notFound(.signatureKey, id: key.id))
        #expect(
            await refusal {
                try await plane.signatureKeys(
                    other, boundTo: api.apiID, keyID: nil, keyName: nil, environmentID: nil, page: all)
            } == .notFound(.api, id: api.apiID))
        #expect(fixture.route(api)?.policies.signing != nil)
    }
}
