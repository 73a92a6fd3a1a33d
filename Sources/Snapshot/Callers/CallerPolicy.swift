/// Who may call an API: its authentication, and what is asked of a caller who has been recognised (gateway-runtime.md, 2 and 6).
public final class CallerPolicy: Sendable {
    public enum Kind: Sendable {
        /// `auth_type` APP.
        case app(AppAccess)
        /// `auth_type` IAM.
        case iam
    }

    public let kind: Kind
    /// Access lists of accounts that are to be asked, in order; each must allow.
    public let accounts: [AccountRule]

    public init(kind: Kind, accounts: [AccountRule] = []) {
        self.kind = kind
        self.accounts = accounts
    }
}

/// Which applications may call an API in an environment.
public final class AppAccess: Sendable {
    /// `auth_opt.app_code_auth_type` is HEADER.
    public let takesCodes: Bool
    /// Ids -> value of `X-Apig-Visit-Params`, empty for none (gateway-runtime.md, O12).
    private let apps: [String: [UInt8]]
    /// The same while they are so few that looking through them is cheaper than hashing.
    private let few: [(id: String, visit: [UInt8])]
    private static let fewBound = 8

    public init(takesCodes: Bool, apps: [String: String]) {
        self.takesCodes = takesCodes
        self.apps = apps.mapValues { Array($0.utf8) }
        few = apps.count <= Self.fewBound ? apps.map { ($0.key, Array($0.value.utf8)) } : []
    }

    public func allows(_ app: AppCredential) -> Bool { entry(of: app) != nil }
    public func visitParameters(of app: AppCredential) -> [UInt8] { entry(of: app) ?? [] }

    private func entry(of app: AppCredential) -> [UInt8]? {
        guard !few.isEmpty else { return apps[app.appID] }
        for index in few.indices where few[index].id == app.appID { return few[index].visit }
        return nil
    }
    public var appCount: Int { apps.count }
    public var appIDs: some Collection<String> { apps.keys }
}

/// An access control policy of entity type DOMAIN or DOMAIN_ID.
public struct AccountRule: Sendable, Equatable {
    public let permitsListed: Bool
    /// Names or ids of accounts.
    public let accounts: Set<String>
    public let comparesNames: Bool

    public init(permitsListed: Bool, accounts: Set<String>, comparesNames: Bool) {
        self.permitsListed = permitsListed
        self.accounts = accounts
        self.comparesNames = comparesNames
    }

    public func allows(_ identity: IAMIdentity) -> Bool {
        accounts.contains(comparesNames ? identity.accountName : identity.accountID) == permitsListed
    }

    /// Which of the rules of an API are asked: of a permitting and a forbidding one the permitting alone (gateway-runtime.md, 6.2).
    public static func combined(_ rules: [AccountRule]) -> [AccountRule] {
        let permitting = rules.filter(\.permitsListed)
        return permitting.isEmpty || permitting.count == rules.count ? rules : permitting
    }
}

/// By which means applications of an instance may say who they are; instance features (gateway-runtime.md, section 2).
public struct AppCarriers: Sendable {
    /// Header of signatures and Basic, lower case; `custom_auth_header.app_auth_header`.
    public var authHeader: [UInt8] = Array("authorization".utf8)
    public var basic = false
    public var secret = false
    public var apiKey = false
    /// Header of the hash, lower case; nil while `app_jwt` is off.
    public var hashHeader: [UInt8]?
    /// nil while `app_token` is off.
    public var tokens: AppTokenPolicy?

    public init() {}
}
