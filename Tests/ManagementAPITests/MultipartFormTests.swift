import NIOCore
import Testing

@testable import ManagementAPI

@Suite("Multipart bodies")
struct MultipartFormTests {
    private func form(_ text: String, type: String = "multipart/form-data; boundary=b1") throws -> MultipartForm {
        try MultipartForm(RawBody(bytes: ByteBuffer(string: text), contentType: type))
    }

    private func part(_ head: String, _ value: String) -> String { "--b1\r\n\(head)\r\n\r\n\(value)\r\n" }

    @Test("texts and files, values byte for byte")
    func reads() throws {
        let text = part("Content-Disposition: form-data; name=\"mode\"", "merge")
            + part("content-disposition:form-data; filename=\"a \\\"b\\\".zip\"; name=file\r\nContent-Type: application/zip", "\r\n--b\r\n")
            + part("Content-Disposition: form-data; name=\"mode\"", "later") + "--b1--\r\nepilogue"
        for prefix in ["", "preamble\r\n"] {
            let form = try form(prefix + text)
            #expect(form.parts.map(\.name) == ["mode", "file", "mode"])
            #expect(try form.text("mode") == "merge" && form.text("other") == nil)
            #expect(form["file"]?.fileName == "a \"b\".zip")
            #expect(form["file"]?.value == ByteBuffer(string: "\r\n--b\r\n"))
        }
    }

    @Test("an empty value, with and without the line break of its own")
    func emptyValues() throws {
        let head = "Content-Disposition: form-data; name=a"
        #expect(try form(part(head, "") + "--b1--").text("a") == "")
        #expect(try form("--b1\r\n\(head)\r\n\r\n--b1--").text("a") == "")
    }

    @Test("boundaries in quotes, and none", arguments: [
        ("multipart/form-data; charset=utf-8; boundary=\"b1\"", true), ("Multipart/Form-Data;boundary=b1", true),
        ("multipart/form-data", false), ("multipart/mixed; boundary=b1", false), ("application/json", false), ("", false),
        ("multipart/form-data; boundary=", false), ("multipart/form-data; boundary=" + String(repeating: "b", count: 71), false),
    ])
    func boundaries(type: String, isRead: Bool) {
        let text = part("Content-Disposition: form-data; name=a", "x") + "--b1--"
        #expect(((try? form(text, type: type)) != nil) == isRead)
    }

    @Test("what is not whole is refused", arguments: [
        "", "--b1", "--b1\r\n", "--b2--", "--b1\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
        "--b1\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b1", "--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b1--",
        "--b1\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b1--",
        "--b1\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b1--",
        "--b1\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--b1--", "--b1 x\r\n\r\n\r\n--b1--",
    ])
    func malformed(text: String) {
        #expect(throws: ManagementFailure.unreadableBody(reason: "malformed multipart body")) { try form(text) }
    }

    @Test("limits of parts and heads")
    func limits() throws {
        let one = part("Content-Disposition: form-data; name=a", "x")
        let most = String(repeating: one, count: MultipartForm.partLimit)
        #expect(try form(most + "--b1--").parts.count == MultipartForm.partLimit)
        #expect(throws: ManagementFailure.self) { try form(most + one + "--b1--") }
        let long = String(repeating: "h", count: MultipartForm.headLimit)
        #expect(throws: ManagementFailure.self) {
            try form(part("X: \(long)\r\nContent-Disposition: form-data; name=a", "x") + "--b1--")
        }
    }
}
