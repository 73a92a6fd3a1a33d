import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import Testing

@Suite struct SignatureKeyTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }

    init() throws { fixture = try ControlPlaneFixture() }

    @Test func generatesWhatIsNotGiven() async throws {
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "signature_demo")).value
        #expect(key.type == .hmac && key.algorithm == nil)
        #expect(key.key.count == 32 && key.key.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(key.secret.revealed.count == 32 && key.secret.revealed != key.key)
        #expect(key.id.count == 32)
        let listed = try await plane.signatureKeys(call, SignatureKeyFilter(), page: Page(offset: 0, limit: 20))
        #expect(listed.total == 1)
        #expect(listed.items.first?.key == key && listed.items.first?.boundAPIs == 0)
    }

    @Test(arguments: SignatureAlgorithm.allCases)
    func generatesForAES(_ algorithm: SignatureAlgorithm) async throws {
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "aes_key", type: .aes, algorithm: algorithm))
            .value
        #expect(key.key.utf8.count == (algorithm == .aes128 ? 16 : 32) && key.secret.revealed.utf8.count == 16)
        #expect(key.algorithm == algorithm)
    }

    @Test func keepsItsSecretOutOfDatabaseAndRecord() async throws {
        let secret = "Visible0Secret0Text1"
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo", secret: Secret(secret))).value
        let stored = try fixture.texts("SELECT sealed_secret AS c FROM signs").first
        #expect(stored.map { !$0.contains(secret) } == true)
        let record = try fixture.changes(of: key.id, "after_json").first ?? nil
        #expect(record?.contains("Vis**********xt1") == true && record?.contains(secret) == false)
    }

    struct BadForm: Sendable, CustomTestStringConvertible {
        let type: SignatureType
        var key: String?
        var secret: String?
        var algorithm: SignatureAlgorithm?
        let field: String
        var testDescription: String { "\(type) \(field) \(key?.count ?? 0) \(secret?.count ?? 0)" }
    }

    static let badForms: [BadForm] = [
        BadForm(type: .hmac, key: "1234567", field: "sign_key"),
        BadForm(type: .hmac, key: String(repeating: "a", count: 33), field: "sign_key"),
        BadForm(type: .hmac, key: "_2345678", field: "sign_key"),
        BadForm(type: .hmac, key: "1234567+", field: "sign_key"),
        BadForm(type: .hmac, secret: String(repeating: "s", count: 15), field: "sign_secret"),
        BadForm(type: .hmac, secret: String(repeating: "s", count: 65), field: "sign_secret"),
        BadForm(type: .hmac, secret: "!" + String(repeating: "s", count: 15), field: "sign_secret"),
        BadForm(type: .hmac, secret: "s=" + String(repeating: "s", count: 15), field: "sign_secret"),
        BadForm(type: .hmac, algorithm: .aes128, field: "sign_algorithm"),
        BadForm(type: .basic, key: "abc", field: "sign_key"),
        BadForm(type: .basic, secret: "1234567", field: "sign_secret"),
        BadForm(type: .aes, field: "sign_algorithm"),
        BadForm(type: .aes, key: String(repeating: "k", count: 16), algorithm: .aes256, field: "sign_key"),
        BadForm(type: .aes, key: String(repeating: "k", count: 32), algorithm: .aes128, field: "sign_key"),
        BadForm(type: .aes, secret: String(repeating: "k", count: 17), algorithm: .aes128, field: "sign_secret"),
        BadForm(type: .publicKey, key: "1234567", field: "sign_key"),
        BadForm(type: .publicKey, key: "=2345678", field: "sign_key"),
        BadForm(type: .publicKey, secret: String(repeating: "p", count: 14), field: "sign_secret"),
        BadForm(type: .publicKey, secret: String(repeating: "p", count: 2049), field: "sign_secret"),
        BadForm(type: .hmac, key: "schl\u{fc}ssel", field: "sign_key"),
    ]

    @Test(arguments: badForms)
    func refusesFormsThatDoNotFitTheType(_ bad: BadForm) async throws {
        let draft = SignatureKeyDraft(
            name: "demo", type: bad.type, key: bad.key, secret: bad.secret.map { Secret($0) }, algorithm: bad.algorithm)
        #expect(await refusal { try await plane.createSignatureKey(call, draft) } == .invalid(field: bad.field))
        #expect(try fixture.revision == 0)
    }

    @Test func publicKeyNeedsTheFeature() async throws {
        let draft = SignatureKeyDraft(
            name: "pk", type: .publicKey, key: "MIIBIjANBg==", secret: Secret("MIIEvQIBADANBgkqhkiG"))
        let refused = OperationError.signTypeNotSupported(type: "public_key", instanceID: fixture.instanceID)
        #expect(await refusal { try await plane.createSignatureKey(call, draft) } == refused)
        let hmac = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")).value
        let change = SignatureKeyDraft(name: "demo", type: .publicKey)
        #expect(await refusal { try await plane.updateSignatureKey(call, id: hmac.id, change) } == refused)

        _ = try await plane.setFeature(call, name: "public_key", enabled: true, config: nil)
        #expect(try await plane.createSignatureKey(call, draft).value.type == .publicKey)
        #expect(try await plane.updateSignatureKey(call, id: hmac.id, change).value.type == .publicKey)

        _ = try await plane.setFeature(
            call, name: "public_key", enabled: true, config: #"{"enable":"off","public_key_uri_prefix":"/keys/"}"#)
        #expect(await refusal { try await plane.createSignatureKey(call, draft) } == refused)
    }

    @Test func changesOnlyWhatIsGiven() async throws {
        let old = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "signature_demo")).value
        fixture.clock.advance(seconds: 5)
        let new = try await plane.updateSignatureKey(call, id: old.id, SignatureKeyDraft(name: "renamed")).value
        #expect(new.name == "renamed" && new.key == old.key && new.secret == old.secret && new.type == .hmac)
        #expect(new.createdAt == old.createdAt && new.updatedAt > old.updatedAt)
        #expect(new.createdAt.inSeconds == "2020-08-03T03:40:14Z")
        let masked = SignatureKeyDraft(name: "renamed", secret: Secret(old.secret.masked))
        #expect(try await plane.updateSignatureKey(call, id: old.id, masked).value.secret == old.secret)
        let given = SignatureKeyDraft(name: "renamed", key: "NewKey-01", secret: Secret("New0Secret0Value"))
        let replaced = try await plane.updateSignatureKey(call, id: old.id, given).value
        #expect(replaced.key == "NewKey-01" && replaced.secret.revealed == "New0Secret0Value")
    }

    @Test func aTypeChangeNeedsFittingKeyAndSecret() async throws {
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")).value
        let aes = SignatureKeyDraft(name: "demo", type: .aes, algorithm: .aes128)
        #expect(await refusal { try await plane.updateSignatureKey(call, id: key.id, aes) } == .invalid(field: "sign_key"))
        let whole = SignatureKeyDraft(
            name: "demo", type: .aes, key: "0123456789abcdef", secret: Secret("fedcba9876543210"), algorithm: .aes128)
        #expect(try await plane.updateSignatureKey(call, id: key.id, whole).value.algorithm == .aes128)
        #expect(try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "demo")).value.algorithm == .aes128)
        let back = try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "demo", type: .hmac)).value
        #expect(back.type == .hmac && back.algorithm == nil)
    }

    @Test func namesAreUniqueInTheInstance() async throws {
        let first = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")).value
        let taken = OperationError.taken(.signatureKey, name: "demo")
        #expect(await refusal { try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")) } == taken)
        let second = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "other")).value
        #expect(
            await refusal { try await plane.updateSignatureKey(call, id: second.id, SignatureKeyDraft(name: "demo")) } == taken)
        _ = try await plane.updateSignatureKey(call, id: first.id, SignatureKeyDraft(name: "demo"))
        let elsewhere = fixture.call(instance: fixture.otherInstanceID)
        _ = try await plane.createSignatureKey(elsewhere, SignatureKeyDraft(name: "demo"))
    }

    @Test func isUnknownElsewhere() async throws {
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")).value
        let other = fixture.call(instance: fixture.otherInstanceID)
        let unknown = OperationError.notFound(.signatureKey, id: key.id)
        #expect(await refusal { try await plane.updateSignatureKey(other, id: key.id, SignatureKeyDraft(name: "demo")) } == unknown)
        #expect(await refusal { try await plane.deleteSignatureKey(other, id: key.id).revision } == unknown)
        let listed = try await plane.signatureKeys(other, SignatureKeyFilter(id: key.id), page: Page(offset: 0, limit: 20))
        #expect(listed.total == 0)
        let foreign = fixture.call(project: "ffffffffffffffffffffffffffffffff")
        let noInstance = OperationError.notFound(.instance, id: fixture.instanceID)
        #expect(await refusal { try await plane.deleteSignatureKey(foreign, id: key.id).revision } == noInstance)
        #expect(
            await refusal { try await plane.signatureKeys(foreign, SignatureKeyFilter(), page: Page(offset: 0, limit: 1)) }
                == noInstance)
    }

    @Test func quota() async throws {
        var settings = ControlPlaneSettings()
        settings.quotas.signatureKeys = 2
        let fixture = try ControlPlaneFixture(settings)
        for name in ["one", "two"] {
            _ = try await fixture.plane.createSignatureKey(fixture.call(), SignatureKeyDraft(name: name))
        }
        #expect(
            await refusal {
                try await fixture.plane.createSignatureKey(fixture.call(), SignatureKeyDraft(name: "three"))
            } == .quotaExceeded(.signatureKey, limit: 2))
    }

    @Test func listsNewestFirstByPageAndFilter() async throws {
        for name in ["alpha_1", "alpha_2", "beta"] {
            _ = try await plane.createSignatureKey(call, SignatureKeyDraft(name: name))
            fixture.clock.advance(seconds: 1)
        }
        func names(_ filter: SignatureKeyFilter, _ page: Page) async throws -> ([String], Int) {
            let listing = try await plane.signatureKeys(call, filter, page: page)
            return (listing.items.map(\.key.name), listing.total)
        }
        let all = Page(offset: 0, limit: 20)
        #expect(try await names(SignatureKeyFilter(), all) == (["beta", "alpha_2", "alpha_1"], 3))
        #expect(try await names(SignatureKeyFilter(), Page(offset: 1, limit: 1)) == (["alpha_2"], 3))
        #expect(try await names(SignatureKeyFilter(), Page(offset: 3, limit: 1)) == ([], 3))
        #expect(try await names(SignatureKeyFilter(name: "ALPHA"), all) == (["alpha_2", "alpha_1"], 2))
        #expect(try await names(SignatureKeyFilter(name: "alpha", namePrecisely: true), all) == ([], 0))
        #expect(try await names(SignatureKeyFilter(name: "alpha_1", namePrecisely: true), all) == (["alpha_1"], 1))
        // The filter's underscore is a character, not a wildcard.
        #expect(try await names(SignatureKeyFilter(name: "a_1"), all) == (["alpha_1"], 1))
        #expect(try await names(SignatureKeyFilter(name: "l_h"), all) == ([], 0))
    }

    @Test func deletesOnce() async throws {
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "demo")).value
        _ = try await plane.deleteSignatureKey(call, id: key.id)
        #expect(await refusal { try await plane.deleteSignatureKey(call, id: key.id).revision } == .notFound(.signatureKey, id: key.id))
        #expect(try fixture.changes(of: key.id, "after_json").map { $0 == nil } == [false, true])
    }
}
