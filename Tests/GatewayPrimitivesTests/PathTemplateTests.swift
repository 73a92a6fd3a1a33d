import GatewayPrimitives
import Testing

@Suite struct PathTemplateTests {
    @Test func readsSegments() throws {
        let template = try PathTemplate(parsing: "/v1/items/{id}/x/{rest+}", allowsRest: true)
        #expect(template.segments == [.literal(Array("v1".utf8)), .literal(Array("items".utf8)), .parameter, .literal(Array("x".utf8)), .rest])
        #expect(template.parameterNames == ["id", "rest"])
        #expect(template.text == "/v1/items/{id}/x/{rest+}")
        #expect(try PathTemplate(parsing: "/", allowsRest: true).segments == [.literal([])])
        #expect(try PathTemplate(parsing: "/test/", allowsRest: true).segments == [.literal(Array("test".utf8)), .literal([])])
        #expect(try PathTemplate(parsing: "/test", allowsRest: true) != PathTemplate(parsing: "/test/", allowsRest: true))
        #expect(try PathTemplate(parsing: "/{a}", allowsRest: true) == PathTemplate(parsing: "/{b}", allowsRest: true))
    }

    @Test(arguments: [
        ("", .empty), ("test", .notAbsolute), ("/a b", .illegalCharacter(offset: 2)), ("/a?b", .illegalCharacter(offset: 2)),
        ("/a\u{0}", .illegalCharacter(offset: 2)), ("/a#b", .illegalCharacter(offset: 2)), ("/a\\b", .illegalCharacter(offset: 2)),
        ("/abc{x}", .parameterIsNotWholeSegment(segment: "abc{x}")), ("/a{x}b", .parameterIsNotWholeSegment(segment: "a{x}b")),
        ("/{x", .parameterIsNotWholeSegment(segment: "{x")), ("/x}", .parameterIsNotWholeSegment(segment: "x}")),
        ("/{x}{y}", .parameterIsNotWholeSegment(segment: "{x}{y}")), ("/{", .parameterIsNotWholeSegment(segment: "{")),
        ("/{}", .invalidParameterName("")), ("/{+}", .invalidParameterName("")), ("/{1x}", .invalidParameterName("1x")),
        ("/{x+y}", .invalidParameterName("x+y")), ("/{x}/{X}", .repeatedParameterName("X")), ("/{x+}/a", .restIsNotLast),
        ("/a/..", .dotSegment), ("/./a", .dotSegment), ("/" + String(repeating: "a", count: 512), .tooLong),
        ("/{" + String(repeating: "x", count: 33) + "}", .invalidParameterName(String(repeating: "x", count: 33))),
    ] as [(String, PathTemplateError)])
    func refuses(text: String, error: PathTemplateError) {
        #expect(throws: error) { try PathTemplate(parsing: text, allowsRest: true) }
    }

    @Test func restNeedsNormalMode() {
        #expect(throws: PathTemplateError.restInPrefixMode) { try PathTemplate(parsing: "/{x+}", allowsRest: false) }
    }

    @Test func countsCharactersNotBytes() throws {
        #expect(throws: Never.self) { try PathTemplate(parsing: "/" + String(repeating: "你", count: 511), allowsRest: false) }
    }
}
