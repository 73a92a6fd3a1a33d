import GatewayModel

/// A live-data API as a document describes it (management-api.md, 3.22: livedata documents).
public struct LivedataDescription: Sendable, Equatable {
    public struct Script: Sendable, Equatable {
        /// Name of the object that holds its result.
        public var objectName: String
        /// Base64.
        public var content: String

        public init(objectName: String, content: String) {
            self.objectName = objectName
            self.content = content
        }
    }

    public var name: String
    public var method: LivedataAPI.Method
    public var path: String
    public var description: String
    public var version: String
    public var contentType: LivedataAPI.ContentType
    public var returnFormat: Bool
    public var parameters: [LivedataParameter]
    public var scripts: [Script]
    public var romaAppID: String
    /// `sign_key` of the signature key with which callers sign; nil: none. Its secret is in no document.
    public var signatureKey: String?

    public init(
        name: String, method: LivedataAPI.Method, path: String, description: String, version: String,
        contentType: LivedataAPI.ContentType, returnFormat: Bool, parameters: [LivedataParameter], scripts: [Script],
        romaAppID: String, signatureKey: String?
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.description = description
        self.version = version
        self.contentType = contentType
        self.returnFormat = returnFormat
        self.parameters = parameters
        self.scripts = scripts
        self.romaAppID = romaAppID
        self.signatureKey = signatureKey
    }
}

/// One operation of a document; a fault of one does not stop the others.
public struct LivedataOperation: Sendable, Equatable {
    public let method: String
    public let path: String
    public let outcome: Result<LivedataDescription, InvalidField>

    public init(method: String, path: String, outcome: Result<LivedataDescription, InvalidField>) {
        self.method = method
        self.path = path
        self.outcome = outcome
    }
}

/// Names of the extensions. What the vendor has no name for, so that an export would lose it, has one of this gateway's own.
enum LivedataExtension {
    static let authType = "x-livedata-auth-type"
    static let signature = "x-livedata-signature"
    static let version = "x-livedata-version"
    static let status = "x-livedata-status"
    static let romaApp = "x-livedata-roma-app"
    static let scripts = "x-livedata-scripts"
    static let returnFormat = "x-gatehouse-return-format"
}

extension LivedataAPI.ContentType {
    /// Of `produces`.
    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .xml: "application/xml"
        case .stream: "application/octet-stream"
        }
    }
}

extension LivedataAPI.Status {
    /// Word of `x-livedata-status`.
    var word: String {
        switch self {
        case .designed: "DESIGNED"
        case .developed: "DEVELOPED"
        case .deployed: "DEPLOYED"
        }
    }
}

extension LivedataParameter.Location {
    /// Word of `in`.
    var documentWord: String {
        switch self {
        case .headers: "header"
        case .parameters: "query"
        case .body: "formData"
        }
    }
}
