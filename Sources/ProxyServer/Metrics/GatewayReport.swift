import GatewayPrimitives
import NIOCore
import Snapshot

/// What one event loop says of itself when it is asked.
struct LoopReport: Sendable {
    let metrics: LoopMetrics
    let activeRequests: Int
    /// By backend: connections that are open, and those of them that wait for a request.
    let pools: [(upstream: String, open: Int, idle: Int)]
    let snapshotRevision: UInt64
    let checkedChannels: CheckedChannels
}

extension ProxyServer {
    /// Most backends, and members of channels, that are told apart in metrics.
    private static let labelLimit = 200

    /// The gateway's metrics in the text format of Prometheus, and the newest revision that every event loop serves. The loops copy
    /// their counters; everything else happens where this is called.
    public func metrics() async -> MetricsText {
        var sum = LoopMetrics()
        var active = 0
        var pools: [String: (open: Int, idle: Int)] = [:]
        var revision = UInt64.max
        var channels = CheckedChannels.none
        for report in await reports() {
            sum += report.metrics
            active += report.activeRequests
            revision = min(revision, report.snapshotRevision)
            channels = report.checkedChannels
            for pool in report.pools {
                let name = pools[pool.upstream] == nil && pools.count >= Self.labelLimit ? "other" : pool.upstream
                pools[name, default: (0, 0)].open += pool.open
                pools[name, default: (0, 0)].idle += pool.idle
            }
        }
        var out = MetricsText()
        Self.requests(sum, active, &out)
        Self.connections(sum, pools, &out)
        Self.members(channels, &out)
        out.single(
            "gatehouse_gateway_revision", .gauge, "Revision of the configuration that all event loops serve.",
            revision == .max ? 0 : revision)
        out.family(
            "gatehouse_accept_failures_total", .counter, "Connections that could not be accepted when they came; they wait.")
        for (reason, count) in acceptFailures.counts {
            out.sample("gatehouse_accept_failures_total", [("reason", "\(reason)")], count)
        }
        log(&out)
        return out
    }

    private func reports() async -> [LoopReport] {
        var reports: [LoopReport] = []
        for taken in loops.map({ loop in loop.eventLoop.submit { loop.report() } }) {
            // Loops that have ended have nothing to say.
            if let report = try? await taken.get() { reports.append(report) }
        }
        return reports
    }

    private static let listeners = ["http", "https"]

    private static func requests(_ sum: LoopMetrics, _ active: Int, _ out: inout MetricsText) {
        out.family("gatehouse_requests_total", .counter, "Requests by listener and class of their status; none: the client left first.")
        for (listener, name) in listeners.enumerated() {
            for (place, status) in ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].enumerated() {
                out.sample("gatehouse_requests_total", [("listener", name), ("status", status)], sum.requests[listener][place])
            }
        }
        out.histogram(
            "gatehouse_request_duration_seconds", "Time from a request's head to the end of its answer.", bounds: LoopMetrics.bounds,
            buckets: sum.durations.buckets, sum: sum.durations.sum)
        out.histogram(
            "gatehouse_inner_duration_seconds", "What of it the gateway itself took.", bounds: LoopMetrics.bounds,
            buckets: sum.inner.buckets, sum: sum.inner.sum)
        out.histogram(
            "gatehouse_backend_duration_seconds", "What of it was spent on backends, all attempts together.", bounds: LoopMetrics.bounds,
            buckets: sum.backend.buckets, sum: sum.backend.sum)
        out.single("gatehouse_requests_active", .gauge, "Requests that are under way.", active)
        out.single("gatehouse_received_bytes_total", .counter, "Heads and bodies of requests.", sum.bytesIn)
        out.single("gatehouse_sent_bytes_total", .counter, "Heads and bodies of answers.", sum.bytesOut)
        out.family(
            "gatehouse_refusals_total", .counter,
            "Requests that the gateway answered with an error, by policy and object: the id of what refused, or the API's.")
        var refusals = sum.refusals.sorted { ($0.key.policy, $0.key.object) < ($1.key.policy, $1.key.object) }
        if refusals.count > LoopMetrics.refusalLimit {
            var others: [String: UInt64] = [:]
            for (key, count) in refusals[LoopMetrics.refusalLimit...] { others[key.policy, default: 0] += count }
            refusals.removeSubrange(LoopMetrics.refusalLimit...)
            for (policy, count) in others {
                let other = LoopMetrics.Refusal(policy: policy, object: "other")
                if let index = refusals.firstIndex(where: { $0.key == other }) {
                    refusals[index].value += count
                } else {
                    refusals.append((other, count))
                }
            }
        }
        for (key, count) in refusals {
            out.sample("gatehouse_refusals_total", [("policy", key.policy), ("object", key.object)], count)
        }
    }

    private static func connections(
        _ sum: LoopMetrics, _ pools: [String: (open: Int, idle: Int)], _ out: inout MetricsText
    ) {
        out.family("gatehouse_connections_accepted_total", .counter, "Client connections by listener.")
        for (listener, name) in listeners.enumerated() {
            out.sample("gatehouse_connections_accepted_total", [("listener", name)], sum.accepted[listener])
        }
        out.family("gatehouse_connections", .gauge, "Client connections that are open.")
        for (listener, name) in listeners.enumerated() {
            let open = sum.accepted[listener] - min(sum.accepted[listener], sum.closed[listener])
            out.sample("gatehouse_connections", [("listener", name)], open)
        }
        out.family("gatehouse_http2_connections", .gauge, "Those of the open client connections that speak HTTP/2.")
        for (listener, name) in listeners.enumerated() {
            out.sample("gatehouse_http2_connections", [("listener", name)], sum.sessions[listener])
        }
        out.family(
            "gatehouse_connections_refused_total", .counter, "Client connections closed at once: too many, too many of one client, or draining.")
        for reason in TurnedAway.allCases {
            out.sample("gatehouse_connections_refused_total", [("reason", reason.label)], sum.turnedAway[reason.rawValue])
        }
        out.single("gatehouse_backend_attempts_total", .counter, "Attempts to have a request answered by a backend.", sum.attempts)
        out.single("gatehouse_backend_retries_total", .counter, "Attempts that repeated a failed one.", sum.repetitions)
        out.single("gatehouse_backend_connects_total", .counter, "Connections to backends that were asked for.", sum.connects)
        out.single("gatehouse_backend_connect_failures_total", .counter, "Connections to backends that failed.", sum.connectFailures)
        out.family("gatehouse_backend_connections", .gauge, "Connections to backends, by backend and state.")
        for (upstream, pool) in pools.sorted(by: { $0.key < $1.key }) {
            out.sample("gatehouse_backend_connections", [("backend", upstream), ("state", "idle")], pool.idle)
            out.sample("gatehouse_backend_connections", [("backend", upstream), ("state", "busy")], max(0, pool.open - pool.idle))
        }
    }

    private static func members(_ checked: CheckedChannels, _ out: inout MetricsText) {
        out.family("gatehouse_channel_member_up", .gauge, "Whether a member of a channel with health checks counts as up.")
        var seen: Set<String> = []
        for channel in checked.channels {
            for member in channel.members {
                let name = "\(member.host):\(member.port)"
                guard seen.count < labelLimit, seen.insert("\(channel.id) \(name)").inserted else { continue }
                out.sample("gatehouse_channel_member_up", [("channel", channel.id), ("member", name)], member.isUp ? 1 : 0)
            }
        }
    }

    private func log(_ out: inout MetricsText) {
        guard let counts = accessLog?.counts else { return }
        out.single("gatehouse_access_log_lines_total", .counter, "Lines that were written to the access log.", counts.lines)
        out.single("gatehouse_access_log_bytes_total", .counter, "Bytes that were written to the access log.", counts.bytes)
        out.single(
            "gatehouse_access_log_dropped_total", .counter, "Lines that were dropped, because the disk was too slow or refused them.",
            counts.dropped)
        out.single("gatehouse_access_log_failures_total", .counter, "Writes that the file system refused.", counts.failures)
    }
}
