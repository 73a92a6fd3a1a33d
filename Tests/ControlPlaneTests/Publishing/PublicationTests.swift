import ControlPlane
import GatewayModel
import GatewayPrimitives
import Snapshot
import Store
import Testing

struct PublicationTests {
    private func versions(_ g: TestGateway, _ api: API, _ page: Page = Page(offset: 0, limit: 50)) async throws -> [ListedVersion] {
        try await g.plane.apiVersions(g.call(), apiID: api.id, environmentID: nil, environmentName: nil, page: page).items
    }

    @Test func aDraftReachesTrafficByPublishingAlone() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let host = "\(group.id).apic.localhost"
        #expect(g.snapshot.hosts.value(for: Array(host.utf8)) == nil)
        let record = try await g.publish(api)
        #expect(g.snapshot.hosts.value(for: Array(host.utf8))?.environments.first?.routes.all.map(\.path.text) == ["/one"])
        _ = try await g.plane.updateAPI(g.call(), id: api.id, .mocked("one", "/two", groupID: group.id))
        #expect(g.snapshot.hosts.value(for: Array(host.utf8))?.environments.first?.routes.all.map(\.path.text) == ["/one"])
        let again = try await g.publish(api)
        #expect(again.publication.id == record.publication.id)
        #expect(again.versionID != record.versionID)
        #expect(g.snapshot.hosts.value(for: Array(host.utf8))?.environments.first?.routes.all.map(\.path.text) == ["/two"])
    }

    @Test func offlineKeepsTheRecordAndHappensOnce() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let record = try await g.publish(api)
        #expect(await g.refused { try await $0.deleteAPI(g.call(), id: api.id) } == .conflict(.apiIsPublished))
        let offline = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID).value
        #expect(offline.publication.id == record.publication.id && offline.versionID == record.versionID)
        #expect(
            await g.refused { try await $0.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID) }
                == .notFound(.publication, id: api.id))
        #expect(g.snapshot.hosts.value(for: Array("\(group.id).apic.localhost".utf8)) == nil)
        #expect(try await g.publish(api).publication.id == record.publication.id)
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID)
        _ = try await g.plane.deleteAPI(g.call(), id: api.id)
        #expect(await g.refused { try await $0.api(g.call(), id: api.id) } == .notFound(.api, id: api.id))
        #expect(try g.trace(of: record.publication.id).last == "publication b-")
    }

    @Test func versionsAreKeptUpToTheirNumberAndNeverLoseTheOneInForce() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        var made: [String] = []
        for _ in 0..<10 { made.append(try await g.publish(api).versionID) }
        #expect(try await versions(g, api).map(\.id) == made.reversed())
        let oldest = try await g.plane.switchAPIVersion(g.call(), apiID: api.id, versionID: made[0]).value
        #expect(oldest.versionID == made[0])
        #expect(try await versions(g, api).filter(\.isInForce).map(\.id) == [made[0]])
        // The eleventh comes into force, so that the oldest one is the first to go.
        let eleventh = try await g.publish(api).versionID
        #expect(try await versions(g, api).map(\.id) == [eleventh] + made.dropFirst().reversed())
        #expect(try await versions(g, api, Page(offset: 2, limit: 3)).count == 3)
        #expect(
            await g.refused { try await $0.switchAPIVersion(g.call(), apiID: api.id, versionID: made[0]) }
                == .notFound(.apiVersion, id: made[0]))
        #expect(try await versions(g, api)[0].number.count == 14)
    }

    @Test func twoVersionsInForceNeverClaimTheSameRequests() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let first = try await g.api("one", "/x/{a}", group: group)
        let old = try await g.publish(first)
        _ = try await g.plane.updateAPI(g.call(), id: first.id, .mocked("one", "/y", groupID: group.id))
        let second = try await g.api("two", "/x/{b}", group: group)
        #expect(
            await g.refused { try await $0.publishAPI(g.call(), apiID: second.id, environmentID: Environment.releaseID, remark: "") }
                == .conflict(.apiPathTaken(name: "one")))
        _ = try await g.publish(first)
        _ = try await g.publish(second)
        #expect(
            await g.refused { try await $0.switchAPIVersion(g.call(), apiID: first.id, versionID: old.versionID) }
                == .conflict(.apiPathTaken(name: "two")))
    }

    @Test func aVersionOfAnotherAPIIsUnknown() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let first = try await g.api("one", "/one", group: group)
        let second = try await g.api("two", "/two", group: group)
        let record = try await g.publish(first)
        #expect(
            await g.refused { try await $0.switchAPIVersion(g.call(), apiID: second.id, versionID: record.versionID) }
                == .notFound(.apiVersion, id: record.versionID))
        let view = try await g.plane.apiVersion(g.call(), id: record.versionID)
        #expect(view.isInForce && view.version.definition == first.definition && view.environmentName == "RELEASE")
        _ = try await g.publish(first)
        #expect(
            await g.refused { try await $0.takeVersionOffline(g.call(), versionID: record.versionID) }
                == .notFound(.apiVersion, id: record.versionID))
        let newest = try await g.publish(first)
        _ = try await g.plane.takeVersionOffline(g.call(), versionID: newest.versionID)
        #expect(
            await g.refused { try await $0.runtimeDefinition(g.call(), apiID: first.id, environmentID: Environment.releaseID) }
                == .notFound(.publication, id: first.id))
    }

    @Test func whatIsNotServedCanBeStoredButNotPublished() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        var definition = APIDefinition.proxied("one", "/one", groupID: group.id, to: "/one")
        definition.backendParameters = [
            BackendParameter(id: "", origin: .constant, name: "Host", location: .header, value: "no host")
        ]
        let api = try await g.plane.createAPI(g.call(), definition).value.api
        let revision = try await g.plane.publishAPIs(
            g.call(), action: .online, apiIDs: [], environmentID: Environment.releaseID, remark: "").revision
        let refusal = await g.refused { try await $0.publishAPI(g.call(), apiID: api.id, environmentID: Environment.releaseID, remark: "") }
        guard case .cannotServe(field: "backend_params", reason: _) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(revision == 0)
        #expect(try await g.plane.api(g.call(), id: api.id).publications.isEmpty)
        #expect(try await versions(g, api).isEmpty)
    }

    @Test func aBatchGoesOnAfterAFailure() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let a = try await g.api("one", "/one", group: group)
        let b = try await g.api("two", "/two", group: group)
        let batch = try await g.plane.publishAPIs(
            g.call(), action: .online, apiIDs: [a.id, "nothing", b.id], environmentID: Environment.releaseID, remark: "all").value
        #expect(batch.map(\.apiName) == ["one", nil, "two"])
        #expect(batch.map { (try? $0.outcome.get()) != nil } == [true, false, true])
        guard case .failure(let error) = batch[1].outcome else { return }
        #expect(error == .notFound(.api, id: "nothing"))
        #expect(
            await g.refused { try await $0.publishAPIs(g.call(), action: .online, apiIDs: [a.id], environmentID: "none", remark: "") }
                == .notFound(.environment, id: "none"))
        let offline = try await g.plane.publishAPIs(
            g.call(), action: .offline, apiIDs: [a.id, a.id], environmentID: Environment.releaseID, remark: "").value
        #expect(offline.map { (try? $0.outcome.get()) != nil } == [true, false])
    }

    @Test func severalEnvironmentsAreJoinedNewestFirst() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let test = try await g.plane.createEnvironment(g.call(), name: "TEST", remark: "").value
        let release = try await g.publish(api)
        let other = try await g.publish(api, in: test.id)
        let view = try await g.plane.api(g.call(), id: api.id)
        #expect(view.publications.map(\.environmentName) == ["TEST", "RELEASE"])
        #expect(view.publications.map(\.publication.id) == [other.publication.id, release.publication.id])
        var filter = APIFilter()
        filter.environmentID = test.id
        #expect(try await g.plane.apis(g.call(), filter, page: Page(offset: 0, limit: 5)).total == 1)
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: test.id)
        #expect(try await g.plane.apis(g.call(), filter, page: Page(offset: 0, limit: 5)).total == 0)
    }

    @Test func whatIsBoundStaysOfflineAndGoesWithTheAPI() async throws {
        let g = try await TestGateway()
        let group = try await g.group("abc")
        let api = try await g.api("one", "/one", group: group)
        let publication = try await g.publish(api).publication.id
        let key = try await g.plane.createSignatureKey(g.call(), SignatureKeyDraft(name: "key")).value
        let binding = try await g.plane.bindSignatureKey(g.call(), id: key.id, publicationIDs: [publication]).value[0].binding.id
        func isSigned() -> Bool {
            let host = g.snapshot.hosts.value(for: Array("\(group.id).apic.localhost".utf8))
            return host?.environments.first?.routes.all.first?.policies.signing != nil
        }
        #expect(isSigned())
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID)
        _ = try await g.publish(api)
        #expect(isSigned())
        _ = try await g.plane.takeAPIOffline(g.call(), apiID: api.id, environmentID: Environment.releaseID)
        _ = try await g.plane.deleteAPI(g.call(), id: api.id)
        #expect(try g.trace(of: binding) == ["signatureBinding -a", "signatureBinding b-"])
        _ = try await g.plane.deleteSignatureKey(g.call(), id: key.id)
    }
}
