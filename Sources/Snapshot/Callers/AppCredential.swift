import GatewayPrimitives
import RequestSigning

/// An integration application as the gateway knows it: who it is and how it proves it (gateway-runtime.md, section 2).
public final class AppCredential: Sendable {
    public let instanceID: String
    public let appID: String
    public let name: String
    public let key: [UInt8]
    /// The present one first, then those that were replaced and have not ended.
    public let secrets: [AppSecret]
    /// Values of `X-Apig-AppCode`.
    public let codes: [AppWord]
    /// Account and project of its owner: who counts as its user (gateway-runtime.md, O22).
    public let accountID: String
    public let projectID: String
    /// From where it may call; nil: from everywhere.
    public let addresses: AppAddresses?
    /// How often it may call over all APIs; nil: as often as it likes.
    public let quota: AppQuotaPolicy?

    public init(
        instanceID: String, appID: String, name: String, key: [UInt8], secrets: [AppSecret], codes: [AppWord], accountID: String,
        projectID: String, addresses: AppAddresses?, quota: AppQuotaPolicy?
    ) {
        self.instanceID = instanceID
        self.appID = appID
        self.name = name
        self.key = key
        self.secrets = secrets
        self.codes = codes
        self.accountID = accountID
        self.projectID = projectID
        self.addresses = addresses
        self.quota = quota
    }

    /// Whether one of the application's secrets satisfies `matches`; its use is counted.
    ///
    /// - Parameters:
    ///   - wall: milliseconds since 1970.
    ///   - uses: nil: it is not counted.
    public func proof(at wall: Int64, from address: IPAddress, uses: UseLedger?, _ matches: (AppSecret) -> Bool) -> Bool {
        for secret in secrets where secret.isAlive(at: wall) && matches(secret) {
            uses?.note(secret.meter, at: wall, by: .address(address))
            return true
        }
        return false
    }

    /// Whether `code` is one of the application's that have not ended; its use is counted.
    ///
    /// - Parameter wall: milliseconds since 1970.
    public func holds(code: ByteView, at wall: Int64, from address: IPAddress, uses: UseLedger?) -> Bool {
        for word in codes where code.equals(word.bytes) && word.isAlive(at: wall) {
            uses?.note(word.meter, at: wall, by: .address(address))
            return true
        }
        return false
    }

    /// A secret that has not ended.
    ///
    /// - Parameter wall: milliseconds since 1970.
    public func secret(id: String, at wall: Int64) -> AppSecret? { secrets.first { $0.id == id && $0.isAlive(at: wall) } }
}

/// The access list of an application (gateway-runtime.md, 2.9).
public struct AppAddresses: Sendable {
    /// Only listed addresses may call; otherwise listed ones may not.
    public let permitsListed: Bool
    public let addresses: IPSet

    public init(permitsListed: Bool, addresses: IPSet) {
        self.permitsListed = permitsListed
        self.addresses = addresses
    }

    public func allows(_ address: IPAddress) -> Bool { addresses.contains(address) == permitsListed }
}

/// A client quota of an application (gateway-runtime.md, 2.9).
public struct AppQuotaPolicy: Sendable {
    public let limit: Int
    /// Milliseconds.
    public let window: Int64
    /// Milliseconds since 1970 at which a window begins; nil: with the first call.
    public let anchor: Int64?
    public let state: AppQuotaState

    public init(limit: Int, window: Int64, anchor: Int64?, state: AppQuotaState) {
        self.limit = limit
        self.window = window
        self.anchor = anchor
        self.state = state
    }
}

/// An identity of the embedded identity service: who calls an API with IAM authentication.
public struct IAMIdentity: Sendable, Equatable {
    public let userID, userName: String
    public let accountID, accountName: String
    /// The project of the token; nil when there is none.
    public let projectID: String?

    public init(userID: String, userName: String, accountID: String, accountName: String, projectID: String?) {
        self.userID = userID
        self.userName = userName
        self.accountID = accountID
        self.accountName = accountName
        self.projectID = projectID
    }
}

/// Who has been recognised.
public enum CallerIdentity: Sendable {
    case app(AppCredential)
    /// Indirect: the other case is passed from stage to stage as one reference then.
    indirect case iam(IAMIdentity)

    /// Whom limits for users count, and the other id under which a special may name it (gateway-runtime.md, O22).
    public var user: (key: String, alias: String) {
        switch self {
        case .app(let app): (app.accountID, app.projectID)
        case .iam(let identity): (identity.projectID ?? identity.accountID, identity.accountID)
        }
    }

    /// For explanations: who it is, without anything that proves it.
    public var description: String {
        switch self {
        case .app(let app): "the application \(app.name) (\(app.appID))"
        case .iam(let identity): "the user \(identity.userName) of the account \(identity.accountName)"
        }
    }

    public var app: AppCredential? {
        if case .app(let app) = self { app } else { nil }
    }
}
