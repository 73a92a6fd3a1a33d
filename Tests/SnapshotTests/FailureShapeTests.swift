import Snapshot
import Testing

/// Answers of groups to failures (gateway-runtime.md, 9).
@Suite("failure shapes")
struct FailureShapeTests {
    private static func shape(_ text: String) -> FailureShape {
        FailureShape(status: nil, headers: [], body: FailureTemplate(parsing: text))
    }

    private static func body(_ shape: FailureShape?) -> FailureTemplate? { shape?.body }

    @Test("an entry of its own before the one for its class")
    func choice() {
        let shapes = FailureShapes([.throttled: Self.shape("t"), .default4xx: Self.shape("4"), .default5xx: Self.shape("5")])
        #expect(Self.body(shapes.shape(for: .throttled, status: 429)) == FailureTemplate(parsing: "t"))
        #expect(Self.body(shapes.shape(for: .notFound, status: 404)) == FailureTemplate(parsing: "4"))
        #expect(Self.body(shapes.shape(for: .default4xx, status: 400)) == FailureTemplate(parsing: "4"))
        #expect(Self.body(shapes.shape(for: .backendTimeout, status: 504)) == FailureTemplate(parsing: "5"))
        let one = FailureShapes([.throttled: Self.shape("t")])
        #expect(one.shape(for: .notFound, status: 404) == nil && one.shape(for: .default5xx, status: 500) == nil)
    }

    struct Template: Sendable {
        let text: String
        let pieces: [FailureTemplate.Piece]

        init(_ text: String, _ pieces: FailureTemplate.Piece...) {
            self.text = text
            self.pieces = pieces
        }
    }

    private static func literal(_ text: String) -> FailureTemplate.Piece { .literal(Array(text.utf8)) }

    @Test(
        "variables in texts",
        arguments: [
            Template(""), Template("plain $ and $context", literal("plain $ and $context")),
            Template("$context.error.code", .system(.errorCode)),
            Template(
                #"{"a":"$context.error.message/$context.reqPath"}"#, literal(#"{"a":""#), .system(.errorMessage), literal("/"),
                .system(.reqPath), literal(#""}"#)),
            Template("$context.requestId.", .system(.requestId), literal(".")),
            Template("$context.requestIdx"), Template("$context.error"), Template("$context.error.nothing"),
            Template("a$context.authorizer.frontend.role-b ", literal("a"), .authorizer(.frontend, name: Array("role-b".utf8)), literal(" ")),
            Template("$context.authorizer.backend.n_1.", .authorizer(.backend, name: Array("n_1".utf8)), literal(".")),
            Template("a$context.authorizer.sideways.role", literal("a")), Template("a$context.authorizer.frontend", literal("a")),
            Template("$$context.stage", literal("$"), .system(.stage)),
            Template("$context.stage$context.apiId", .system(.stage), .system(.apiId)),
        ])
    func variables(_ template: Template) {
        #expect(FailureTemplate(parsing: template.text).pieces == template.pieces)
    }
}
