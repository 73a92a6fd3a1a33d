import ControlPlane
import GatewayModel
import GatewayPrimitives
import Snapshot
import Store
import Testing

@Suite struct PluginAttachmentTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)
    let release = Environment.releaseID

    init() throws { fixture = try ControlPlaneFixture() }

    func plugin(_ name: String, _ type: PluginType = .setResponseHeaders, _ content: String = PluginTests.headers) async throws
        -> Plugin
    {
        try await plane.createPlugin(call, PluginDraft(name: name, type: type, scope: "global", content: content)).value
    }

    @Test func isInForceUntilDetached() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let plugin = try await plugin("headers")
        #expect(fixture.route(api)?.policies.responseHeaders == nil)
        let attached = try await plane.attachPlugin(call, id: plugin.id, apiIDs: [api.apiID], environmentID: release).value
        #expect(attached.map(\.publication.apiName) == ["Api_http"] && attached.map(\.plugin) == [plugin])
        let first = try #require(fixture.route(api)?.policies.responseHeaders)
        let content = PluginTests.headers.replacing("\"1\"", with: "\"2\"")
        _ = try await plane.updatePlugin(call, id: plugin.id, PluginChange(content: content))
        let second = try #require(fixture.route(api)?.policies.responseHeaders)
        #expect(first !== second)
        _ = try await plane.detachPlugin(call, id: plugin.id, apiIDs: [api.apiID], environmentID: release)
        #expect(fixture.route(api) != nil && fixture.route(api)?.policies.responseHeaders == nil)
        let before = try fixture.revision
        _ = try await plane.detachPlugin(call, id: plugin.id, apiIDs: [api.apiID], environmentID: release)
        #expect(try fixture.revision == before)
    }

    @Test func everyTypeIsCarriedOut() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        var ids: [String] = []
        for (type, content) in PluginTests.contents {
            ids.append(try await plugin("p_\(type.rawValue)", type, content).id)
        }
        let attached = try await plane.attachPlugins(call, toAPI: api.apiID, pluginIDs: ids, environmentID: release).value
        #expect(attached.map(\.plugin.id) == ids)
        let policies = try #require(fixture.route(api)?.policies)
        #expect(policies.cors != nil && policies.responseHeaders != nil && policies.breaker != nil)
        #expect(policies.rateLimit != nil && policies.thirdAuth != nil && policies.kafkaLog != nil)
        _ = try await plane.detachPlugins(call, fromAPI: api.apiID, pluginIDs: ids, environmentID: release)
        let none = try #require(fixture.route(api)?.policies)
        #expect(none.cors == nil && none.responseHeaders == nil && none.breaker == nil)
        #expect(none.rateLimit == nil && none.thirdAuth == nil && none.kafkaLog == nil)
    }

    /// An outbox is in the snapshot as long as a route needs it: what is served is what is attached.
    @Test func outboxesFollowAttachments() async throws {
        let group = try await fixture.group()
        let (api, other) = (try await fixture.publish("Api_http", group: group), try await fixture.publish("Api_two", group: group))
        let first = try await plugin("first", .kafkaLog, PluginTests.kafka)
        let second = try await plugin("second", .kafkaLog, PluginTests.kafka.replacing(#""topic":"t""#, with: #""topic":"u""#))
        #expect(fixture.snapshots.current.kafkaOutboxes.isEmpty)
        _ = try await plane.attachPlugin(call, id: first.id, apiIDs: [api.apiID], environmentID: release)
        _ = try await plane.attachPlugin(call, id: second.id, apiIDs: [other.apiID], environmentID: release)
        let outboxes = fixture.snapshots.current.kafkaOutboxes
        #expect(outboxes.count == 1 && outboxes.first?.queue.brokers.password.revealed == "Kafka#Passw0rd")
        _ = try await plane.detachPlugin(call, id: first.id, apiIDs: [api.apiID], environmentID: release)
        #expect(fixture.snapshots.current.kafkaOutboxes.first === outboxes.first)
        _ = try await plane.updatePlugin(
            call, id: second.id, PluginChange(content: PluginTests.kafka.replacing("Kafka#Passw0rd", with: "another one")))
        #expect(fixture.snapshots.current.kafkaOutboxes.map(\.queue.brokers.password.revealed) == ["another one"])
        _ = try await plane.detachPlugin(call, id: second.id, apiIDs: [other.apiID], environmentID: release)
        #expect(fixture.snapshots.current.kafkaOutboxes.isEmpty)
    }

    @Test func onePluginOfEachType() async throws {
        let api = try await fixture.publish("Api_http", group: fixture.group())
        let (first, second) = (try await plugin("first"), try await plugin("second"))
        let old = try await plane.attachPlugin(call, id: first.id, apiIDs: [api.apiID], environmentID: release).value[0].binding
        fixture.clock.advance(seconds: 1)
        #expect(
            try await plane.attachPlugin(call, id: first.id, apiIDs: [api.apiID], environmentID: release).value[0].binding == old)
        let new = try await plane.attachPlugin(call, id: second.id, apiIDs: [api.apiID], environmentID: release).value[0].binding
        #expect(new.id != old.id)
        let both = try await plane.attachPlugins(
            call, toAPI: api.apiID, pluginIDs: [second.id, first.id], environmentID: release).value
        #expect(both.map(\.plugin.id) == [first.id] && both[0].binding.id != old.id)
        #expect(
            await refusal { try await plane.deletePlugin(call, id: first.id).revision } == .conflict(.pluginIsAttached))
        _ = try await plane.deletePlugin(call, id: second.id)
    }

    @Test func nothingIsAttachedWhenOneIsNotPublished() async throws {
        let group = try await fixture.group()
        let api = try await fixture.publish("Api_http", group: group)
        let offline = try await fixture.publish("Api_off", group: group)
        try await fixture.takeOffline(offline)
        let plugin = try await plugin("headers")
        let test = try await fixture.environment("TEST")
        #expect(
            await refusal {
                try await plane.attachPlugin(
                    call, id: plugin.id, apiIDs: [api.apiID, offline.apiID], environmentID: release)
            } == .conflict(.apiNotPublished(id: offline.apiID)))
        #expect(
            await refusal { try await plane.attachPlugin(call, id: plugin.id, apiIDs: [api.apiID], environmentID: test) }
                == .conflict(.apiNotPublished(id: api.apiID)))
        for (plugin, api, environment, error) in [
            ("none", api.apiID, release, OperationError.notFound(.plugin, id: "none")),
            (plugin.id, "none", release, .notFound(.api, id: "none")),
            (plugin.id, api.apiID, "none", .notFound(.environment, id: "none")),
            (plugin.id, "a b", release, .invalid(field: "api_ids")),
            (plugin.id, api.apiID, "a b", .invalid(field: "env_id")),
        ] {
            #expect(
                await refusal { try await plane.attachPlugin(call, id: plugin, apiIDs: [api], environmentID: environment) }
                    == error)
            #expect(
                await refusal {
                    try await plane.detachPlugin(call, id: plugin, apiIDs: [api], environmentID: environment).revision
                } == error)
        }
        #expect(
            await refusal {
                try await plane.attachPlugins(call, toAPI: api.apiID, pluginIDs: [plugin.id, "none"], environmentID: release)
            } == .notFound(.plugin, id: "none"))
        let many = (0...ControlPlane.attachmentLimit).map { "a\($0)" }
        #expect(
            await refusal { try await plane.attachPlugin(call, id: plugin.id, apiIDs: many, environmentID: release) }
                == .invalid(field: "api_ids"))
        #expect(fixture.route(api)?.policies.responseHeaders == nil)
        let other = fixture.call(instance: fixture.otherInstanceID)
        #expect(
            await refusal { try await plane.attachPlugin(other, id: plugin.id, apiIDs: [api.apiID], environmentID: release) }
                == .notFound(.plugin, id: plugin.id))
    }

    @Test func corsHoldsForAWholePath() async throws {
        let group = try await fixture.group()
        let get = try await fixture.publish("get", group: group, method: .get, uri: "/items/{id}")
        let put = try await fixture.publish("put", group: group, method: .put, uri: "/items/{key}")
        let elsewhere = try await fixture.publish("elsewhere", group: group, method: .get, uri: "/other")
        let first = try await plugin("first", .cors, PluginTests.cors)
        let second = try await plugin("second", .cors, PluginTests.cors)
        func attach(_ plugin: Plugin, _ apis: PublishedFixture...) async throws -> Written<[AttachedPlugin]> {
            try await plane.attachPlugin(call, id: plugin.id, apiIDs: apis.map(\.apiID), environmentID: release)
        }
        _ = try await attach(first, get)
        let same = OperationError.conflict(
            .pluginPathConflict(reason: "APIs with the same path must use the same cors plug-in"))
        #expect(await refusal { try await attach(second, put) } == same)
        _ = try await attach(first, put)
        _ = try await attach(second, elsewhere)
        #expect(await refusal { try await attach(second, get) } == same)
        // Both at once keep the rule.
        _ = try await attach(second, get, put)
        #expect(fixture.route(get)?.policies.cors != nil && fixture.route(put)?.policies.cors != nil)
    }

    @Test func corsNeedsTheMethodAndNoOptionsAPI() async throws {
        let group = try await fixture.group()
        let delete = try await fixture.publish("delete", group: group, method: .delete, uri: "/items")
        let any = try await fixture.publish("any", group: group, method: .any, uri: "/any")
        let options = try await fixture.publish("options", group: group, method: .options, uri: "/open")
        let sibling = try await fixture.publish("sibling", group: group, method: .get, uri: "/open")
        let cors = try await plugin("cors_1", .cors, PluginTests.cors)
        func attach(_ api: PublishedFixture) async throws -> Written<[AttachedPlugin]> {
            try await plane.attachPlugin(call, id: cors.id, apiIDs: [api.apiID], environmentID: release)
        }
        #expect(
            await refusal { try await attach(delete) }
                == .conflict(.pluginPathConflict(reason: "allow_methods of the cors plug-in lacks DELETE")))
        _ = try await attach(any)
        let blocked = OperationError.conflict(
            .pluginPathConflict(reason: "A cors plug-in cannot be used where an API with method OPTIONS has the same path"))
        #expect(await refusal { try await attach(options) } == blocked)
        #expect(await refusal { try await attach(sibling) } == blocked)
        try await fixture.takeOffline(options)
        _ = try await attach(sibling)
        // Publishing it again would take the preflight away from the plug-in.
        #expect(
            await refusal {
                try await plane.publishAPI(call, apiID: options.apiID, environmentID: release, remark: "")
            } == blocked)
        let narrower = PluginTests.cors.replacing("GET,POST,PUT", with: "POST")
        #expect(
            await refusal { try await plane.updatePlugin(call, id: cors.id, PluginChange(content: narrower)) }
                == .conflict(.pluginPathConflict(reason: "allow_methods of the cors plug-in lacks GET")))
    }

    @Test func listsOfBothEnds() async throws {
        let group = try await fixture.group()
        let test = try await fixture.environment("TEST")
        let one = try await fixture.publish("one", group: group)
        fixture.clock.advance(seconds: 1)
        let two = try await fixture.publish("two", group: group, method: .post)
        fixture.clock.advance(seconds: 1)
        let again = try await fixture.publish("one", group: group, environment: test, api: one.apiID)
        let (first, second) = (try await plugin("first"), try await plugin("second"))
        fixture.clock.advance(seconds: 1)
        let rate = try await plugin("rate", .rateLimit, PluginTests.rate)
        _ = try await plane.attachPlugins(call, toAPI: one.apiID, pluginIDs: [first.id, rate.id], environmentID: release)
        _ = try await plane.attachPlugin(call, id: second.id, apiIDs: [two.apiID], environmentID: release)
        fixture.clock.advance(seconds: 1)
        _ = try await plane.attachPlugin(call, id: first.id, apiIDs: [one.apiID], environmentID: test)

        func apis(_ filter: PublicationFilter = PublicationFilter()) async throws -> [String] {
            try await plane.apis(call, withPlugin: first.id, filter, page: all).items.map(\.publication.publicationID)
        }
        #expect(try await apis() == [again.publicationID, one.publicationID])
        #expect(try await apis(PublicationFilter(environmentID: release)) == [one.publicationID])
        #expect(try await apis(PublicationFilter(method: "POST")) == [])
        #expect(try await apis(PublicationFilter(apiName: "ON", uri: "/on")).count == 2)

        let attachable = try await plane.apis(
            call, withoutPlugin: first.id, environmentID: release, PublicationFilter(), page: all)
        #expect(attachable.items.map(\.publicationID) == [two.publicationID])
        #expect(
            await refusal {
                try await plane.apis(call, withoutPlugin: first.id, environmentID: "none", PublicationFilter(), page: all)
            } == .notFound(.environment, id: "none"))

        func plugins(_ environment: String? = nil, _ filter: PluginFilter = PluginFilter()) async throws -> [String] {
            try await plane.plugins(
                call, attachedTo: one.apiID, environmentID: environment, environmentName: nil, filter, page: all
            ).items.map { "\($0.plugin.name) \($0.publication.environmentName)" }
        }
        #expect(try await plugins().first == "first TEST")
        #expect(try await Set(plugins()) == ["first TEST", "first RELEASE", "rate RELEASE"])
        #expect(try await plugins(test) == ["first TEST"])
        #expect(try await plugins(release, PluginFilter(type: "rate_limit")) == ["rate RELEASE"])
        let free = try await plane.plugins(
            call, attachableTo: one.apiID, environmentID: release, PluginFilter(), page: all)
        #expect(free.items.map(\.name) == ["second"])
        let inTest = try await plane.plugins(call, attachableTo: one.apiID, environmentID: test, PluginFilter(), page: all)
        #expect(inTest.items.map(\.name).sorted() == ["rate", "second"])

        try await fixture.takeOffline(one)
        #expect(try await apis() == [again.publicationID, one.publicationID])
        try await fixture.takeOffline(two)
        #expect(
            try await plane.apis(call, withoutPlugin: first.id, environmentID: release, PublicationFilter(), page: all).total == 0)
    }
}
