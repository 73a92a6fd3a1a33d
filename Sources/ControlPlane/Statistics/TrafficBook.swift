import Foundation
import GatewayModel
import Logging
import Snapshot
import Store

/// Hands over what the gateway has counted since the last call, from any thread.
public typealias TrafficSource = @Sendable () async -> [TrafficSample]

/// Brings the gateway's counts into the store, one round after the other.
///
/// Counts that could not be stored wait for the next round.
actor TrafficBook {
    private let source: TrafficSource
    private var waiting: [TrafficSample] = []
    private var last: Task<Void, Never>?
    /// Most samples that wait; a store that fails for so long has lost them.
    private static let waitingLimit = 500_000

    init(source: @escaping TrafficSource) { self.source = source }

    /// Returns when everything that was counted before the call is stored, or the store has failed.
    func settle(in plane: ControlPlane) async {
        let previous = last
        let round = Task {
            await previous?.value
            await self.round(plane)
        }
        last = round
        await round.value
    }

    private func round(_ plane: ControlPlane) async {
        waiting += await source()
        guard !waiting.isEmpty else { return }
        let samples = waiting
        waiting = []
        do {
            try await plane.store(samples)
        } catch {
            plane.log.error("statistics could not be stored", metadata: ["error": "\(error)"])
            waiting = samples + waiting
            if waiting.count > Self.waitingLimit { waiting.removeFirst(waiting.count - Self.waitingLimit) }
        }
    }
}

/// How long counts are kept. Minutes are what queries can reach; hours reach a day farther, so that whole days can be summed.
enum StatisticsRetention {
    static let minuteSeconds: Int64 = 72 * 3600
    static let hourSeconds: Int64 = 96 * 3600
    /// Most rows of minutes: beyond, the oldest go first and hours remain.
    static let minuteRows = 2_000_000
    static let hourRows = 2_000_000
    /// Time between two looks for what is too old, in seconds.
    static let sweepSeconds: Int64 = 600
}

extension ControlPlane {
    /// Stores what the gateway has counted. Called now and then, and once at the end.
    public func settleTraffic() async {
        await traffic.settle(in: self)
        await settleSecretUses()
    }

    fileprivate func store(_ samples: [TrafficSample]) async throws {
        var sums: [StatisticsKey: TrafficCounts] = [:]
        var groups: [StatisticsKey: String] = [:]
        for sample in samples {
            for span in [60, 3600] as [Int64] {
                let second = sample.minute * 60
                let key = StatisticsKey(
                    instanceID: sample.instanceID, apiID: sample.apiID, span: span, began: second - second % span)
                sums[key, default: TrafficCounts()] += sample.counts
                groups[key] = sample.groupID
            }
        }
        try await bookkeeping { [sums, groups] sql, now in
            // An instance may have been deleted since.
            let instances = Set(try sql.query("SELECT id FROM instances").map { try $0.text("id") })
            for (key, counts) in sums where instances.contains(key.instanceID) {
                try sql.add(key.row(counts, groupID: groups[key] ?? "", recordedAt: now.seconds))
            }
            let swept = try sql.first("SELECT swept_at FROM statistics_state WHERE id = 1", [])?.integer("swept_at") ?? 0
            guard abs(now.seconds - swept) >= StatisticsRetention.sweepSeconds else { return }
            try sql.forgetStatistics(
                span: 60, before: now.seconds - StatisticsRetention.minuteSeconds, limit: StatisticsRetention.minuteRows)
            try sql.forgetStatistics(
                span: 3600, before: now.seconds - StatisticsRetention.hourSeconds, limit: StatisticsRetention.hourRows)
            try sql.execute("UPDATE statistics_state SET swept_at = ? WHERE id = 1", [.integer(now.seconds)])
        }
    }
}

private struct StatisticsKey: Hashable {
    let instanceID, apiID: String
    let span, began: Int64

    func row(_ counts: TrafficCounts, groupID: String, recordedAt: Int64) -> StatisticsRow {
        StatisticsRow(
            instanceID: instanceID, apiID: apiID, groupID: groupID, span: span, began: began, requests: counts.requests,
            successes: counts.successes, clientErrors: counts.clientErrors, serverErrors: counts.serverErrors,
            latencySum: counts.latencySum, latencyMax: counts.latencyMax, innerSum: counts.innerSum, innerMax: counts.innerMax,
            backendRequests: counts.backendRequests, backendSum: counts.backendSum, backendMax: counts.backendMax,
            bytesIn: counts.bytesIn, bytesOut: counts.bytesOut, recordedAt: recordedAt)
    }
}
