import GatewayModel

extension AppQuota: Record {
    public static let table = "app_quotas"
    public static let columns = [
        "id", "instance_id", "name", "call_limits", "time_unit", "time_interval", "reset_time", "remark", "created_at",
    ]

    public var values: [SQLValue] {
        [
            .text(id), .text(instanceID), .text(name), SQLValue(callLimits), .text(unit.rawValue), SQLValue(interval),
            .text(resetTime?.text ?? ""), .text(remark), .integer(createdAt.nanoseconds),
        ]
    }

    public init(row: SQLRow) throws {
        let unit = try row.text("time_unit")
        guard let unit = Unit(rawValue: unit) else { throw StoreError.malformed("time_unit \(unit)") }
        let reset = try row.text("reset_time")
        let resetTime = ResetTime(reset)
        guard reset.isEmpty == (resetTime == nil) else { throw StoreError.malformed("reset_time \(reset)") }
        self.init(
            id: try row.text("id"), instanceID: try row.text("instance_id"), name: try row.text("name"),
            callLimits: try row.int("call_limits"), unit: unit, interval: try row.int("time_interval"), resetTime: resetTime,
            remark: try row.text("remark"), createdAt: Timestamp(nanoseconds: try row.integer("created_at")))
    }
}

extension AppQuotaBinding: Record {
    public static let table = "app_quota_bindings"
    public static let columns = ["app_id", "quota_id", "bound_at"]

    public var values: [SQLValue] { [.text(applicationID), .text(quotaID), .integer(boundAt.nanoseconds)] }

    public init(row: SQLRow) throws {
        self.init(
            applicationID: try row.text("app_id"), quotaID: try row.text("quota_id"),
            boundAt: Timestamp(nanoseconds: try row.integer("bound_at")))
    }
}
