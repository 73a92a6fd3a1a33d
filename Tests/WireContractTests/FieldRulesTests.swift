import Foundation
import Testing

@testable import WireContract

private func decode<T: Decodable>(_ type: T.Type, _ json: String) throws -> T {
    try JSONDecoder().decode(T.self, from: Data(json.utf8))
}

private func first(_ json: String) throws -> FieldViolation? {
    try decode(Wire.BaseSignature.self, json).violations().first
}

@Suite("Field rules of request bodies")
struct FieldRulesTests {
    @Test("names of signature keys", arguments: [
        (#"{}"#, FieldViolation.Rule.missing), (#"{"name":null}"#, .missing),
        (#"{"name":""}"#, .tooShort), (#"{"name":"ab"}"#, .tooShort),
        (#"{"name":"1abc"}"#, .pattern), (#"{"name":"a-bc"}"#, .pattern), (#"{"name":"abc\n"}"#, .pattern),
        (#"{"name":"abc\u0000"}"#, .pattern), (#"{"name":"ａｂｃ"}"#, .pattern), (#"{"name":"e\u0301ab"}"#, .pattern),
    ])
    func badNames(json: String, rule: FieldViolation.Rule) throws {
        #expect(try first(json) == FieldViolation(name: "name", path: "name", rule: rule))
    }

    @Test("good names", arguments: ["abc", "a_1", "签名密钥", "Z" + String(repeating: "9", count: 63)])
    func goodNames(name: String) { #expect(Wire.BaseSignature(name: name).violations().isEmpty) }

    @Test("lengths count Unicode scalars, not bytes or clusters")
    func lengths() {
        let chinese = String(repeating: "密", count: 64)
        #expect(Wire.BaseSignature(name: chinese).violations().isEmpty)
        #expect(Wire.BaseSignature(name: chinese + "密").violations().first?.rule == .tooLong)
        #expect(Wire.ApiGroupCreate(name: "group", remark: String(repeating: "e\u{301}", count: 501)).violations().first?.rule == .tooLong)
    }

    @Test("enumerations are exact, but for the health protocol")
    func enumerations() {
        #expect(Wire.BaseSignature(name: "abc", signType: "HMAC").violations().first?.rule == .notInEnum)
        let health = Wire.VpcHealthConfig(protocol: "http", thresholdNormal: 1, thresholdAbnormal: 1, timeInterval: 5)
        #expect(health.violations().isEmpty)
        #expect(Wire.AppQuotaCreate(name: "abc", callLimits: 1, timeUnit: "HOURE", timeInterval: 1).violations().isEmpty)
    }

    @Test("numbers: ranges, 32 bit, quota lengths that mean values")
    func numbers() {
        let quota = Wire.AppQuotaCreate(name: "abc", callLimits: 0, timeUnit: "DAY", timeInterval: 2_147_483_648)
        #expect(quota.violations().map(\.rule) == [.tooSmall, .tooLarge])
        #expect(Wire.ReqParamBase(name: "a", type: "STRING", location: "PATH", minNum: Int.max).violations().first?.rule == .tooLarge)
        #expect(Wire.ReqParamBase(name: "a", type: "STRING", location: "PATH", required: 3).violations().first?.rule == .notInEnum)
    }

    @Test("nested fields: path from the body, innermost name; missing ones come first")
    func nested() throws {
        let api = try decode(Wire.ApiCreate.self, """
            {"name":"ab","type":1,"req_protocol":"HTTP","req_method":"GET","req_uri":"/","auth_type":"NONE",
             "backend_type":"HTTP","group_id":"g","tags":["ok","-no"],"req_params":[{"name":"p","type":"STRING"}]}
            """)
        #expect(api.violations() == [
            FieldViolation(name: "location", path: "req_params.location", rule: .missing),
            FieldViolation(name: "name", path: "name", rule: .tooShort),
            FieldViolation(name: "tags", path: "tags", rule: .pattern),
        ])
    }

    @Test("partial updates: absent fields are fine, absent fields of members are not")
    func partial() {
        #expect(Wire.BaseSignature().violations(requiring: false).isEmpty)
        let api = Wire.ApiCreate(reqParams: [Wire.ReqParamBase(name: "p", type: "STRING")])
        #expect(api.violations(requiring: false).map(\.path) == ["req_params.location"])
    }

    @Test("a hostile body has a short list of violations")
    func bounded() {
        let api = Wire.ApiCreate(tags: Array(repeating: "-", count: 9_000))
        #expect(api.violations().count == FieldChecks.limit)
        #expect(Wire.PluginOperApiInfo(envId: "e", apiIds: Array(repeating: "a", count: 501)).violations().first?.rule == .tooMany)
        #expect(Wire.PluginOperApiInfo(envId: "e", apiIds: []).violations().first?.rule == .tooFew)
        #expect(Wire.AclBindingBatchDelete(aclBindings: Array(repeating: "a", count: 10_001)).violations().first?.rule == .tooMany)
    }
}

@Suite("Patterns of the contract")
struct FieldPatternTests {
    @Test("anchors, alternatives and repetitions", arguments: [
        ("a.example.com", true), ("*.example.com", true), ("a.example.com.", true), ("-a.example.com", false),
        ("example", false), ("*", false), ("a..com", false), ("a.example.c", false), ("a.b.c.d.e.f.g.com", true),
        ("a.b.c.d.e.f.g.h.com", false), (String(repeating: "a", count: 63) + ".com", true),
        (String(repeating: "a", count: 64) + ".com", false), ("", false),
    ])
    func domains(text: String, matches: Bool) {
        #expect(Wire.UrlDomainCreate(urlDomain: text).violations().isEmpty == matches)
    }

    @Test("a pattern without a first anchor is searched")
    func searched() {
        #expect(ContractPatterns.p19.matches("?ab"))
        #expect(!ContractPatterns.p19.matches("ab?"))
    }

    @Test("repetitions inside repetitions do not blow up")
    func noBlowUp() {
        // (((a*)*)*)* with an end that never comes: exponential for a backtracking matcher.
        let a = FieldPattern.Node.set([97...97])
        let pattern = FieldPattern(.sequence([
            .start, .times(0, nil, .times(0, nil, .times(0, nil, .times(0, nil, a)))), .set([98...98]), .end,
        ]))
        #expect(!pattern.matches(String(repeating: "a", count: 200)))
        #expect(pattern.matches(String(repeating: "a", count: 200) + "b"))
    }

    @Test("texts over the limit are refused unread")
    func longest() {
        let any = FieldPattern(.times(0, nil, .set([0...0x10FFFF])))
        #expect(any.matches(String(repeating: "密", count: FieldPattern.longestInput)))
        #expect(!any.matches(String(repeating: "a", count: FieldPattern.longestInput + 1)))
        #expect(!ContractPatterns.p07.matches("a" + String(repeating: "a", count: 1_000_000)))
    }
}
