import GatewayModel
import Store

/// Whose calls are summed (management-api.md, 3.23).
public enum StatisticsScope: Sendable, Equatable {
    /// Each API of the instance by itself; nil: all of them.
    case apis(apiID: String?, romaAppID: String?)
    /// All calls of the instance together.
    case instance
    /// Calls of the APIs that an integration application owns, together.
    case application(id: String)
    /// Calls of the APIs of a group, together.
    case group(id: String)
}

/// Sums and the time that was asked for.
public struct StatisticsReport: Sendable {
    public let range: StatisticsRange
    public let elements: [StatisticsRow]
}

extension ControlPlane {
    /// Most elements of an answer; who asks for more must shorten the range or name an API.
    public static let statisticsElementLimit = 50_000

    /// What has been called, up to this moment.
    ///
    /// - Parameter range: reads the time parameters, given the present second.
    /// - Throws: ``OperationError``: instance or API unknown, more elements than the limit.
    public func statistics(
        _ call: Call, scope: StatisticsScope, cycle: StatisticsCycle,
        range: @escaping @Sendable (_ now: Int64) throws -> StatisticsRange
    ) async throws -> StatisticsReport {
        let zone = settings.versionZoneOffsetSeconds
        let asked = try await read { r in
            try r.checkInstance(of: call)
            if case .apis(let apiID?, _) = scope { try r.checkAPI(apiID, of: call) }
            if case .group(let id) = scope { _ = try r.group(id, of: call) }
            return try range(r.now.seconds)
        }
        await settleTraffic()
        let whole = asked.widened(to: cycle, zoneOffset: zone)
        var query = StatisticsQuery(
            instanceID: call.instanceID, span: cycle == .minute ? 60 : 3600, step: cycle.seconds, offset: cycle == .day ? zone : 0,
            start: whole.start, end: whole.end, apiID: nil, romaAppID: nil, isPerAPI: false, limit: Self.statisticsElementLimit + 1)
        switch scope {
        case .apis(let apiID, let romaAppID):
            query.apiID = apiID
            query.romaAppID = romaAppID
            query.isPerAPI = true
        case .instance: break
        case .application(let id): query.romaAppID = id
        case .group(let id): query.groupID = id
        }
        let elements = try await read { [query] r in try r.sql.statistics(query) }
        guard elements.count <= Self.statisticsElementLimit else { throw OperationError.tooLarge(field: "duration") }
        return StatisticsReport(range: asked, elements: elements)
    }
}
