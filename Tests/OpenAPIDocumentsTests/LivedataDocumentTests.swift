import GatewayModel
import OpenAPIDocuments
import Testing

@Suite struct LivedataDocumentTests {
    private let api = LivedataAPI(
        id: "1", instanceID: "i", romaAppID: "app", name: "order: list", path: "/orders/list", method: .post,
        description: "all of them", version: "1.2.3", contentType: .xml, signatureKeyID: "k", returnFormat: true,
        parameters: [
            LivedataParameter(name: "X-Kind", location: .headers, defaultValue: "", description: "kind", required: true),
            LivedataParameter(name: "page", location: .parameters, defaultValue: "1"),
            LivedataParameter(name: "application/json", location: .body),
        ], kind: .function, status: .developed,
        scripts: [LivedataScript(objectName: "out", content: "cmV0dXJuIDE=", createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))],
        createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))

    private func read(_ text: String) throws -> [LivedataOperation] { try LivedataDocument.read(Array(text.utf8)) }

    @Test(arguments: DocumentFormat.allCases) func writtenAndReadAgainIsTheSame(format: DocumentFormat) throws {
        let bytes = format.text(LivedataDocument.write(title: "t", version: "1", [(api, "the_key")]))
        let operation = try #require(try LivedataDocument.read(bytes).first)
        let read = try operation.outcome.get()
        #expect(operation.method == "POST" && operation.path == "/orders/list")
        #expect(read.name == api.name && read.description == api.description && read.version == api.version)
        #expect(read.contentType == api.contentType && read.returnFormat == api.returnFormat)
        #expect(read.parameters == api.parameters)
        #expect(read.scripts == [LivedataDescription.Script(objectName: "out", content: "cmV0dXJuIDE=")])
        #expect(read.romaAppID == "app" && read.signatureKey == "the_key")
    }

    @Test func oneFaultDoesNotStopTheOthers() throws {
        let operations = try read(
            #"{"swagger":"2.0","paths":{"/a":{"get":{"operationId":"one"},"post":{"operationId":"two","x-livedata-roma-app":"app"},"patch":{"operationId":"three","x-livedata-roma-app":"app"}}}}"#)
        #expect(operations.map(\.method) == ["GET", "POST", "PATCH"])
        #expect(operations[0].outcome == .failure(InvalidField(field: "x-livedata-roma-app", reason: "absent")))
        #expect((try? operations[1].outcome.get())?.contentType == .json)
        #expect((try? operations[2].outcome.get()) == nil)
    }

    @Test(arguments: [
        (#"{"openapi":"3.0.0","paths":{}}"#, DocumentFault.wrongVersion), ("", .empty),
        (#"{"swagger":"2.0"}"#, .syntax(reason: "paths is absent")),
        (#"{"swagger":"2.0","paths":{"a":{}}}"#, .syntax(reason: "a path that does not begin with a slash")),
    ]) func wholeFilesAreRefused(text: String, fault: DocumentFault) {
        #expect(throws: fault) { try read(text) }
    }

    @Test(arguments: [
        #""x-livedata-scripts":[{"type":"SQL","content":"eA==","result":"a"}]"#, #""x-livedata-auth-type":"OTHER""#,
        #""x-livedata-auth-type":"SIGNATURE""#, #""produces":["text/html"]"#, #""parameters":[{"name":"a","in":"path"}]"#,
    ]) func whatCannotBeKeptFails(member: String) throws {
        let operation = try #require(
            try read(#"{"swagger":"2.0","paths":{"/a":{"get":{"operationId":"one","x-livedata-roma-app":"app",\#(member)}}}}"#).first)
        #expect((try? operation.outcome.get()) == nil)
    }
}
