import ControlPlane
import GatewayModel
import GatewayPrimitives
import Snapshot
import Store
import Testing

@Suite struct ApplicationTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }
    let all = Page(offset: 0, limit: 20)

    init() throws { fixture = try ControlPlaneFixture() }

    func application(_ name: String, _ call: Call? = nil) async throws -> Application {
        try await plane.createApplication(call ?? self.call, ApplicationDraft(name: name)).value.application
    }

    /// A draft that asks for an application.
    func api(_ name: String, _ type: AuthenticationType = .app, instance: String? = nil) async throws -> String {
        let instanceID = instance ?? fixture.instanceID
        let group = try await fixture.group("g_\(name)", instance: instanceID)
        return try await plane.write(fixture.call(instance: instanceID)) { w in
            let definition = APIDefinition(
                name: name, groupID: group, type: 1, reqProtocol: .both, reqMethod: .get, reqURI: "/\(name)", authType: type,
                backendType: .mock, remark: "", tags: [], mock: MockBackendDefinition(id: "m", resultContent: "{}"))
            let api = API(id: w.newID(), instanceID: instanceID, definition: definition, createdAt: w.now, updatedAt: w.now)
            try w.sql.insert(APIRow(api))
            return api.id
        }.value
    }

    func request(_ apps: [Application], _ apis: [String], _ environment: String = Environment.releaseID) -> AuthorizationRequest {
        AuthorizationRequest(environmentID: environment, applicationIDs: apps.map(\.id), apiIDs: apis, visits: [])
    }

    @Test func secretsAreSealedAndMaskedInRecords() async throws {
        let made = try await application("orders")
        _ = try await plane.resetApplicationSecret(call, id: made.id, secret: Secret("another_secret_0001"))
        #expect(try await plane.applicationSecret(call, id: made.id).secret.revealed == "another_secret_0001")
        let stored = try fixture.texts("SELECT sealed_secret AS c FROM applications")
        #expect(stored.count == 1 && !stored[0].contains("another_secret_0001"))
        for record in try fixture.changes(of: made.id, "after_json").compactMap({ $0 }) {
            #expect(!record.contains("another_secret_0001") && !record.contains(made.secret.revealed))
        }
    }

    @Test func otherInstancesDoNotSeeIt() async throws {
        let made = try await application("orders")
        let elsewhere = fixture.call(instance: fixture.otherInstanceID)
        #expect(
            await refusal { try await plane.application(elsewhere, id: made.id).isOwner }
                == .notFound(.integrationApplication, id: made.id))
        // The name is free there.
        let other = try await application("orders", elsewhere)
        #expect(try await plane.applications(elsewhere, ApplicationFilter(), page: all).items.map(\.application.id) == [other.id])
        let foreign = try await api("elsewhere", instance: fixture.otherInstanceID)
        #expect(
            await refusal { try await plane.authorize(call, request([made], [foreign])).revision } == .notFound(.api, id: foreign))
    }

    @Test func authorizesOncePerPair() async throws {
        let app = try await application("orders")
        let (asks, open) = (try await api("asks"), try await api("open", .none))
        let first = try await plane.authorize(call, request([app], [asks, open, asks])).value
        #expect(first.map(\.apiID) == [asks, open])
        guard case .granted(let made) = first[0].result, case .refused(let reason) = first[1].result else {
            Issue.record("\(first)")
            return
        }
        #expect(reason == .conflict(.apiUsesNoApplications))
        let before = try fixture.revision
        guard case .present(let again) = try await plane.authorize(call, request([app], [asks])).value[0].result else {
            Issue.record("not skipped")
            return
        }
        #expect(again == made)
        #expect(try fixture.revision == before, "nothing changed")
        _ = try await plane.cancelAuthorization(call, id: made.id)
        #expect(
            await refusal { try await plane.cancelAuthorization(call, id: made.id).revision }
                == .notFound(.appAuthorization, id: made.id))
    }

    @Test func removalOfEitherEndIsRecorded() async throws {
        let app = try await application("orders")
        let (one, two) = (try await api("one"), try await api("two"))
        let environment = try await fixture.environment("TEST")
        var made: [String] = []
        for (target, place) in [(one, Environment.releaseID), (two, Environment.releaseID), (two, environment)] {
            for outcome in try await plane.authorize(call, request([app], [target], place)).value {
                if case .granted(let authorization) = outcome.result { made.append(authorization.id) }
            }
        }
        _ = try await plane.deleteAPI(call, id: one)
        _ = try await plane.deleteEnvironment(call, id: environment)
        _ = try await plane.deleteApplication(call, id: app.id)
        #expect(made.count == 3)
        for id in made { #expect(try fixture.changes(of: id, "after_json") == [try fixture.changes(of: id, "after_json")[0], nil]) }
        #expect(try fixture.texts("SELECT id AS c FROM app_auths").isEmpty)
    }

    @Test func deletingNamesTheFirstThingOwned() async throws {
        let app = try await application("orders")
        let draft = APIGroupDraft(name: "owned_group", romaAppID: app.id)
        let group = try await plane.createAPIGroup(call, draft).value
        #expect(
            await refusal { try await plane.deleteApplication(call, id: app.id).revision }
                == .conflict(.applicationOwns(kind: .apiGroup, name: "owned_group")))
        _ = try await plane.deleteAPIGroup(call, id: group.id)
        _ = try await plane.deleteApplication(call, id: app.id)
    }

    @Test func quotasCountTheInstance() async throws {
        var quotas = Quotas()
        quotas.applications = 1
        quotas.authorizationsPerApplication = 1
        let small = try ControlPlaneFixture(ControlPlaneSettings(quotas: quotas))
        _ = try await small.plane.createApplication(small.call(), ApplicationDraft(name: "one"))
        #expect(
            await refusal { try await small.plane.createApplication(small.call(), ApplicationDraft(name: "two")).revision }
                == .quotaExceeded(.integrationApplication, limit: 1))
        _ = try await small.plane.createApplication(
            small.call(instance: small.otherInstanceID), ApplicationDraft(name: "two"))
    }
}

@Suite struct SecretRotationTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }

    init() throws { fixture = try ControlPlaneFixture() }

    private func secrets(_ id: String) async throws -> [String] {
        try await plane.applicationSecrets(call, id: id).map(\.id)
    }

    @Test func theOldSecretIsGoneAfterItsEnd() async throws {
        let app = try await plane.createApplication(call, ApplicationDraft(name: "orders")).value.application
        #expect(try await secrets(app.id) == [app.id])
        let made = try await plane.rotateApplicationSecret(call, id: app.id, secret: nil, overlapSeconds: 60).value
        #expect(try await secrets(app.id) == [made.present.id, app.id])
        #expect(fixture.snapshots.current.callers.app(id: app.id)?.secrets.map(\.id) == [made.present.id, app.id])
        fixture.clock.advance(seconds: 60)
        #expect(try await secrets(app.id) == [made.present.id])
        #expect(try fixture.texts("SELECT id AS c FROM app_retired_secrets").isEmpty, "it is not kept either")
    }

    @Test func secretsAreSealedAndMasked() async throws {
        let draft = ApplicationDraft(name: "orders", secret: Secret("the_first_secret_1"))
        let app = try await plane.createApplication(call, draft).value.application
        _ = try await plane.rotateApplicationSecret(call, id: app.id, secret: Secret("the_second_secret"), overlapSeconds: 60)
        let sealed = try fixture.texts("SELECT sealed_secret AS c FROM app_retired_secrets")
        #expect(sealed.count == 1 && !sealed[0].contains("the_first"))
        for record in try fixture.texts("SELECT COALESCE(before_json, '') || COALESCE(after_json, '') AS c FROM changes") {
            #expect(!record.contains("the_first_secret_1") && !record.contains("the_second_secret"))
        }
    }

    @Test func equalSecretsAndTooManyAreRefused() async throws {
        let app = try await plane.createApplication(call, ApplicationDraft(name: "orders")).value.application
        #expect(
            await refusal { try await plane.rotateApplicationSecret(call, id: app.id, secret: app.secret, overlapSeconds: 0).revision }
                == .invalid(field: "secret"))
        for _ in 0..<SecretRotationRules.retiredLimit {
            _ = try await plane.rotateApplicationSecret(call, id: app.id, secret: nil, overlapSeconds: 60)
        }
        #expect(
            await refusal { try await plane.rotateApplicationSecret(call, id: app.id, secret: nil, overlapSeconds: 60).revision }
                == .quotaExceeded(.appSecret, limit: SecretRotationRules.retiredLimit))
        // Without an overlap there is nothing to keep.
        _ = try await plane.rotateApplicationSecret(call, id: app.id, secret: nil, overlapSeconds: 0)
        _ = try await plane.resetApplicationSecret(call, id: app.id, secret: nil)
        #expect(try await secrets(app.id).count == 1)
    }
}
