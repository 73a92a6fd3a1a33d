import NIOCore
import Testing
import WireContract

@testable import ManagementAPI

@Suite("Reading of queries")
struct QueryTests {
    private func read(_ query: String, _ operation: ContractOperation = .listSignatureKeysV2) throws -> QueryValues {
        try QueryValues.read(query, for: operation)
    }

    @Test("paging has defaults and limits", arguments: [
        ("", 0, 20), ("offset=-5&limit=1", 0, 1), ("limit=500", 0, 500), ("offset=99999999999999999999", Int.max, 20),
        ("offset=-99999999999999999999", 0, 20), ("offset=&limit=", 0, 20), ("limit=7&limit=8", 0, 7),
    ])
    func paging(query: String, offset: Int, limit: Int) throws {
        let values = try read(query)
        #expect(values.integer("offset") == offset)
        #expect(values.integer("limit") == limit)
    }

    @Test("paging out of range or no number", arguments: [
        ("limit=0", "limit"), ("limit=501", "limit"), ("limit=-1", "limit"), ("limit=abc", "limit"), ("limit=1.5", "limit"),
        ("limit=+5", "limit"), ("limit=%2B5", "limit"), ("limit=0x10", "limit"), ("offset=a", "offset"), ("offset=--1", "offset"),
        ("limit=111111111111111111111111111111111111", "limit"), ("offset=1%00", "offset"), ("limit=%zz", "limit"), ("limit=%f", "limit"),
        ("limit=%ff", "limit"),
    ])
    func badPaging(query: String, name: String) {
        let error = #expect(throws: (any Error).self) { try read(query) }
        let refusal = error.map { ErrorMapping.refusal($0, operation: .listSignatureKeysV2, alias: .apic, instanceID: "") }
        #expect(refusal == Refusal(.apig2012, name))
    }

    @Test("mandatory filters, empty ones are absent")
    func mandatory() throws {
        #expect(throws: Refusal(.apig2001, "api_id")) { try read("", .listSignatureKeysBindedToApiV2) }
        #expect(throws: Refusal(.apig2001, "api_id")) { try read("api_id=", .listSignatureKeysBindedToApiV2) }
        #expect(try read("api_id=a+b%2B%e5%af%86", .listSignatureKeysBindedToApiV2).text("api_id") == "a b+密")
        #expect(try read("name=x&unknown=%00&id=").text("id") == nil)
    }

    @Test("actions of batch operations and their texts")
    func actions() throws {
        #expect(try read("action=delete", .batchDeleteAclV2).text("action") == "delete")
        for query in ["", "action=", "action=Delete", "action=remove"] {
            #expect(throws: Refusal(.apig2011, text: #"Invalid parameter value: parameter action should be \"delete\""#)) {
                try read(query, .batchDeleteApiAclBindingV2)
            }
        }
        #expect(throws: Refusal(.apig2011, text: #"Invalid parameter value: parameter action should be \"online\" or \"offline\""#)) {
            try read("action=delete", .batchPublishOrOfflineApiV2)
        }
    }

    @Test("precise search, flags, hostile queries")
    func others() throws {
        #expect(try read("precise_search=id,name").isPrecise("name"))
        #expect(try !read("precise_search=names").isPrecise("name"))
        #expect(throws: (any Error).self) { try read(String(repeating: "a=b&", count: QueryValues.pairLimit + 1)) }
        #expect(throws: Refusal(.apig2012, "name")) { try read("name=" + String(repeating: "a", count: 1025)) }
        #expect(throws: Refusal(.roma00013000, "favorite")) { try read("favorite=1", .listRomaApp) }
    }
}

@Suite("Reading of bodies")
struct JSONBodyTests {
    private func decode(_ text: String) throws -> Wire.BaseSignature {
        try JSONBody.decode(Wire.BaseSignature.self, from: ByteBuffer(string: text))
    }

    @Test("what is not JSON", arguments: [
        ("", JSONBody.endOfInput), ("{", JSONBody.endOfInput), (#"{"name":"a"#, JSONBody.endOfInput), ("}", "unbalanced brackets"),
        (#"{"name":}"#, "invalid JSON"), ("[]", "the body is not a JSON object"), ("1", "the body is not a JSON object"),
        (#"{"name":1}"#, "wrong type of field name"), (#"{"name":{"a":"b"}}"#, "wrong type of field name"),
    ])
    func defects(text: String, reason: String) {
        #expect(throws: ManagementFailure.unreadableBody(reason: reason)) { try decode(text) }
    }

    @Test("depth, numbers, values and bytes have limits")
    func limits() throws {
        let deep = { (count: Int) in #"{"x":"# + String(repeating: "[", count: count) + String(repeating: "]", count: count) + "}" }
        #expect(try decode(deep(JSONBody.depthLimit - 1)) == Wire.BaseSignature())
        #expect(throws: ManagementFailure.unreadableBody(reason: "exceeded max depth")) { try decode(deep(JSONBody.depthLimit)) }
        #expect(throws: ManagementFailure.self) { try decode(#"{"x":"# + String(repeating: "9", count: 65) + "}") }
        #expect(throws: ManagementFailure.unreadableBody(reason: "too many values")) {
            try decode("[" + String(repeating: "1,", count: JSONBody.valueLimit) + "1]")
        }
        #expect(throws: ManagementFailure.unreadableBody(reason: "the text is not UTF-8")) {
            try JSONBody.decode(Wire.BaseSignature.self, from: ByteBuffer(bytes: [0x7B, 0xFF, 0x7D]))
        }
        // UTF-16 is JSON to some decoders.
        #expect(throws: ManagementFailure.self) {
            try JSONBody.decode(Wire.BaseSignature.self, from: ByteBuffer(bytes: [0xFF, 0xFE, 0x7B, 0, 0x7D, 0]))
        }
        // Brackets and quotes inside texts are text.
        #expect(try decode(#"{"name":"[[\"]\\"}"#).name == #"[["]\"#)
    }

    @Test("empty bodies", arguments: [("", true), (" \n", true), ("null", true), ("{}", false), ("0", false)])
    func empty(text: String, isEmpty: Bool) { #expect(JSONBody.isEmpty(ByteBuffer(string: text)) == isEmpty) }

    @Test("charsets", arguments: [
        ("application/json", true), ("application/json;charset=utf-8", true), ("application/json; charset=UTF-8", true),
        (#"application/json; charset="utf-8""#, true), ("", true), ("application/json;charset=gbk", false),
        ("application/json; a=b; charset=utf-16", false), ("application/json;charset=", true),
    ])
    func charsets(type: String, good: Bool) { #expect(((try? RequestHeaders.checkCharset(type)) != nil) == good) }
}
