import GatewayPrimitives
import Testing

@Suite struct MatchExpressionTests {
    private let names = ["host": 0, "path": 1, "latency": 2]

    private func evaluate(_ text: String, _ values: [String]) throws -> MatchOutcome {
        let expression = try MatchExpression(parsing: text) { names[$0] }
        let bytes = values.map { Array($0.utf8) }
        let scratch = bytes.map { value in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: value.count, alignment: 1)
            copy.copyBytes(from: value)
            return copy
        }
        defer { scratch.forEach { $0.deallocate() } }
        return expression.evaluate { UnsafeRawBufferPointer(scratch[$0]) }
    }

    @Test(arguments: [
        (#"["host","==","www.abc.com"]"#, MatchOutcome.match), (#"["host","==","www.abc.co"]"#, .noMatch),
        (#"["host","~=","x"]"#, .match), (#"["host","!=","www.abc.com"]"#, .noMatch),
        (#"["path","~~","^/a.*z$"]"#, .match), (#"["path","~~","b"]"#, .noMatch), (#"["path","~~","a|b"]"#, .match),
        (#"["host","in","a, www.abc.com ,b"]"#, .match), (#"["host","in","a,b"]"#, .noMatch),
        (#"["latency",">",6000]"#, .match), (#"["latency",">","6001"]"#, .noMatch), (#"["latency",">",6000.9]"#, .match),
        (#"["host",">",1]"#, .noMatch), (#"["latency","==",6001]"#, .match),
        (#"["AND",["host","==","www.abc.com"],["latency",">",1]]"#, .match),
        (#"["AND",["host","==","x"],["latency",">",1]]"#, .noMatch),
        (#"["OR",["host","==","x"],["AND",["latency",">",1],["path","~~","z"]]]"#, .match),
        (#"["OR",["AND",["host","==","x"],["host","==","y"]],["host","==","www.abc.com"]]"#, .match),
        (#"["AND",["OR",["host","==","www.abc.com"],["host","==","y"]],["host","==","z"]]"#, .noMatch),
        (#"["OR",["host","==","x"]]"#, .noMatch),
    ])
    func evaluates(text: String, expected: MatchOutcome) throws {
        #expect(try evaluate(text, ["www.abc.com", "/a/b/z".replacingB(), "6001"]) == expected)
    }

    @Test func absentIsEmpty() throws {
        #expect(try evaluate(#"["host","==",""]"#, ["", "", ""]) == .match)
        #expect(try evaluate(#"["host","~~","^$"]"#, ["", "", ""]) == .match)
        #expect(try evaluate(#"["latency",">",0]"#, ["", "", ""]) == .noMatch)
    }

    @Test(arguments: [
        "", "x", "{}", "[]", "[1]", #"["host"]"#, #"["host","=="]"#, #"["host","==","a","b"]"#, #"["host","==",null]"#, #"["host","==",["a"]]"#,
        #"["host","=","a"]"#, #"["nobody","==","a"]"#, #"["AND"]"#, #"["and",["host","==","a"]]"#, #"["AND",["host","==","a"],"x"]"#,
        #"["host","~~","("]"#, #"["host","~~","a{99999}"]"#, #"["latency",">","fast"]"#, #"["latency",">","1e3"]"#, #"["NOT",["host","==","a"]]"#,
        #"["host","==","a"] "x""#, #"["host","==","\ud800"]"#,
    ])
    func refuses(text: String) {
        #expect(throws: MatchExpressionError.self) { try MatchExpression(parsing: text) { names[$0] } }
    }

    @Test func limitsDepthLeavesPatternsAndLength() {
        func parse(_ text: String) throws { _ = try MatchExpression(parsing: text) { names[$0] } }
        let leaf = #"["host","==","a"]"#
        func nested(_ depth: Int) -> String { depth == 0 ? leaf : #"["AND","# + nested(depth - 1) + "]" }
        #expect(throws: Never.self) { try parse(nested(7)) }
        #expect(throws: MatchExpressionError.self) { try parse(nested(8)) }
        #expect(throws: MatchExpressionError.self) { try parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: Never.self) { try parse(#"["OR","# + Array(repeating: leaf, count: 200).joined(separator: ",") + "]") }
        #expect(throws: MatchExpressionError.tooManyLeaves) { try parse(#"["OR","# + Array(repeating: leaf, count: 201).joined(separator: ",") + "]") }
        let pattern = #"["host","~~","a"]"#
        #expect(throws: MatchExpressionError.tooManyPatterns) { try parse(#"["OR","# + Array(repeating: pattern, count: 21).joined(separator: ",") + "]") }
        #expect(throws: MatchExpressionError.self) { try parse(#"["host","==",""# + String(repeating: "a", count: 16 * 1024) + #""]"#) }
        #expect(throws: MatchExpressionError.tooManyListEntries) { try parse(#"["host","in",""# + String(repeating: "a,", count: 500) + #""]"#) }
    }

    @Test func aParameterMayBeCalledAND() throws {
        let expression = try MatchExpression(parsing: #"["AND","==","x"]"#) { $0 == "AND" ? 0 : nil }
        #expect(Array("x".utf8).withUnsafeBytes { bytes in expression.evaluate { _ in bytes } } == .match)
    }

    @Test func aBombIsUndeterminedAndQuick() throws {
        let subject = String(repeating: "a", count: 3_000) + "!"
        for pattern in ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*x"] {
            #expect(try evaluate(#"["host","~~",""# + pattern + #""]"#, [subject, "", ""]) != .match)
        }
        #expect(try evaluate(#"["host","~~","(a+)+$"]"#, [subject, "", ""]) == .undetermined)
        // Kleene: what is known decides.
        #expect(try evaluate(#"["OR",["host","~~","(a+)+$"],["path","==",""]]"#, [subject, "", ""]) == .match)
        #expect(try evaluate(#"["AND",["host","~~","(a+)+$"],["path","==","x"]]"#, [subject, "", ""]) == .noMatch)
        #expect(try evaluate(#"["AND",["host","~~","(a+)+$"],["path","==",""]]"#, [subject, "", ""]) == .undetermined)
    }

    @Test func garbageNeverCrashes() {
        var generator = SeededGenerator(seed: 4)
        let pieces = ["[", "]", "\"AND\"", "\"OR\"", "\"host\"", "\"==\"", "\"~~\"", ",", "\"a\"", "1", "null", "{", "}", ":", "\\", "\"", "\u{0}", "é"]
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0...30, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
            _ = try? MatchExpression(parsing: text) { names[$0] }
        }
    }
}

extension String {
    /// `/a/b/z` without its `b`, so that a pattern for `b` has nothing to find.
    fileprivate func replacingB() -> String { String(filter { $0 != "b" }) }
}

@Suite struct PatternMatcherTests {
    @Test func bytesThatAreNotTextMatchNothingButDoNotFail() throws {
        let matcher = try PatternMatcher("^a.*z$")
        #expect([UInt8]([0x61, 0xFF, 0x7A]).withUnsafeBytes { matcher.match($0) } == .noMatch)
        #expect(try PatternMatcher("é").match("café") == .match)
        #expect(try PatternMatcher("^.$").match("你") == .match)
    }

    @Test func limitsPatternAndSubject() throws {
        #expect(throws: PatternError.self) { try PatternMatcher(String(repeating: "a", count: 4097)) }
        #expect(throws: PatternError.self) { try PatternMatcher(String(repeating: "(", count: 60) + String(repeating: ")", count: 60)) }
        #expect(throws: PatternError.self) { try PatternMatcher("((((a{1000}){1000}){1000}){1000})") }
        #expect(throws: PatternError.self) { try PatternMatcher("\\C") }
        #expect(try PatternMatcher("a").match(String(repeating: "a", count: 32 * 1024 + 1)) == .undetermined)
        #expect(try PatternMatcher("").match("") == .match)
        let error = #expect(throws: PatternError.self) { try PatternMatcher("ab(") }
        #expect(error?.offset == 3)
        #expect(error?.message.isEmpty == false)
    }

    @Test(arguments: ["(?R)(?R)", "(a(?1)?b|(?R)a)+$", "(?:(?R)|a)*b", "(?=(a+))*+(?1)*$", "(a*)*\\1*$"])
    func recursionStaysInBounds(pattern: String) throws {
        guard let matcher = try? PatternMatcher(pattern) else { return }
        _ = matcher.match(String(repeating: "a", count: 30_000) + "!")
    }

    @Test func matchesFromSeveralTasksAtOnce() async throws {
        let matcher = try PatternMatcher("^([a-z]+)-([0-9]+)$")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<500).allSatisfy { matcher.match("abc-\($0)") == .match && matcher.match("abc-\($0)x") == .noMatch } }
            }
            for await allRight in group { #expect(allRight) }
        }
    }
}

@Suite struct BoundedJSONTests {
    private func parse(_ text: String, depth: Int = 4, values: Int = 50) throws -> JSONValue {
        try JSONValue(parsing: text, limits: .init(length: 1000, depth: depth, values: values))
    }

    @Test func readsValues() throws {
        #expect(try parse(#" {"a": [1, -2.5e3, true, null], "b": "x\n\u00e9\ud83d\ude00\/"} "#)
            == .object([
                JSONMember(name: "a", value: .array([.number(.init(text: "1")), .number(.init(text: "-2.5e3")), .bool(true), .null])),
                JSONMember(name: "b", value: .string("x\né😀/")),
            ]))
        #expect(try parse("{}")["a"] == nil)
        #expect(try parse(#"{"a":null}"#)["a"] == nil)
        #expect(JSONNumber(text: "10").integer == 10)
        #expect(JSONNumber(text: "1.0").integer == nil)
        #expect(JSONNumber(text: "99999999999999999999").integer == nil)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,]", "[,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "NaN", "1 2", "[] x", "{\"a\":1,\"a\":2}",
        "\u{FEFF}1",
    ])
    func refuses(text: String) {
        #expect(throws: JSONReadError.self) { try parse(text) }
    }

    @Test func keepsItsLimits() {
        #expect(throws: Never.self) { try parse("[[[[]]]]") }
        #expect(throws: JSONReadError.self) { try parse("[[[[[]]]]]") }
        #expect(throws: JSONReadError.self) { try parse("[" + String(repeating: "1,", count: 60) + "1]") }
        #expect(throws: JSONReadError.self) { try parse("\"" + String(repeating: "a", count: 1000) + "\"") }
        #expect(throws: JSONReadError.self) { try JSONValue(parsing: String(repeating: "[", count: 200_000), limits: .pluginContent) }
        #expect(throws: JSONReadError.self) { try parse(String(repeating: "1", count: 65)) }
    }
}
