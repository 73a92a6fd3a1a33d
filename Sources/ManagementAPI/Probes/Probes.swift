import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import WireContract

/// What the daemon tells of itself.
public struct ProcessStatus: Sendable {
    public let version: String
    /// Seconds since 1970.
    public let startTime: Int64
    /// Revision of the configuration that the gateway serves.
    public let revision: @Sendable () -> UInt64
    /// Whether requests can be served; false while starting and while draining.
    public let isReady: @Sendable () -> Bool
    /// Whether the store takes changes. Without it traffic goes on: that is no reason to be taken out of service.
    public let isWritable: @Sendable () -> Bool
    /// Metrics of the other parts of the program, in the text format of Prometheus.
    public let metrics: @Sendable () async -> String

    public init(
        version: String, startTime: Int64, revision: @escaping @Sendable () -> UInt64, isReady: @escaping @Sendable () -> Bool,
        isWritable: @escaping @Sendable () -> Bool = { true }, metrics: @escaping @Sendable () async -> String = { "" }
    ) {
        self.metrics = metrics
        self.version = version
        self.startTime = startTime
        self.revision = revision
        self.isReady = isReady
        self.isWritable = isWritable
    }
}

/// Paths that need no credentials.
enum Probe: String, CaseIterable, Sendable {
    case live = "/livez"
    case ready = "/readyz"
    case metrics = "/metrics"
    /// What this program serves, for people and for generators of clients and tests.
    case document = "/openapi.yaml"
}

struct Probes: Sendable {
    let status: ProcessStatus
    let metrics = ManagementMetrics()
    private let document = ByteBuffer(string: ServedDocument.lines.map { "\($0)\n" }.joined())

    func answer(_ probe: Probe) async -> Response {
        switch probe {
        case .live: Self.text("ok\n", .ok)
        case .ready where !status.isReady(): Self.text("not ready\n", .serviceUnavailable)
        case .ready: Self.text(status.isWritable() ? "ready\n" : "ready, but the store takes no changes\n", .ok)
        case .document:
            Response(status: .ok, headers: [.contentType: "application/yaml"], body: .init(byteBuffer: document))
        case .metrics: Self.text(metrics.text(status) + (await status.metrics()), .ok, "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private static func text(_ text: String, _ status: HTTPResponse.Status, _ type: String = "text/plain; charset=utf-8") -> Response {
        Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Counts of the management plane, in the text format of Prometheus. Any task.
final class ManagementMetrics: Sendable {
    private let answers = Mutex<[Int: UInt64]>([:])

    func count(status: Int) { answers.withLock { $0[status, default: 0] += 1 } }

    func text(_ process: ProcessStatus) -> String {
        var out = """
            # HELP gatehouse_build_info Version of the program; always 1.
            # TYPE gatehouse_build_info gauge
            gatehouse_build_info{version="\(process.version)"} 1
            # HELP process_start_time_seconds Start of the process in seconds since 1970.
            # TYPE process_start_time_seconds gauge
            process_start_time_seconds \(process.startTime)
            # HELP gatehouse_ready Whether requests can be served.
            # TYPE gatehouse_ready gauge
            gatehouse_ready \(process.isReady() ? 1 : 0)
            # HELP gatehouse_configuration_revision Revision of the configuration in force.
            # TYPE gatehouse_configuration_revision gauge
            gatehouse_configuration_revision \(process.revision())
            # HELP gatehouse_management_requests_total Answers of the management port by status.
            # TYPE gatehouse_management_requests_total counter

            """
        for (status, count) in answers.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            out += "gatehouse_management_requests_total{status=\"\(status)\"} \(count)\n"
        }
        return out
    }
}
