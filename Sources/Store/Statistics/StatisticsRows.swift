/// What one API counted in one stretch of time; times in microseconds.
public struct StatisticsRow: Sendable, Equatable {
    public var instanceID, apiID, groupID: String
    /// Seconds that the row stands for, and the second since 1970 at which they begin.
    public var span, began: Int64
    public var requests, successes, clientErrors, serverErrors: Int64
    public var latencySum, latencyMax, innerSum, innerMax, backendRequests, backendSum, backendMax: Int64
    public var bytesIn, bytesOut: Int64
    /// Seconds since 1970 of the last addition.
    public var recordedAt: Int64

    public init(
        instanceID: String, apiID: String, groupID: String, span: Int64, began: Int64, requests: Int64, successes: Int64,
        clientErrors: Int64, serverErrors: Int64, latencySum: Int64, latencyMax: Int64, innerSum: Int64, innerMax: Int64,
        backendRequests: Int64, backendSum: Int64, backendMax: Int64, bytesIn: Int64, bytesOut: Int64, recordedAt: Int64
    ) {
        self.instanceID = instanceID
        self.apiID = apiID
        self.groupID = groupID
        self.span = span
        self.began = began
        self.requests = requests
        self.successes = successes
        self.clientErrors = clientErrors
        self.serverErrors = serverErrors
        self.latencySum = latencySum
        self.latencyMax = latencyMax
        self.innerSum = innerSum
        self.innerMax = innerMax
        self.backendRequests = backendRequests
        self.backendSum = backendSum
        self.backendMax = backendMax
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.recordedAt = recordedAt
    }
}

/// Which sums are asked for.
public struct StatisticsQuery: Sendable {
    public var instanceID: String
    /// Seconds of the rows to read, and of the elements to make of them.
    public var span, step: Int64
    /// Where elements begin, in seconds east of UTC.
    public var offset: Int64
    /// Seconds since 1970; the end is not included.
    public var start, end: Int64
    public var apiID: String?
    public var romaAppID: String?
    /// What was counted while the API was in this group.
    public var groupID: String?
    /// One element an API and step, or one a step.
    public var isPerAPI: Bool
    /// Most elements.
    public var limit: Int

    public init(
        instanceID: String, span: Int64, step: Int64, offset: Int64, start: Int64, end: Int64, apiID: String?,
        romaAppID: String?, isPerAPI: Bool, limit: Int
    ) {
        self.instanceID = instanceID
        self.span = span
        self.step = step
        self.offset = offset
        self.start = start
        self.end = end
        self.apiID = apiID
        self.romaAppID = romaAppID
        self.isPerAPI = isPerAPI
        self.limit = limit
    }
}

private let sums = [
    "requests", "successes", "client_errors", "server_errors", "latency_sum", "inner_sum", "backend_requests", "backend_sum",
    "bytes_in", "bytes_out",
]
private let maxima = ["latency_max", "inner_max", "backend_max", "recorded_at"]

extension SQLConnection {
    /// Adds to what the same API has in the same stretch.
    public func add(_ row: StatisticsRow) throws(StoreError) {
        let columns = ["instance_id", "span", "began", "api_id", "group_id"] + sums + maxima
        let changes =
            ["group_id = excluded.group_id"] + sums.map { "\($0) = api_statistics.\($0) + excluded.\($0)" }
            + maxima.map { "\($0) = CASE WHEN excluded.\($0) > api_statistics.\($0) THEN excluded.\($0) ELSE api_statistics.\($0) END" }
        let values: [Int64] = [
            row.requests, row.successes, row.clientErrors, row.serverErrors, row.latencySum, row.innerSum, row.backendRequests,
            row.backendSum, row.bytesIn, row.bytesOut, row.latencyMax, row.innerMax, row.backendMax, row.recordedAt,
        ]
        try execute(
            """
            INSERT INTO api_statistics (\(columns.joined(separator: ", "))) \
            VALUES (\(columns.map { _ in "?" }.joined(separator: ", "))) \
            ON CONFLICT (instance_id, span, began, api_id) DO UPDATE SET \(changes.joined(separator: ", "))
            """,
            [.text(row.instanceID), .integer(row.span), .integer(row.began), .text(row.apiID), .text(row.groupID)]
                + values.map(SQLValue.integer))
    }

    /// Elements in the order of time, those of one moment by API. Where nothing was counted there is no element.
    public func statistics(_ query: StatisticsQuery) throws(StoreError) -> [StatisticsRow] {
        // Numbers of the program's own making, not of the request.
        let bucket = "((s.began + \(query.offset)) / \(query.step)) * \(query.step) - \(query.offset)"
        var condition = Condition()
        condition.equal("s.instance_id", query.instanceID)
        condition.and("s.span = ?", .integer(query.span))
        condition.and("s.began >= ?", .integer(query.start))
        condition.and("s.began < ?", .integer(query.end))
        condition.equal("s.api_id", query.apiID)
        condition.equal("a.roma_app_id", query.romaAppID)
        condition.equal("s.group_id", query.groupID)
        let join = query.romaAppID == nil ? "" : " JOIN apis a ON a.id = s.api_id"
        let aggregates = sums.map { "SUM(s.\($0)) AS \($0)" } + maxima.map { "MAX(s.\($0)) AS \($0)" }
        let api = query.isPerAPI ? "s.api_id AS api_id, MAX(s.group_id) AS group_id, " : ""
        let rows = try self.query(
            """
            SELECT \(api)\(bucket) AS bucket, \(aggregates.joined(separator: ", "))
            FROM api_statistics s\(join)\(condition.sql)
            GROUP BY \(query.isPerAPI ? "s.api_id, " : "")\(bucket)
            ORDER BY \(bucket)\(query.isPerAPI ? ", s.api_id" : "") LIMIT ?
            """, condition.arguments + [SQLValue(query.limit)])
        var found: [StatisticsRow] = []
        found.reserveCapacity(rows.count)
        for row in rows {
            found.append(
                StatisticsRow(
                    instanceID: query.instanceID, apiID: query.isPerAPI ? try row.text("api_id") : "",
                    groupID: query.isPerAPI ? try row.text("group_id") : "", span: query.step, began: try row.integer("bucket"),
                    requests: try row.integer("requests"), successes: try row.integer("successes"),
                    clientErrors: try row.integer("client_errors"), serverErrors: try row.integer("server_errors"),
                    latencySum: try row.integer("latency_sum"), latencyMax: try row.integer("latency_max"),
                    innerSum: try row.integer("inner_sum"), innerMax: try row.integer("inner_max"),
                    backendRequests: try row.integer("backend_requests"), backendSum: try row.integer("backend_sum"),
                    backendMax: try row.integer("backend_max"), bytesIn: try row.integer("bytes_in"),
                    bytesOut: try row.integer("bytes_out"), recordedAt: try row.integer("recorded_at")))
        }
        return found
    }

    /// Forgets rows of a span that begin before `moment`, and the oldest ones where there are more than `limit`.
    public func forgetStatistics(span: Int64, before moment: Int64, limit: Int) throws(StoreError) {
        try execute("DELETE FROM api_statistics WHERE span = ? AND began < ?", [.integer(span), .integer(moment)])
        let first = try first(
            "SELECT began FROM api_statistics WHERE span = ? ORDER BY began DESC LIMIT 1 OFFSET ?",
            [.integer(span), SQLValue(limit)])
        guard let oldest = try first?.integer("began") else { return }
        try execute("DELETE FROM api_statistics WHERE span = ? AND began <= ?", [.integer(span), .integer(oldest)])
    }
}
