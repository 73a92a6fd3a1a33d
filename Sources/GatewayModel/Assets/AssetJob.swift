/// One export, import or deletion of applications with everything that belongs to them (management-api.md, 3.26).
public struct AssetJob: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case exportAsset, importAsset, deleteAsset
    }
    public enum Status: String, Codable, Sendable, CaseIterable {
        case running = "RUNNING"
        case succeeded = "SUCCEEDED"
        case failed = "FAILED"
    }

    public let id: String
    public let instanceID: String
    /// Who started it; one job at a time.
    public let userID: String
    public let kind: Kind
    public var status: Status
    /// Of ``steps``, at least 1.
    public var stepsDone: Int
    public let steps: Int
    /// Why it failed, one for each application at fault.
    public var reasons: [AssetJobReason]
    /// Of an export that succeeded; nil otherwise.
    public var archiveID: String?
    public let beganAt: Timestamp
    public var endedAt: Timestamp?

    public init(
        id: String, instanceID: String, userID: String, kind: Kind, status: Status = .running, stepsDone: Int = 0, steps: Int,
        reasons: [AssetJobReason] = [], archiveID: String? = nil, beganAt: Timestamp, endedAt: Timestamp? = nil
    ) {
        self.id = id
        self.instanceID = instanceID
        self.userID = userID
        self.kind = kind
        self.status = status
        self.stepsDone = stepsDone
        self.steps = steps
        self.reasons = reasons
        self.archiveID = archiveID
        self.beganAt = beganAt
        self.endedAt = endedAt
    }
}

/// Why one application could not be exported, imported or deleted.
public struct AssetJobReason: Codable, Sendable, Equatable {
    /// Characters of each text (contract schema AssetJobReason).
    public static let textLimit = 64

    /// Name of the application.
    public let name: String
    public let code: String
    public let message: String

    /// Longer texts are cut.
    public init(name: String, code: String, message: String) {
        func cut(_ text: String) -> String { text.isEmpty ? "-" : String(text.unicodeScalars.prefix(Self.textLimit)) }
        self.name = cut(name)
        self.code = cut(code)
        self.message = cut(message)
    }
}

/// Something that an archive names and does not hold: it is looked for by its name where the archive is imported.
public struct AssetReference: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case authorizer, group, orchestration, signatureKey, vpcChannel
    }

    public let kind: Kind
    public let name: String

    public init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }
}
