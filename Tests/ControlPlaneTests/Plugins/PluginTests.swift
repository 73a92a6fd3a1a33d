import ControlPlane
import GatewayModel
import Store
import Testing

@Suite struct PluginTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)

    init() throws { fixture = try ControlPlaneFixture() }

    static let cors = #"{"allow_origin":"*","allow_methods":"GET,POST,PUT","allow_headers":"Content-Type","expose_headers":"X-Request-Id","max_age":86400,"allow_credentials":true}"#
    static let headers = #"{"response_headers":[{"name":"X-A","value":"1","value_type":"custom_value","action":"override"}]}"#
    static let kafka = #"{"broker_list":["10.0.0.1:9092"],"topic":"t","key":"","max_retry_count":3,"retry_backoff":10,"sasl_config":{"security_protocol":"SASL_PLAINTEXT","sasl_mechanisms":"PLAIN","sasl_username":"user","sasl_password":"Kafka#Passw0rd","ssl_ca_content":""},"meta_config":{"system":{"start_time":true},"call_data":{"log_request_header":false}}}"#
    static let breaker = #"{"scope":"basic","breaker_condition":{"breaker_type":"timeout","breaker_mode":"counter","unhealthy_threshold":30,"time_window":15,"open_breaker_time":15},"downgrade_default":null}"#
    static let rate = #"{"scope":"basic","algorithm":"counter","default_interval":1,"default_time_unit":"second","api_limit":10}"#
    static let third = #"{"auth_request":{"method":"GET","protocol":"HTTP","url_domain":"192.168.10.10","path":"/","timeout":5000,"vpc_channel_enabled":false},"identities":{"headers":[{"name":"X-T"}],"queries":[]},"carry_body":{"enabled":false},"simple_auth_mode_enabled":true}"#
    static let contents: [(PluginType, String)] = [
        (.cors, cors), (.setResponseHeaders, headers), (.kafkaLog, kafka), (.breaker, breaker), (.rateLimit, rate),
        (.thirdAuth, third),
    ]

    func draft(_ type: PluginType, _ content: String, name: String = "plugin_demo") -> PluginDraft {
        PluginDraft(name: name, type: type, scope: "global", content: content, remark: "r")
    }

    @Test(arguments: contents.indices)
    func keepsEveryType(_ index: Int) async throws {
        let (type, content) = Self.contents[index]
        let made = try await plane.createPlugin(call, draft(type, content)).value
        #expect(made.type == type && made.id.count == 32 && made.createdAt == fixture.clock.now)
        #expect(made.content == content.replacing("Kafka#Passw0rd", with: ""))
        #expect(try await plane.plugin(call, id: made.id) == made)
        let listed = try await plane.plugins(call, PluginFilter(type: type.rawValue), page: all)
        #expect(listed.items == [made] && listed.total == 1)
        // Nothing of it can be read in the database.
        #expect(try fixture.texts("SELECT sealed_content AS c FROM plugins").allSatisfy { !$0.contains("{") })
    }

    @Test func refusesContentsOfAnotherShape() async throws {
        for type in PluginType.allCases {
            for content in ["", "{", "[]", "null", #""text""#, #"{"a":1}"#, String(repeating: "[", count: 30_000)] {
                #expect(
                    await refusal { try await plane.createPlugin(call, draft(type, content)) }
                        == .invalid(field: "plugin_content"), "\(type) \(content.prefix(20))")
            }
        }
        #expect(try fixture.revision == 0)
    }

    @Test func passwordsStayUnseen() async throws {
        let made = try await plane.createPlugin(call, draft(.kafkaLog, Self.kafka)).value
        // What was read may be written back, with another field changed.
        let changed = made.content.replacing(#""topic":"t""#, with: #""topic":"u""#)
        let new = try await plane.updatePlugin(call, id: made.id, PluginChange(content: changed)).value
        #expect(new.content == changed)
        let stored = try await plane.read { r in
            try r.sql.first("SELECT sealed_content AS c FROM plugins", []).map { row in
                try r.open(row.text("c"), context: "plugins:\(made.id)")
            }
        }
        #expect(stored?.contains("Kafka#Passw0rd") == true && stored?.contains(#""topic":"u""#) == true)
        for record in try fixture.changes(of: made.id, "before_json") + fixture.changes(of: made.id, "after_json") {
            #expect(record?.contains("Passw0rd") != true)
        }
    }

    @Test func changesWhatIsGiven() async throws {
        let old = try await plane.createPlugin(call, draft(.setResponseHeaders, Self.headers)).value
        fixture.clock.advance(seconds: 1)
        let renamed = try await plane.updatePlugin(call, id: old.id, PluginChange(name: "renamed")).value
        #expect(renamed.name == "renamed" && renamed.content == old.content && renamed.remark == "r")
        #expect(renamed.updatedAt > old.updatedAt && renamed.createdAt == old.createdAt)
        let same = PluginChange(type: .setResponseHeaders, scope: "global", remark: "")
        #expect(try await plane.updatePlugin(call, id: old.id, same).value.remark == "")
        #expect(
            await refusal { try await plane.updatePlugin(call, id: old.id, PluginChange(type: .cors)) }
                == .invalid(field: "plugin_type"))
        #expect(
            await refusal { try await plane.updatePlugin(call, id: old.id, PluginChange(scope: "app")) }
                == .invalid(field: "plugin_scope"))
        #expect(
            await refusal { try await plane.updatePlugin(call, id: old.id, PluginChange(content: "{}")) }
                == .invalid(field: "plugin_content"))
        #expect(
            await refusal { try await plane.updatePlugin(call, id: "none", PluginChange(name: "x_1")) }
                == .notFound(.plugin, id: "none"))
    }

    @Test func namesQuotasAndScope() async throws {
        var settings = ControlPlaneSettings()
        settings.quotas.plugins = 3
        settings.quotas.kafkaPlugins = 1
        let fixture = try ControlPlaneFixture(settings)
        let (plane, call) = (fixture.plane, fixture.call())
        let first = try await plane.createPlugin(call, draft(.kafkaLog, Self.kafka, name: "one")).value
        #expect(
            await refusal { try await plane.createPlugin(call, draft(.cors, Self.cors, name: "one")) }
                == .taken(.plugin, name: "one"))
        #expect(
            await refusal { try await plane.createPlugin(call, draft(.kafkaLog, Self.kafka, name: "two")) }
                == .quotaExceeded(.plugin, limit: 1))
        let second = try await plane.createPlugin(call, draft(.cors, Self.cors, name: "two")).value
        _ = try await plane.createPlugin(call, draft(.rateLimit, Self.rate, name: "three"))
        #expect(
            await refusal { try await plane.createPlugin(call, draft(.cors, Self.cors, name: "four")) }
                == .quotaExceeded(.plugin, limit: 3))
        #expect(
            await refusal { try await plane.updatePlugin(call, id: second.id, PluginChange(name: "one")) }
                == .taken(.plugin, name: "one"))
        let other = fixture.call(instance: fixture.otherInstanceID)
        let unknown = OperationError.notFound(.plugin, id: first.id)
        #expect(await refusal { try await plane.plugin(other, id: first.id) } == unknown)
        #expect(await refusal { try await plane.updatePlugin(other, id: first.id, PluginChange(name: "x_1")) } == unknown)
        #expect(await refusal { try await plane.deletePlugin(other, id: first.id).revision } == unknown)
        _ = try await plane.deletePlugin(call, id: first.id)
        #expect(await refusal { try await plane.deletePlugin(call, id: first.id).revision } == unknown)
    }

    @Test func applicationsAreNeededForScopeApp() async throws {
        let orphan = PluginDraft(name: "plugin_demo", type: .cors, scope: "app", content: Self.cors)
        #expect(await refusal { try await plane.createPlugin(call, orphan) } == .missing(field: "roma_app_id"))
        let unknown = PluginDraft(name: "plugin_demo", type: .cors, scope: "app", content: Self.cors, romaAppID: "app-1")
        #expect(
            await refusal { try await plane.createPlugin(call, unknown) } == .notFound(.integrationApplication, id: "app-1"))
    }

    @Test func listsByFilter() async throws {
        for (name, type, content) in [
            ("alpha_1", PluginType.cors, Self.cors), ("alpha_2", .rateLimit, Self.rate), ("beta", .cors, Self.cors),
        ] {
            _ = try await plane.createPlugin(call, draft(type, content, name: name))
            fixture.clock.advance(seconds: 1)
        }
        func names(_ filter: PluginFilter, _ page: Page? = nil) async throws -> [String] {
            try await plane.plugins(call, filter, page: page ?? all).items.map(\.name)
        }
        #expect(try await names(PluginFilter()) == ["beta", "alpha_2", "alpha_1"])
        #expect(try await names(PluginFilter(), Page(offset: 1, limit: 1)) == ["alpha_2"])
        #expect(try await names(PluginFilter(name: "ALPHA", type: "cors")) == ["alpha_1"])
        #expect(try await names(PluginFilter(name: "alpha", namePrecisely: true)) == [])
        #expect(try await names(PluginFilter(scope: "app")) == [])
        #expect(try await names(PluginFilter(romaAppName: "x")) == [])
        #expect(try await names(PluginFilter(id: "none")) == [])
    }
}
