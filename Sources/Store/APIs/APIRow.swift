import Foundation
import GatewayModel

/// Table `apis`: the definition as JSON, and the columns that lists and indexes need, which repeat parts of it.
public struct APIRow: Record {
    public static let table = "apis"
    public static let columns = [
        "id", "instance_id", "group_id", "name", "req_method", "req_uri", "path_key", "match_mode", "auth_type",
        "req_protocol", "type", "roma_app_id", "definition", "created_at", "updated_at",
    ]
    public let api: API
    private let json: String

    public init(_ api: API) throws(StoreError) {
        self.api = api
        json = try DefinitionJSON.text(api.definition)
    }

    public var values: [SQLValue] {
        let definition = api.definition
        return [
            .text(api.id), .text(api.instanceID), .text(definition.groupID), .text(definition.name),
            .text(definition.reqMethod.rawValue), .text(definition.reqURI), .text(definition.claim.pathKey),
            .text(definition.matchMode.rawValue), .text(definition.authType.rawValue),
            .text(definition.reqProtocol.rawValue), SQLValue(definition.type), .text(definition.romaAppID), .text(json),
            .integer(api.createdAt.nanoseconds), .integer(api.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        json = try row.text("definition")
        api = API(
            id: try row.text("id"), instanceID: try row.text("instance_id"), definition: try DefinitionJSON.definition(json),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
    }
}

/// The stored form of definitions: JSON with sorted keys, so that equal definitions have equal texts.
enum DefinitionJSON {
    static func text(_ definition: APIDefinition) throws(StoreError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(definition), as: UTF8.self)
        } catch {
            throw .failed(detail: "a definition has no JSON form")
        }
    }

    static func definition(_ text: String) throws(StoreError) -> APIDefinition {
        do {
            return try JSONDecoder().decode(APIDefinition.self, from: Data(text.utf8))
        } catch {
            throw .malformed("the definition of an API")
        }
    }
}
