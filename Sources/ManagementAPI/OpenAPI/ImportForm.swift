import ControlPlane
import GatewayModel
import GatewayPrimitives
import NIOCore
import OpenAPIDocuments
import WireContract

/// The fields of an import (management-api.md, 3.22): a form of several parts, or, as some clients send it, one JSON object
/// with the file's text in place of the file.
struct ImportForm {
    let createsGroup: Bool
    let groupID: String?
    let applicationID: String
    let overridesAPIs: Bool
    let overridesPolicies: Bool
    let reading: ReadingOptions
    let file: [UInt8]

    init(_ body: RawBody) throws {
        let fields = body.contentType.lowercased().hasPrefix("application/json") ? try Fields(json: body) : try Fields(form: body)
        groupID = try fields.text("group_id")
        let creates = try fields.flag("is_create_group")
        // Whoever names a group means it: without a word on creating, the import goes there.
        createsGroup = creates ?? (groupID == nil)
        if creates == true, groupID != nil { throw OperationError.invalid(field: "group_id") }
        let ids = try ["roma_app_id", "app_id"].compactMap { try fields.text($0) }
        guard Set(ids).count <= 1 else { throw OperationError.invalid(field: "app_id") }
        applicationID = ids.first ?? ""
        overridesAPIs = try fields.mode("api_mode")
        overridesPolicies = try fields.mode("extend_mode")
        reading = ReadingOptions(
            simpleMode: try fields.flag("simple_mode") ?? false, mockMode: try fields.flag("mock_mode") ?? false)
        guard let file = fields.file else { throw OperationError.missing(field: "file_name") }
        self.file = file
    }
}

/// Named texts and the file, wherever they stand.
private struct Fields {
    /// Characters of a field that is no file.
    private static let limit = 255

    private let texts: [String: String]
    let file: [UInt8]?

    init(form body: RawBody) throws {
        let form = try MultipartForm(body)
        var texts: [String: String] = [:]
        for name in ["is_create_group", "group_id", "roma_app_id", "app_id", "api_mode", "extend_mode", "simple_mode", "mock_mode"] {
            texts[name] = try form.text(name)
        }
        self.texts = texts
        file = form["file_name"].map { Array($0.value.readableBytesView) }
    }

    init(json body: RawBody) throws {
        try RequestHeaders.checkCharset(body.contentType)
        guard let text = String(validating: body.bytes.readableBytesView, as: UTF8.self) else {
            throw ManagementFailure.unreadableBody(reason: "the body is not UTF-8")
        }
        guard !text.isEmpty else { throw ManagementFailure.unreadableBody(reason: JSONBody.endOfInput) }
        let limits = GatewayPrimitives.JSONValue.Limits(length: RequestHeaders.bodyLimit, depth: 2, values: 64)
        guard let value = try? GatewayPrimitives.JSONValue(parsing: text, limits: limits), case .object(let members) = value else {
            throw ManagementFailure.unreadableBody(reason: "the body is no object of texts")
        }
        var texts: [String: String] = [:]
        var file: [UInt8]?
        for member in members {
            switch member.value {
            case .string(let text) where member.name == "file_name": file = Array(text.utf8)
            case .string(let text): texts[member.name] = text
            case .bool(let flag): texts[member.name] = flag ? "true" : "false"
            case .null: break
            default: throw ManagementFailure.unreadableBody(reason: "\(member.name) is no text")
            }
        }
        self.texts = texts
        self.file = file
    }

    /// nil when absent or empty.
    func text(_ name: String) throws -> String? {
        guard let text = texts[name], !text.isEmpty else { return nil }
        guard text.unicodeScalars.count <= Self.limit else { throw OperationError.invalid(field: name) }
        return text
    }

    func flag(_ name: String) throws -> Bool? {
        switch try text(name)?.lowercased() {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw OperationError.invalid(field: name)
        }
    }

    /// Whether what is there already gives way.
    func mode(_ name: String) throws -> Bool {
        switch try text(name) {
        case nil, "merge": return false
        case "override": return true
        default: throw OperationError.invalid(field: name)
        }
    }
}
