/// An application with everything that decides about its calls: what the compiler reads.
public struct CallingApplication: Sendable {
    public let application: Application
    public var present: PresentSecret
    /// Replaced secrets that have not ended.
    public var retired: [RetiredSecret] = []
    public var codes: [AppCode]
    public var accessList: AppAccessList?
    public var quota: AppQuota?
    /// Account and project of its instance; empty where there is none.
    public var accountID: String
    public var projectID: String

    public init(
        application: Application, codes: [AppCode] = [], accessList: AppAccessList? = nil, quota: AppQuota? = nil,
        accountID: String = "", projectID: String = ""
    ) {
        self.application = application
        present = PresentSecret(ofTheBeginning: application)
        self.codes = codes
        self.accessList = accessList
        self.quota = quota
        self.accountID = accountID
        self.projectID = projectID
    }
}
