import ControlPlane
import GatewayModel
import OpenAPIDocuments
import Store
import Synchronization
import Testing

@Suite struct ImportTests {
    let fixture: ControlPlaneFixture
    var plane: ControlPlane { fixture.plane }
    var call: Call { fixture.call() }

    init() throws { fixture = try ControlPlaneFixture() }

    private struct Stop: Error {}

    private static let text = """
        {"swagger": "2.0", "info": {"title": "pets"}, "paths": {
          "/pets": {"get": {"operationId": "list", "x-apigateway-access-control": "office",
            "x-apigateway-backend": {"type": "MOCK", "mockEndpoints": {"result-content": "[]"}}},
          "post": {"operationId": "add", "x-apigateway-plugins": ["unknown"], "x-apigateway-access-control": ["attic", "cellar"],
            "x-apigateway-backend": {"type": "MOCK", "mockEndpoints": {}}}}},
          "x-apigateway-access-controls": {"office": {"value": "10.0.0.1"}, "attic": {"value": "10.0.0.2"}, "hall": {"value": "10.0.0.3"}, "cellar": {"value": "no address"}}}
        """

    private func request(_ target: ImportRequest.Target = .newGroup(APIGroupDraft(name: "pets"))) throws -> ImportRequest {
        let document = try DocumentReader.read(Array(Self.text.utf8))
        return ImportRequest(
            target: target, romaAppID: "", overridesAPIs: false, overridesPolicies: false,
            operations: try document.operations.map {
                ImportOperation(method: $0.method, path: $0.path, outcome: .success(try $0.outcome.get()))
            }, document: document)
    }

    @Test func anOperationThatFailsChangesNothing() async throws {
        let done = Seen()
        let outcome = try await plane.importAPIs(call, try request(), progress: { done.add($0) }).value
        #expect(outcome.successes.map(\.method) == ["GET"])
        #expect(outcome.failures.map(\.reason) == [.invalid(field: "acl_value")])
        #expect(done.all == [0, 1, 2])
        #expect(try fixture.texts("SELECT name AS c FROM apis") == ["list"])
        // What is only described is not made, nor what only an operation names that failed.
        #expect(try fixture.texts("SELECT name AS c FROM acls") == ["office"])
    }

    @Test func anythingElseLeavesNothingBehind() async throws {
        let revision = try fixture.revision
        await #expect(throws: Stop.self) {
            _ = try await plane.importAPIs(call, try request(), finish: { _, _ in throw Stop() })
        }
        #expect(try fixture.texts("SELECT name AS c FROM apis").isEmpty)
        #expect(try fixture.texts("SELECT name AS c FROM acls").isEmpty)
        #expect(try fixture.texts("SELECT name AS c FROM api_groups").isEmpty)
        #expect(try fixture.revision == revision)
    }

    @Test func plansAreCarriedOutByThePublication() async throws {
        let outcome = try await plane.importAPIs(call, try request()).value
        let api = try #require(outcome.successes.first).apiID
        #expect(try fixture.texts("SELECT kind AS c FROM planned_bindings") == ["acl"])
        _ = try await plane.publishAPI(call, apiID: api, environmentID: Environment.releaseID, remark: "")
        #expect(try fixture.texts("SELECT kind AS c FROM planned_bindings").isEmpty)
        #expect(try fixture.texts("SELECT a.name AS c FROM acl_bindings b JOIN acls a ON a.id = b.acl_id") == ["office"])
        let exported = try await plane.exportAPIs(
            call, ExportRequest(groupID: outcome.groupID, source: .environment(id: Environment.releaseID)))
        #expect(exported.apis.map(\.policies.accessControls) == [["office"]])
        #expect(exported.accessControls["office"]?.value == "10.0.0.1")
    }

    @Test func tasksEndWithTheirTransaction() async throws {
        let tasks = DocumentTasks(plane)
        let request = try request()
        let call = call
        let id = try await tasks.start(call, .importAPIs, total: 2) { [plane] report in
            do {
                _ = try await plane.importAPIs(call, request, progress: report.progress) { writing, _ in
                    try report.succeed("{}", in: writing)
                }
                return nil
            } catch {
                return (.failed, "\(error)")
            }
        }.value
        while try await tasks.task(call, id: id).status != .succeeded { await Task.yield() }
        #expect(try await tasks.task(call, id: id).task.result == "{}")
        // Another process knows the row alone: what has not ended there is lost.
        _ = try await fixture.plane.write(call) { w in try w.sql.execute("UPDATE document_tasks SET status = 'waiting'") }
        let lost = try await DocumentTasks(plane).task(call, id: id)
        #expect(lost.status == .failed && lost.isLost)
        #expect(await refusal { try await tasks.task(fixture.call(instance: fixture.otherInstanceID), id: id) }
            == .notFound(.asynchronousTask, id: id))
    }
}

/// Numbers in the order in which they came.
private final class Seen: Sendable {
    private let numbers = Mutex<[Int]>([])
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
    var all: [Int] { numbers.withLock { $0 } }
}
