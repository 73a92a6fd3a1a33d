import ControlPlane
import GatewayModel
import GatewayPrimitives
import Logging
import ServiceLifecycle

/// Knows when the certificates in use end, warns of those that are about to, and tells metrics.
actor CertificateWatch: Service {
    /// Most certificates that are told apart in metrics: those that end first.
    private static let labelLimit = 200

    private let plane: ControlPlane
    private let own: CertificateEnd
    private let revision: @Sendable () -> UInt64
    private let log: Logger
    private var notices = ExpiryNotices()
    /// As of a revision of the configuration.
    private var known: (revision: UInt64, ends: [CertificateEnd])?

    /// - Parameters:
    ///   - own: the gateway's own certificate.
    ///   - revision: of the configuration in force.
    init(plane: ControlPlane, own: CertificateEnd, revision: @escaping @Sendable () -> UInt64, log: Logger) {
        self.plane = plane
        self.own = own
        self.revision = revision
        self.log = log
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.watch() }
    }

    private func watch() async {
        while !Task.isCancelled {
            await look()
            guard (try? await Task.sleep(for: .seconds(60))) != nil else { return }
        }
    }

    private func look() async {
        let ends = await ends()
        for (end, days) in notices.due(ends, now: ControlPlane.wallClock()) {
            let text = days == 0 ? "a certificate has expired" : "a certificate expires in less than \(days) days"
            let metadata: Logger.Metadata = [
                "certificate": "\(end.id)", "use": "\(end.use.rawValue)", "not_after": "\(end.endsAt.inSeconds)",
            ]
            if days == 0 { log.error("\(text)", metadata: metadata) } else { log.warning("\(text)", metadata: metadata) }
        }
    }

    func write(to out: inout MetricsText) async {
        out.family(
            "gatehouse_certificate_expiry_seconds", .gauge, "End of a certificate in use, in seconds since 1970; of the 200 that end first.")
        for end in await ends().sorted(by: { ($0.endsAt, $0.id) < ($1.endsAt, $1.id) }).prefix(Self.labelLimit) {
            out.sample(
                "gatehouse_certificate_expiry_seconds", [("use", end.use.rawValue), ("certificate", end.id)], end.endsAt.seconds)
        }
    }

    /// Read anew when the configuration has changed. What cannot be read now is what it was.
    private func ends() async -> [CertificateEnd] {
        let revision = revision()
        if known?.revision != revision {
            do {
                known = (revision, try await plane.certificateEnds())
            } catch {
                log.error("certificates could not be read", metadata: ["error": "\(error)"])
            }
        }
        return [own] + (known?.ends ?? [])
    }
}
