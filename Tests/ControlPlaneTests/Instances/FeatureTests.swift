import ControlPlane
import Foundation
import GatewayModel
import GatewayPrimitives
import Snapshot
import Store
import Testing

@Suite struct FeatureTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    var settings: InstanceSettings? { fixture.snapshots.settings(fixture.instanceID) }

    init() throws { fixture = try ControlPlaneFixture() }

    @Test func listsEveryFeatureWithItsDefault() async throws {
        let all = try await plane.features(call, page: Page(offset: 0, limit: 500))
        #expect(all.total == FeatureCatalogue.all.count && all.items.count == all.total)
        #expect(Set(all.items.map(\.name)).count == all.total && Set(all.items.map(\.id)).count == all.total)
        #expect(all.items.allSatisfy { $0.updatedAt == nil && $0.id.count == 32 && $0.instanceID == fixture.instanceID })
        let size = try #require(all.items.first { $0.name == "request_body_size" })
        #expect(size.config == "12582912" && size.enabled)
        let second = try await plane.features(call, page: Page(offset: 2, limit: 3))
        #expect(second.items.map(\.name) == Array(all.items.map(\.name)[2..<5]) && second.total == all.total)
        #expect(try await plane.features(call, page: Page(offset: 500, limit: 20)).items.isEmpty)
    }

    @Test func defaultsHaveTheFormThatIsAskedOfCallers() {
        for feature in ConfigurableFeature.allCases {
            #expect(FeatureSetting(feature, config: feature.defaultConfig) != nil, "\(feature)")
            #expect(FeatureSetting(feature, config: feature.enabledConfig) != nil, "\(feature)")
        }
    }

    struct Case: Sendable {
        let name: String
        let config: String
        let holds: @Sendable (InstanceSettings) -> Bool
    }

    static let effects: [Case] = [
        Case(name: "request_body_size", config: "1048576") { $0.maxBodyBytes == 1_048_576 },
        Case(name: "backend_timeout", config: #"{"max_timeout":500}"#) { $0.maxBackendTimeoutMilliseconds == 500 },
        Case(name: "real_ip_from_xff", config: #"{"enable":"on","xff_index":-2}"#) {
            $0.clientAddress == .forwardedFor(index: -2)
        },
        Case(name: "real_ip_header_getter", config: #"{"enable":"on","header_getter":"header:testIP"}"#) {
            $0.clientAddress == .header(Array("testip".utf8))
        },
        Case(name: "custom_auth_header", config: #"{"app_auth_header":"","backend_sign_header":"X-Sign"}"#) {
            $0.backendSignHeader == Array("x-sign".utf8)
        },
        Case(name: "custom_auth_header", config: #"{"app_auth_header":"X-App","backend_sign_header":""}"#) {
            $0.carriers.authHeader == Array("x-app".utf8)
        },
        Case(name: "app_basic", config: "on") { $0.carriers.basic },
        Case(name: "app_secret", config: "on") { $0.carriers.secret },
        Case(name: "app_api_key", config: "on") { $0.carriers.apiKey },
        Case(name: "app_jwt", config: #"{"enable":"on","auth_header":"X-Proof"}"#) {
            $0.carriers.hashHeader == Array("x-proof".utf8)
        },
        Case(name: "backend_token_allow", config: #"{"backend_token_allow_users":["^a$"]}"#) {
            $0.passesToken(of: "a") && !$0.passesToken(of: "ab")
        },
        Case(name: "api_uri_no_escape", config: "on") { $0.keepsEscapedPath },
        Case(name: "public_key", config: #"{"enable":"on","public_key_uri_prefix":"/keys/"}"#) {
            $0.publicKeyPrefix == Array("/keys/".utf8)
        },
    ]

    @Test(arguments: effects.indices)
    func isInForceAndCanBeSwitchedOff(_ index: Int) async throws {
        let effect = Self.effects[index]
        let set = try await plane.setFeature(call, name: effect.name, enabled: true, config: effect.config).value
        #expect(set.config == effect.config && set.enabled && set.updatedAt == fixture.clock.now)
        #expect(settings.map(effect.holds) == true)
        let listed = try await plane.features(call, page: Page(offset: 0, limit: 500)).items.first { $0.name == effect.name }
        #expect(listed == set)
        fixture.clock.advance(seconds: 1)
        let off = try await plane.setFeature(call, name: effect.name, enabled: false, config: nil).value
        #expect(off.id == set.id && off.config == effect.config && !off.enabled)
        #expect(settings.map(effect.holds) == false)
        #expect(fixture.snapshots.settings(fixture.otherInstanceID).map(effect.holds) == false)
    }

    static let bad: [(String, String)] = [
        ("request_body_size", "1048575"), ("request_body_size", "9999220737"), ("request_body_size", "12 MB"),
        ("request_body_size", "-1"), ("request_body_size", "99999999999999999999"), ("request_body_size", "{}"),
        ("backend_timeout", #"{"max_timeout":0}"#), ("backend_timeout", #"{"max_timeout":600001}"#),
        ("backend_timeout", #"{"max_timeout":"500"}"#), ("backend_timeout", "{}"), ("backend_timeout", "500"),
        ("backend_timeout", #"{"max_timeout":1.5}"#), ("backend_timeout", #"{"max_timeout":5,"more":1}"#),
        ("public_key", "on"), ("public_key", #"{"enable":"yes"}"#),
        ("public_key", #"{"enable":"on","public_key_uri_prefix":"keys/"}"#),
        ("public_key", #"{"enable":"on","public_key_uri_prefix":"/keys"}"#),
        ("public_key", #"{"enable":"on","public_key_uri_prefix":"/a/../b/"}"#),
        ("public_key", #"{"enable":"on","public_key_uri_prefix":"/a b/"}"#),
        ("real_ip_from_xff", #"{"enable":"on","xff_index":2147483648}"#),
        ("real_ip_from_xff", #"{"enable":"on","xff_index":"0"}"#), ("real_ip_from_xff", "[]"),
        ("real_ip_header_getter", #"{"enable":"on"}"#), ("real_ip_header_getter", #"{"enable":"on","header_getter":"x"}"#),
        ("real_ip_header_getter", #"{"enable":"on","header_getter":"header:"}"#),
        ("real_ip_header_getter", #"{"enable":"on","header_getter":"header:a b"}"#),
        ("custom_auth_header", #"{"backend_sign_header":"host"}"#), ("custom_auth_header", #"{"backend_sign_header":"a:b"}"#),
        ("custom_auth_header", #"{"backend_sign_headers":"x-sign"}"#), ("api_uri_no_escape", "yes"),
        ("api_uri_no_escape", #"{"enable":"on"}"#), ("app_basic", "yes"), ("app_api_key", "{}"),
        ("request_custom_config", "on"), ("request_custom_config", #"{"http2_enable":"yes"}"#),
        ("request_custom_config", #"{"request_body_timeout":0}"#), ("request_custom_config", #"{"http2":"on"}"#),
        ("gzip", #"{"comp_level":0}"#), ("gzip", #"{"comp_level":10}"#), ("gzip", #"{"comp_level":1.5}"#), ("gzip", "on"),
        ("gzip", #"{"enable":"on","level":6}"#), ("sse_strategy", "yes"), ("sse_strategy", #"{"enable":"on"}"#),
        ("app_jwt", #"{"enable":"on","auth_header":"a b"}"#), ("app_jwt", "on"),
        ("backend_client_certificate", #"{"content":"x"}"#), ("backend_client_certificate", #"{"key":"x"}"#),
        ("backend_client_certificate", #"{"ca":"x"}"#), ("backend_client_certificate", #"{"ca":1}"#),
        ("backend_token_allow", #"{"backend_token_allow_users":["("]}"#), ("backend_token_allow", #"{"users":[]}"#), ("backend_timeout", String(repeating: "[", count: 5000)),
    ]

    @Test(arguments: bad.indices)
    func refusesConfigsOfTheWrongForm(_ index: Int) async throws {
        let (name, config) = Self.bad[index]
        #expect(
            await refusal { try await plane.setFeature(call, name: name, enabled: true, config: config) }
                == .invalid(field: "config"))
        #expect(try fixture.revision == 0)
    }

    @Test func whatIsNotCarriedOutCannotBeSwitchedOn() async throws {
        for feature in FeatureCatalogue.all where feature.kind == .unsupported {
            #expect(
                await refusal { try await plane.setFeature(call, name: feature.name, enabled: true, config: "on") }
                    == .conflict(.featureNotSupported), "\(feature.name)")
            let off = try await plane.setFeature(call, name: feature.name, enabled: false, config: nil).value
            #expect(!off.enabled && off.updatedAt == nil)
        }
        for feature in FeatureCatalogue.all where feature.kind == .builtIn {
            #expect(
                await refusal { try await plane.setFeature(call, name: feature.name, enabled: false, config: nil) }
                    == .conflict(.featureNotSupported), "\(feature.name)")
            #expect(try await plane.setFeature(call, name: feature.name, enabled: true, config: nil).value.enabled)
        }
        #expect(try fixture.revision == 0)
    }

    @Test func unknownNames() async throws {
        #expect(
            await refusal { try await plane.setFeature(call, name: "app-api-key", enabled: true, config: "on") }
                == .unrecognizedFeature(name: "app-api-key"))
        let foreign = fixture.call(project: "ffffffffffffffffffffffffffffffff")
        #expect(
            await refusal { try await plane.setFeature(foreign, name: "public_key", enabled: true, config: nil) }
                == .notFound(.instance, id: fixture.instanceID))
    }

    @Test func aLimitThatPublishedAPIsExceedIsRefused() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let plugin = PluginDraft(name: "auth", type: .thirdAuth, scope: "global", content: PluginTests.third)
        let id = try await plane.createPlugin(call, plugin).value.id
        _ = try await plane.attachPlugin(call, id: id, apiIDs: [api.apiID], environmentID: Environment.releaseID)
        let error = await refusal {
            try await plane.setFeature(call, name: "backend_timeout", enabled: true, config: #"{"max_timeout":4999}"#)
        }
        guard case .cannotServe(field: "plugin_content", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(settings?.maxBackendTimeoutMilliseconds == 60_000)
        _ = try await plane.setFeature(call, name: "backend_timeout", enabled: true, config: #"{"max_timeout":5000}"#)
        #expect(settings?.maxBackendTimeoutMilliseconds == 5000)
    }

    /// The key is in no answer, no record and no row; what an answer showed keeps it.
    @Test func theKeyOfABackendCertificateIsSealed() async throws {
        let (chain, key) = DomainCertificates.all[0]
        func config(key: String) -> String {
            let text = { (text: String) in text.replacingOccurrences(of: "\n", with: "\\n") }
            return #"{"ca":"","content":"\#(text(chain))","key":"\#(text(key))"}"#
        }
        let name = "backend_client_certificate"
        let set = try await plane.setFeature(call, name: name, enabled: true, config: config(key: key.revealed)).value
        #expect(set.config == config(key: ""))
        #expect(settings?.backendTLS.mutual?.material.key == key && settings?.backendTLS.verified == nil)
        let first = settings?.backendTLS.mutual
        fixture.clock.advance(seconds: 1)
        _ = try await plane.setFeature(call, name: name, enabled: true, config: config(key: ""))
        #expect(settings?.backendTLS.mutual == first, "connections stay")
        let line = try #require(key.revealed.split(separator: "\n").dropFirst().first)
        let stored = try fixture.texts("SELECT config AS c FROM features")
            + fixture.texts("SELECT before_json AS c FROM changes WHERE before_json IS NOT NULL")
            + fixture.texts("SELECT after_json AS c FROM changes WHERE after_json IS NOT NULL")
        #expect(stored.count == 4 && stored.allSatisfy { !$0.contains(line) })
        _ = try await plane.setFeature(call, name: name, enabled: false, config: nil)
        #expect(settings?.backendTLS.mutual == nil)
    }

    @Test func onceAMinuteWhenTheOperatorWantsIt() async throws {
        let fixture = try ControlPlaneFixture(ControlPlaneSettings(featureIntervalSeconds: 60))
        func change() async throws -> Written<FeatureState> {
            try await fixture.plane.setFeature(fixture.call(), name: "api_uri_no_escape", enabled: true, config: "on")
        }
        _ = try await change()
        #expect(await refusal { try await change() } == .conflict(.featureChangedTooSoon))
        fixture.clock.advance(seconds: 60)
        _ = try await change()
    }

    @Test func catalogueNamesEveryFeatureOfTheContractFirst() {
        #expect(FeatureCatalogue.all.prefix(33).map(\.name).first == "lts")
        #expect(FeatureCatalogue.all.prefix(33).map(\.name).last == "js_invocable_cache_size")
        #expect(FeatureCatalogue.supportedNames.contains("sign_aes") && !FeatureCatalogue.supportedNames.contains("cascade"))
        #expect(FeatureCatalogue.named("breakerv2")?.kind == .builtIn)
    }
}
