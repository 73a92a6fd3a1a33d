/// An import or export that runs by itself (operations async-import and async-export of APIG clients).
public struct DocumentTask: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable { case importAPIs = "import_api", exportAPIs = "export_api" }
    public enum Status: String, Codable, Sendable { case waiting, processing, succeeded = "succeed", failed }

    public let id: String
    public let instanceID: String
    public let kind: Kind
    public var status: Status
    /// JSON text, as the task's query answers it; empty until the task has ended.
    public var result: String
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, kind: Kind, status: Status, result: String, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.kind = kind
        self.status = status
        self.result = result
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
