/// A live-data API ("custom backend"): an HTTP API whose answers a script makes (management-api.md, 3.24).
///
/// Definitions, scripts and deployment records are kept; this version runs none of them.
public struct LivedataAPI: Codable, Sendable, Equatable {
    public enum Method: String, Codable, Sendable, CaseIterable { case get = "GET", put = "PUT", post = "POST", delete = "DELETE" }
    public enum ContentType: String, Codable, Sendable, CaseIterable { case json, xml, stream }
    /// What its scripts are. The contract also knows `data`: scripts over data sources, of which there are none here.
    public enum Kind: String, Codable, Sendable, CaseIterable { case function }
    public enum Status: Int, Codable, Sendable, CaseIterable {
        /// No script yet.
        case designed = 1
        case developed = 3
        case deployed = 4
    }

    public let id: String
    public let instanceID: String
    /// Owner; names and requests are unique in it.
    public var romaAppID: String
    public var name: String
    public var path: String
    public var method: Method
    public var description: String
    public var version: String
    public var contentType: ContentType
    /// Signature key with which callers of the backend sign; nil: none.
    public var signatureKeyID: String?
    public var returnFormat: Bool
    public var parameters: [LivedataParameter]
    /// nil until there are scripts.
    public var kind: Kind?
    public var status: Status
    public var scripts: [LivedataScript]
    public let createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, instanceID: String, romaAppID: String, name: String, path: String, method: Method, description: String = "",
        version: String, contentType: ContentType, signatureKeyID: String? = nil, returnFormat: Bool = false,
        parameters: [LivedataParameter] = [], kind: Kind? = nil, status: Status = .designed, scripts: [LivedataScript] = [],
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.instanceID = instanceID
        self.romaAppID = romaAppID
        self.name = name
        self.path = path
        self.method = method
        self.description = description
        self.version = version
        self.contentType = contentType
        self.signatureKeyID = signatureKeyID
        self.returnFormat = returnFormat
        self.parameters = parameters
        self.kind = kind
        self.status = status
        self.scripts = scripts
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A declared parameter; in a test, the value that it is given.
public struct LivedataParameter: Codable, Sendable, Equatable {
    public enum Location: String, Codable, Sendable, CaseIterable { case headers = "Headers", parameters = "Parameters", body = "Body" }

    public var name: String
    public var location: Location
    public var defaultValue: String?
    public var description: String?
    public var required: Bool

    public init(
        name: String, location: Location, defaultValue: String? = nil, description: String? = nil, required: Bool = false
    ) {
        self.name = name
        self.location = location
        self.defaultValue = defaultValue
        self.description = description
        self.required = required
    }
}

/// A script of a function; its content is base64.
public struct LivedataScript: Codable, Sendable, Equatable {
    /// Name of the object that holds its result.
    public var objectName: String
    public var content: String
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(objectName: String, content: String, createdAt: Timestamp, updatedAt: Timestamp) {
        self.objectName = objectName
        self.content = content
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// That an API was deployed, with the definition as it was.
public struct LivedataDeployment: Encodable, Sendable, Equatable {
    public let id: String
    public let apiID: String
    /// Group and environment that the caller named for a front API; empty: none.
    public let groupID: String
    public let environmentID: String
    public let definition: LivedataAPI
    public let deployedAt: Timestamp

    public init(
        id: String, apiID: String, groupID: String, environmentID: String, definition: LivedataAPI, deployedAt: Timestamp
    ) {
        self.id = id
        self.apiID = apiID
        self.groupID = groupID
        self.environmentID = environmentID
        self.definition = definition
        self.deployedAt = deployedAt
    }
}

/// What a test came to.
public struct LivedataTest: Encodable, Sendable, Equatable {
    public let id: String
    public let apiID: String
    /// Counts from 1 in each API.
    public let number: Int
    public let statusCode: String
    public let method: String
    /// The request that the test describes, as HTTP text.
    public let request: String
    public let response: String
    /// Project of the caller.
    public let testOperator: String
    public let usedMilliseconds: Int
    public let testedAt: Timestamp

    public init(
        id: String, apiID: String, number: Int, statusCode: String, method: String, request: String, response: String,
        testOperator: String, usedMilliseconds: Int, testedAt: Timestamp
    ) {
        self.id = id
        self.apiID = apiID
        self.number = number
        self.statusCode = statusCode
        self.method = method
        self.request = request
        self.response = response
        self.testOperator = testOperator
        self.usedMilliseconds = usedMilliseconds
        self.testedAt = testedAt
    }
}
