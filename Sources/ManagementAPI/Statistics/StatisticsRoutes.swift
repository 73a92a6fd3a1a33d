import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// What APIs were called, counted by the gateway itself (management-api.md, 3.23).
    public mutating func addStatistics(_ plane: ControlPlane) {
        on(.listStatisticsApi) { call -> Wire.ListStatisticsApiResponse in
            let query = call.query
            let apiID = try call.filterID("api_id")
            let romaAppID = try call.filterID("roma_app_id")
            let scope: StatisticsScope
            switch query.text("mode")?.uppercased() ?? "INSTANCE" {
            case "INSTANCE": scope = .apis(apiID: apiID, romaAppID: romaAppID)
            case "ALL": scope = .instance
            case "APP": scope = .application(id: try call.queryID("roma_app_id"))
            case "API": scope = .apis(apiID: try call.queryID("api_id"), romaAppID: nil)
            default: throw FieldErrorCodes.malformed(call.operation, parameter: "mode")
            }
            let cycle = query.text("cycle").map { StatisticsCycle(rawValue: $0.lowercased()) } ?? .minute
            guard let cycle else { throw FieldErrorCodes.malformed(call.operation, parameter: "cycle") }
            let report = try await plane.statistics(
                call.call, scope: scope, cycle: cycle, range: call.statisticsRange(plane.settings))
            var named = false
            if case .apis = scope { named = true }
            return Wire.ListStatisticsApiResponse(
                code: StatisticsAnswer.code, startTime: Int(report.range.start), endTime: Int(report.range.end),
                list: report.elements.map { row in
                    StatisticsAnswer.element(row, cycle: named ? cycle : nil, call.projectID, plane.settings)
                })
        }
        on(.listLatelyApiStatisticsV2) { call -> Wire.ListLatelyApiStatisticsV2Response in
            let report = try await plane.statistics(
                call.call, scope: .apis(apiID: try call.queryID("api_id"), romaAppID: nil), cycle: .minute,
                range: call.statisticsRange(plane.settings))
            return Wire.ListLatelyApiStatisticsV2Response(
                code: StatisticsAnswer.code, startTime: Int(report.range.start), endTime: Int(report.range.end),
                list: report.elements.map { StatisticsAnswer.element($0, cycle: .minute, call.projectID, plane.settings) })
        }
        on(.listLatelyGroupStatisticsV2) { call -> Wire.GroupStatistics in
            let id = try call.queryID("group_id")
            let report = try await plane.statistics(call.call, scope: .group(id: id), cycle: .minute) { now in
                try StatisticsRange(
                    start: nil, end: nil, duration: "1h", zoneOffset: plane.settings.versionZoneOffsetSeconds, now: now)
            }
            return Wire.GroupStatistics(
                code: StatisticsAnswer.code, startTime: Int(report.range.start), endTime: Int(report.range.end),
                list: report.elements.map { StatisticsAnswer.groupElement($0, id, call.projectID, plane.settings) })
        }
    }
}

extension OperationCall {
    /// Reads the time parameters that the operation has.
    fileprivate func statisticsRange(_ settings: ControlPlaneSettings) -> @Sendable (Int64) throws -> StatisticsRange {
        let (query, operation) = (head.query, head.operation)
        return { now in
            do {
                return try StatisticsRange(
                    start: query.text("start_time"), end: query.text("end_time"), duration: query.text("duration"),
                    zoneOffset: settings.versionZoneOffsetSeconds, now: now)
            } catch StatisticsRange.Fault.invalid(let name) {
                throw FieldErrorCodes.malformed(operation, parameter: name)
            } catch {
                throw Refusal(.apig2000, text: "missing time range parameters")
            }
        }
    }
}

private enum StatisticsAnswer {
    static let code = "APIG.0000"

    /// - Parameter cycle: nil for sums over several APIs, whose elements name none.
    static func element(
        _ row: StatisticsRow, cycle: StatisticsCycle?, _ provider: String, _ settings: ControlPlaneSettings
    ) -> Wire.StatisticsAPI {
        let zone = settings.versionZoneOffsetSeconds
        var element = Wire.StatisticsAPI(
            maxLatency: longest(row.latencyMax), avgLatency: mean(row.latencySum, row.requests), reqCount: Int(row.requests),
            reqCount2xx: Int(row.successes), reqCount4xx: Int(row.clientErrors), reqCount5xx: Int(row.serverErrors),
            reqCountError: Int(row.clientErrors + row.serverErrors), maxInnerLatency: longest(row.innerMax),
            avgInnerLatency: mean(row.innerSum, row.requests), maxBackendLatency: longest(row.backendMax),
            avgBackendLatency: mean(row.backendSum, row.backendRequests), outputThroughput: Int(row.bytesOut),
            inputThroughput: Int(row.bytesIn), currentMinute: Int(row.began),
            reqTime: Timestamp(nanoseconds: row.began * 1_000_000_000).civil(offsetSeconds: zone))
        guard let cycle else { return element }
        element.cycle = cycle.rawValue
        element.apiId = row.apiID
        element.groupId = row.groupID
        element.provider = provider
        element.registerTime = Timestamp(nanoseconds: row.recordedAt * 1_000_000_000).civil(offsetSeconds: zone)
        // `status` says whether the vendor's monitoring service has it: reserved, and there is no such service here.
        return element
    }

    static func groupElement(
        _ row: StatisticsRow, _ groupID: String, _ provider: String, _ settings: ControlPlaneSettings
    ) -> Wire.StatisticsOfGroup {
        let zone = settings.versionZoneOffsetSeconds
        return Wire.StatisticsOfGroup(
            maxLatency: longest(row.latencyMax), avgLatency: mean(row.latencySum, row.requests), reqCount: Int(row.requests),
            reqCount2xx: Int(row.successes), reqCount4xx: Int(row.clientErrors), reqCount5xx: Int(row.serverErrors),
            reqCountError: Int(row.clientErrors + row.serverErrors), outputThroughput: Int(row.bytesOut),
            inputThroughput: Int(row.bytesIn), currentMinute: Int(row.began), groupId: groupID, provider: provider,
            reqTime: Timestamp(nanoseconds: row.began * 1_000_000_000).civil(offsetSeconds: zone),
            registerTime: Timestamp(nanoseconds: row.recordedAt * 1_000_000_000).civil(offsetSeconds: zone))
    }

    /// Whole milliseconds, rounded up so that no maximum is below its average.
    private static func longest(_ microseconds: Int64) -> Int { Int((microseconds + 999) / 1000) }

    private static func mean(_ microseconds: Int64, _ count: Int64) -> Double {
        count == 0 ? 0 : Double(microseconds) / Double(count) / 1000
    }
}
