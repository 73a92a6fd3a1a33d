import ControlPlane
import GatewayModel
import Store
import Testing

struct APIOperationTests {
    @Test func namesAndRequestsAreUniqueInTheGroup() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let other = try await g.group("def")
        let api = try await g.api("one", "/a/{x}", group: group)
        func made(_ definition: APIDefinition) async -> OperationError? {
            await g.refused { try await $0.createAPI(g.call(), definition) }
        }
        #expect(await made(.mocked("one", "/b", groupID: group.id)) == .taken(.api, name: "one"))
        #expect(await made(.mocked("two", "/a/{y}", groupID: group.id)) == .taken(.apiPath, name: "one"))
        _ = try await g.api("one", "/a/{y}", group: other)
        _ = try await g.api("two", "/a/{y}", group: group, method: .any)
        _ = try await g.api("three", "/a/{y}/", group: group)
        var prefix = APIDefinition.mocked("four", "/a/{y}/", groupID: group.id)
        prefix.matchMode = .prefix
        _ = try await g.plane.createAPI(g.call(), prefix)
        prefix = .mocked("five", "/a/{z}", groupID: group.id)
        prefix.matchMode = .prefix
        #expect(await made(prefix) == .taken(.apiPath, name: "four"))

        // An API is not in its own way; a change of group is checked there.
        _ = try await g.plane.updateAPI(g.call(), id: api.id, .mocked("one", "/a/{z}", groupID: group.id))
        #expect(
            await g.refused { try await $0.updateAPI(g.call(), id: api.id, .mocked("one", "/n", groupID: other.id)) }
                == .taken(.api, name: "one"))
    }

    @Test func checksAnswerForAGroupAndForAll() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let other = try await g.group("def")
        let api = try await g.api("one", "/a/{x}", group: group)
        let call = g.call()
        #expect(await g.refused { try await $0.checkAPIName(call, name: "one", groupID: nil, besides: nil) } == .taken(.api, name: "one"))
        try await g.plane.checkAPIName(call, name: "one", groupID: other.id, besides: nil)
        try await g.plane.checkAPIName(call, name: "one", groupID: group.id, besides: api.id)
        #expect(
            await g.refused {
                try await $0.checkAPIPath(call, method: .get, path: "/a/{q}", matchMode: .normal, groupID: group.id, besides: nil)
            } == .taken(.apiPath, name: "one"))
        try await g.plane.checkAPIPath(call, method: .put, path: "/a/{q}", matchMode: .normal, groupID: nil, besides: nil)
        #expect(
            await g.refused {
                try await $0.checkAPIPath(call, method: .get, path: "a", matchMode: .normal, groupID: nil, besides: nil)
            } == .invalid(field: "req_uri"))
        #expect(
            await g.refused { try await $0.checkAPIName(call, name: "x", groupID: "none", besides: nil) }
                == .notFound(.apiGroup, id: "none"))
    }

    @Test func idsOfPartsStayWithNameAndPlace() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        var definition = APIDefinition.mocked("one", "/a/{x}", groupID: group.id)
        definition.requestParameters.append(RequestParameter(id: "", name: "q", type: "STRING", location: .query, required: false))
        let before = try await g.plane.createAPI(g.call(), definition).value.api.definition
        #expect(before.requestParameters.allSatisfy { $0.id.count == 32 })
        #expect(before.mock?.id.count == 32)
        definition.requestParameters[1].location = .header
        let id = try await g.plane.apis(g.call(), APIFilter(), page: Page(offset: 0, limit: 1)).items[0].api.id
        let after = try await g.plane.updateAPI(g.call(), id: id, definition).value.api.definition
        #expect(after.requestParameters[0].id == before.requestParameters[0].id)
        #expect(after.requestParameters[1].id != before.requestParameters[1].id)
        #expect(after.mock?.id == before.mock?.id)
        #expect(try g.trace(of: id) == ["api -a", "api ba"])
    }

    @Test func listsFilterByEveryColumn() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let other = try await g.group("def")
        let one = try await g.api("orders", "/orders", group: group)
        _ = try await g.api("Order_items", "/orders/{id}/items", group: group, method: .post)
        var third = APIDefinition.proxied("users", "/users", groupID: other.id, to: "/u")
        third.authType = .app
        third.type = 2
        third.reqProtocol = .https
        third.tags = ["b", "a"]
        _ = try await g.plane.createAPI(g.call(), third)
        func names(_ change: (inout APIFilter) -> Void) async throws -> [String] {
            var filter = APIFilter()
            change(&filter)
            return try await g.plane.apis(g.call(), filter, page: Page(offset: 0, limit: 20)).items.map(\.api.definition.name)
        }
        #expect(try await names { _ in } == ["users", "Order_items", "orders"])
        #expect(try await names { $0.id = one.id } == ["orders"])
        #expect(try await names { $0.name = "order" } == ["Order_items", "orders"])
        #expect(try await names { $0.name = "order"; $0.namePrecisely = true } == [])
        #expect(try await names { $0.reqURI = "orders/" } == ["Order_items"])
        #expect(try await names { $0.reqURI = "/orders"; $0.reqURIPrecisely = true } == ["orders"])
        #expect(try await names { $0.groupID = other.id } == ["users"])
        #expect(try await names { $0.reqMethod = "POST" } == ["Order_items"])
        #expect(try await names { $0.reqProtocol = "HTTPS" } == ["users"])
        #expect(try await names { $0.authType = "APP"; $0.type = 2 } == ["users"])
        #expect(try await names { $0.authType = "APP"; $0.type = 1 } == [])
        #expect(try await names { $0.channelName = "any" } == [])
        #expect(try await names { $0.romaAppName = "any" } == [])
        #expect(try await g.plane.tags(g.call(), page: Page(offset: 0, limit: 20)).items == ["a", "b"])
        #expect(try await g.plane.tags(g.call(), page: Page(offset: 1, limit: 20)).total == 2)
    }

    @Test func quotasOfInstanceAndGroup() async throws {
        var quotas = Quotas()
        quotas.apis = 3
        quotas.apisPerGroup = 2
        let g = try await TestGateway(ControlPlaneSettings(quotas: quotas))
        let group = try await g.group("abc")
        let other = try await g.group("def")
        _ = try await g.api("one", "/1", group: group)
        _ = try await g.api("two", "/2", group: group)
        #expect(await g.refused { _ in try await g.api("three", "/3", group: group) } == .definition(.groupIsFull))
        let last = try await g.api("three", "/3", group: other)
        #expect(await g.refused { _ in try await g.api("four", "/4", group: other) } == .quotaExceeded(.api, limit: 3))
        #expect(
            await g.refused { try await $0.updateAPI(g.call(), id: last.id, .mocked("three", "/3", groupID: group.id)) }
                == .definition(.groupIsFull))
    }

    @Test func anotherInstanceKnowsNothingOfIt() async throws {
        let g = try await TestGateway()
        let project = "ffffffffffffffffffffffffffffffff"
        let other = try await g.plane.prepareFirstStart(projectID: project)
        let stranger = g.call(instance: other.id, project: project)
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let record = try await g.publish(api)
        let release = Environment.releaseID
        #expect(await g.refused { try await $0.api(stranger, id: api.id) } == .notFound(.api, id: api.id))
        #expect(await g.refused { try await $0.deleteAPI(stranger, id: api.id) } == .notFound(.api, id: api.id))
        #expect(
            await g.refused { try await $0.createAPI(stranger, .mocked("two", "/two", groupID: group.id)) }
                == .notFound(.apiGroup, id: group.id))
        #expect(
            await g.refused { try await $0.publishAPI(stranger, apiID: api.id, environmentID: release, remark: "") }
                == .notFound(.api, id: api.id))
        #expect(
            await g.refused { try await $0.takeAPIOffline(stranger, apiID: api.id, environmentID: release) }
                == .notFound(.api, id: api.id))
        #expect(
            await g.refused { try await $0.switchAPIVersion(stranger, apiID: api.id, versionID: record.versionID) }
                == .notFound(.api, id: api.id))
        #expect(
            await g.refused { try await $0.apiVersion(stranger, id: record.versionID) } == .notFound(.apiVersion, id: record.versionID))
        #expect(
            await g.refused { try await $0.takeVersionOffline(stranger, versionID: record.versionID) }
                == .notFound(.apiVersion, id: record.versionID))
        #expect(try await g.plane.apis(stranger, APIFilter(), page: Page(offset: 0, limit: 20)).total == 0)
        let batch = try await g.plane.publishAPIs(
            stranger, action: .offline, apiIDs: [api.id], environmentID: release, remark: "").value
        #expect(batch[0].apiName == nil)
    }
}
