import Foundation
import GatewayModel

/// Table `livedata_apis`; parameters and scripts are JSON.
public struct LivedataAPIRow: Record {
    public static let table = "livedata_apis"
    public static let columns = [
        "id", "instance_id", "roma_app_id", "name", "path", "method", "description", "version", "content_type", "sign_id",
        "return_format", "parameters", "api_type", "status", "scripts", "created_at", "updated_at",
    ]
    public let api: LivedataAPI
    public let values: [SQLValue]

    public init(_ api: LivedataAPI) throws(StoreError) {
        self.api = api
        values = [
            .text(api.id), .text(api.instanceID), .text(api.romaAppID), .text(api.name), .text(api.path),
            .text(api.method.rawValue), .text(api.description), .text(api.version), .text(api.contentType.rawValue),
            SQLValue(api.signatureKeyID), SQLValue(api.returnFormat), .text(try LivedataJSON.text(api.parameters)),
            .text(api.kind?.rawValue ?? ""), SQLValue(api.status.rawValue), .text(try LivedataJSON.text(api.scripts)),
            .integer(api.createdAt.nanoseconds), .integer(api.updatedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        api = LivedataAPI(
            id: try row.text("id"), instanceID: try row.text("instance_id"), romaAppID: try row.text("roma_app_id"),
            name: try row.text("name"), path: try row.text("path"), method: try Self.word(row, "method"),
            description: try row.text("description"), version: try row.text("version"),
            contentType: try Self.word(row, "content_type"), signatureKeyID: try row.optionalText("sign_id"),
            returnFormat: try row.flag("return_format"), parameters: try LivedataJSON.value(try row.text("parameters")),
            kind: LivedataAPI.Kind(rawValue: try row.text("api_type")), status: try Self.status(row),
            scripts: try LivedataJSON.value(try row.text("scripts")),
            createdAt: Timestamp(nanoseconds: try row.integer("created_at")),
            updatedAt: Timestamp(nanoseconds: try row.integer("updated_at")))
        values = []
    }

    private static func word<Word: RawRepresentable<String>>(_ row: SQLRow, _ column: String) throws(StoreError) -> Word {
        guard let word = Word(rawValue: try row.text(column)) else { throw .malformed("\(column) of a live-data API") }
        return word
    }

    private static func status(_ row: SQLRow) throws(StoreError) -> LivedataAPI.Status {
        guard let status = LivedataAPI.Status(rawValue: try row.int("status")) else {
            throw .malformed("status of a live-data API")
        }
        return status
    }
}

/// Table `livedata_deployments`; the definition as it was is JSON.
public struct LivedataDeploymentRow: Record {
    public static let table = "livedata_deployments"
    public static let columns = ["id", "livedata_api_id", "group_id", "env_id", "front_api_id", "definition", "deployed_at"]
    public let deployment: LivedataDeployment
    public let values: [SQLValue]

    public init(_ deployment: LivedataDeployment) throws(StoreError) {
        self.deployment = deployment
        values = [
            .text(deployment.id), .text(deployment.apiID), .text(deployment.groupID), .text(deployment.environmentID),
            // No version makes front APIs yet.
            .text(""), .text(try LivedataJSON.text(deployment.definition)), .integer(deployment.deployedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        deployment = LivedataDeployment(
            id: try row.text("id"), apiID: try row.text("livedata_api_id"), groupID: try row.text("group_id"),
            environmentID: try row.text("env_id"), definition: try LivedataJSON.value(try row.text("definition")),
            deployedAt: Timestamp(nanoseconds: try row.integer("deployed_at")))
        values = []
    }
}

extension LivedataTest: Record {
    public static let table = "livedata_tests"
    public static let columns = [
        "id", "livedata_api_id", "test_id", "status_code", "method", "request", "response", "operator", "used_time", "tested_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(apiID), SQLValue(number), .text(statusCode), .text(method), .text(request), .text(response),
            .text(testOperator), SQLValue(usedMilliseconds), .integer(testedAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        self.init(
            id: try row.text("id"), apiID: try row.text("livedata_api_id"), number: try row.int("test_id"),
            statusCode: try row.text("status_code"), method: try row.text("method"), request: try row.text("request"),
            response: try row.text("response"), testOperator: try row.text("operator"),
            usedMilliseconds: try row.int("used_time"), testedAt: Timestamp(nanoseconds: try row.integer("tested_at")))
    }
}

private enum LivedataJSON {
    static func text(_ value: some Encodable) throws(StoreError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .failed(detail: "a live-data definition has no JSON form")
        }
    }

    static func value<Value: Decodable>(_ text: String) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw .malformed("a live-data definition")
        }
    }
}
