/// An application with everything that decides about its calls: what the compiler reads.
public struct CallingApplication: Sendable {
    public let application: Application
    public var present: PresentSecret
    /// Replaced secrets that have not ended.
    public var retired: [RetiredSecret] = []
    public var codes: [AppCode]
    /// Which of each code's secrets is the present one, by id of the code; those without were never replaced.
    public var presentCodes: [String: PresentSecret] = [:]
    /// Replaced values of codes that have not ended.
    public var retiredCodes: [RetiredSecret] = []
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
        present = PresentSecret(ofTheBeginning: application.id, createdAt: application.createdAt)
        self.codes = codes
        self.accessList = accessList
        self.quota = quota
        self.accountID = accountID
        self.projectID = projectID
    }
}
