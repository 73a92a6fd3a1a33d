import GatewayModel
import GatewayPrimitives
import Testing

@testable import OpenAPIDocuments

@Suite struct RoundTripTests {
    private func api() -> DocumentAPI {
        var definition = APIDefinition(
            name: "getPet", groupID: "", type: 2, reqProtocol: .both, reqMethod: .get, reqURI: "/v1/pets/{id}", matchMode: .normal,
            authType: .app, appCodeAllowed: true, cors: true, backendType: .http)
        definition.remark = "one: pet # of \"many\""
        definition.tags = ["pets"]
        definition.bodyRemark = #"{"type":"object"}"#
        definition.requestParameters = [
            RequestParameter(id: "", name: "id", type: "NUMBER", location: .path, required: true, enumerations: "1,2.50", minNumber: 1)
        ]
        definition.backendParameters = [BackendParameter(id: "", origin: .request, name: "pet", location: .path, value: "id")]
        definition.http = HTTPBackendDefinition(
            id: "", reqProtocol: "HTTP", reqMethod: .get, reqURI: "/p/{pet}", address: "127.0.0.1:80", timeoutMilliseconds: 900)
        return DocumentAPI(definition: definition, policies: PolicyNames(accessControls: ["office"], plugins: ["cors_1"]))
    }

    @Test(arguments: DocumentVersion.allCases, DocumentFormat.allCases)
    func whatIsWrittenIsRead(version: DocumentVersion, format: DocumentFormat) throws {
        let content = DocumentContent(
            title: "pets", description: "all of them", version: "2026-01-01 00:00:00", host: "pets.example", apis: [api()],
            accessControls: ["office": AccessControlDescription(action: "PERMIT", entity: "IP", value: "10.0.0.0/8")])
        let bytes = format.text(DocumentWriter.write(content, version: version, scope: .all))
        let read = try DocumentReader.read(bytes)
        #expect(read.title == "pets" && read.description == "all of them")
        #expect(read.accessControls == content.accessControls)
        #expect(try read.operations.map { try $0.outcome.get() } == [api()])
    }

    @Test func hostileTextsAreRefused() {
        func fault(_ text: String) -> DocumentFault? {
            do {
                _ = try DocumentReader.read(Array(text.utf8))
                return nil
            } catch { return error }
        }
        #expect(fault(" \n") == .empty)
        #expect(fault(String(repeating: " ", count: DocumentText.byteLimit + 1)) == .tooLong)
        #expect(fault("swagger: '1.2'\ninfo: {}\npaths: {}") == .wrongVersion)
        #expect(fault("a: &a [x, x]\nb: *a\n") == .unreadable(reason: "anchors and aliases are not taken"))
        #expect(fault(String(repeating: "[", count: 900) + String(repeating: "]", count: 900)) == .unreadable(reason: "more than 64 levels"))
    }
}
