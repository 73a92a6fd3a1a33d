import GatewayPrimitives
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ProxyServer
import Synchronization

/// Where spans go: an OTLP receiver that takes JSON over HTTP.
public struct TraceEndpoint: Sendable, Equatable {
    public var usesTLS: Bool
    public var host: String
    public var port: Int
    /// Such as `/v1/traces`.
    public var path: String
    /// `service.name` of the spans.
    public var serviceName: String
    /// Header lines of each request: name and value.
    public var headers: [(name: String, value: String)]

    public init(usesTLS: Bool, host: String, port: Int, path: String, serviceName: String, headers: [(name: String, value: String)] = []) {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
        self.path = path
        self.serviceName = serviceName
        self.headers = headers
    }

    public static func == (a: TraceEndpoint, b: TraceEndpoint) -> Bool {
        a.usesTLS == b.usesTLS && a.host == b.host && a.port == b.port && a.path == b.path && a.serviceName == b.serviceName
            && a.headers.elementsEqual(b.headers) { $0 == $1 }
    }
}

/// Sends spans to a receiver, a second's worth at a time, on an event loop of its own: requests know nothing of it. What cannot be
/// delivered is tried three times and then dropped and counted.
public final class TraceExporter: Sendable {
    private let queue: TraceQueue
    private let endpoint: TraceEndpoint
    private let group: MultiThreadedEventLoopGroup
    private let tls: NIOSSLContext?
    private let logger: Logger
    private let exported = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let ending = Atomic<Bool>(false)
    private let over = Atomic<Bool>(false)
    private let complaint = Atomic<Int64>(0)

    private static let attempts = 3
    /// Most bytes of one request, but for a batch that is larger by itself.
    private static let requestBytes = 1_048_576

    /// - Parameter authorities: path of certificates in PEM, one of which the receiver's must come from; nil: those that the system
    ///   trusts.
    /// - Throws: an error of BoringSSL's when a context for TLS cannot be made, or the file not be read.
    public init(_ queue: TraceQueue, to endpoint: TraceEndpoint, authorities: String? = nil, logger: Logger) throws {
        self.queue = queue
        self.endpoint = endpoint
        self.logger = logger
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities)) }
        tls = endpoint.usesTLS ? try NIOSSLContext(configuration: configuration) : nil
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    /// Returns after ``close()``, or when its task is cancelled.
    public func run() async {
        while true {
            let isLast = ending.load(ordering: .relaxed) || Task.isCancelled
            await exportAll()
            if isLast { break }
            // Ended between two looks: a stop does not wait for the second to be over.
            for _ in 0..<20 where !ending.load(ordering: .relaxed) {
                guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { break }
            }
        }
        over.store(true, ordering: .relaxed)
        try? await group.shutdownGracefully()
    }

    /// Returns when what is left has been exported or dropped, five seconds at most.
    public func close() async {
        ending.store(true, ordering: .relaxed)
        let bound = ContinuousClock.now + .seconds(5)
        while !over.load(ordering: .relaxed), ContinuousClock.now < bound {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    public func metrics() -> MetricsText {
        var out = MetricsText()
        out.single(
            "gatehouse_trace_spans_exported_total", .counter, "Spans that the receiver has taken.", exported.load(ordering: .relaxed))
        out.family("gatehouse_trace_spans_dropped_total", .counter, "Spans that nobody gets, by reason.")
        out.sample("gatehouse_trace_spans_dropped_total", [("reason", "failed")], failed.load(ordering: .relaxed))
        out.sample("gatehouse_trace_spans_dropped_total", [("reason", "queue_full")], queue.droppedSpans)
        out.single("gatehouse_trace_spans_waiting", .gauge, "Spans on their way to the receiver.", queue.waitingSpans)
        return out
    }

    // MARK: Requests

    private func exportAll() async {
        var batches = queue.take()[...]
        while let first = batches.popFirst() {
            var text = first.text
            var count = first.count
            while let next = batches.first, text.count + next.text.count < Self.requestBytes {
                text.append(UInt8(ascii: ","))
                text += next.text
                count += next.count
                batches.removeFirst()
            }
            await export(text, count: count)
            queue.settle(count)
        }
    }

    private func export(_ spans: [UInt8], count: Int) async {
        let message = request(spans)
        for attempt in 1...Self.attempts {
            let outcome = await TraceRequest.send(message, to: endpoint, tls: tls, group: group)
            switch outcome {
            case .status(let status) where (200...299).contains(status):
                exported.wrappingAdd(UInt64(count), ordering: .relaxed)
                return
            // The receiver will not like it better the next time (OTLP, Failures).
            case .status(let status) where ![429, 502, 503, 504].contains(status):
                return drop(count, "the receiver answers \(status)")
            case .status(let status): if attempt == Self.attempts { return drop(count, "the receiver answers \(status)") }
            case .failed(let reason): if attempt == Self.attempts { return drop(count, reason) }
            }
            // When the program ends, what is left gets one chance.
            guard !ending.load(ordering: .relaxed), (try? await Task.sleep(for: .milliseconds(500 * attempt))) != nil else {
                return drop(count, "the program ends")
            }
        }
    }

    private func drop(_ count: Int, _ reason: String) {
        failed.wrappingAdd(UInt64(count), ordering: .relaxed)
        // One line a minute.
        let now = Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000_000)
        let due = complaint.load(ordering: .relaxed)
        guard now >= due, complaint.compareExchange(expected: due, desired: now + 60, ordering: .relaxed).exchanged else { return }
        logger.warning("spans are not exported", metadata: ["receiver": "\(endpoint.host):\(endpoint.port)", "reason": "\(reason)"])
    }

    private func request(_ spans: [UInt8]) -> [UInt8] {
        let text = ByteScratch(capacity: 256)
        var writer = JSONWriter(text)
        writer.string(endpoint.serviceName)
        let name = String(decoding: text.bytes, as: UTF8.self)
        let front = #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"# + name
            + #"}}]},"scopeSpans":[{"scope":{"name":"gatehouse"},"spans":["#
        let back = "]}]}]}"
        let length = front.utf8.count + spans.count + back.utf8.count
        let isStandard = endpoint.port == (endpoint.usesTLS ? 443 : 80)
        let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
        var head = "POST \(endpoint.path) HTTP/1.1\r\nHost: \(host)\(isStandard ? "" : ":\(endpoint.port)")\r\n"
        head += "Content-Type: application/json\r\nContent-Length: \(length)\r\nConnection: close\r\nUser-Agent: gatehouse\r\n"
        for header in endpoint.headers { head += "\(header.name): \(header.value)\r\n" }
        return Array((head + "\r\n" + front).utf8) + spans + Array(back.utf8)
    }
}
