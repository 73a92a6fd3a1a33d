import GatewayPrimitives
import Logging
import Store
import Synchronization

/// Whether the store takes what is written, as the last write found it. Any thread.
final class StoreHealth: Sendable {
    private struct State {
        var isWritable = true
        var refused: UInt64 = 0
        var busy: UInt64 = 0
        var failed: UInt64 = 0
    }

    private let log: Logger
    private let state = Mutex(State())

    init(log: Logger) { self.log = log }

    var isWritable: Bool { state.withLock { $0.isWritable } }

    /// A write was committed.
    func succeeded() {
        let isNews = state.withLock { state in
            defer { state.isWritable = true }
            return !state.isWritable
        }
        if isNews { log.notice("the store takes changes again") }
    }

    /// A write was rolled back. Refusals of rules and constraints say nothing about the store.
    func failed(_ error: any Error) {
        guard let error = error as? StoreError else { return }
        let isNews = state.withLock { state in
            switch error {
            case .notUnique, .referenced: return false
            case .busy: state.busy += 1
            case .malformed, .failed: state.failed += 1
            case .readOnly:
                state.refused += 1
                defer { state.isWritable = false }
                return state.isWritable
            }
            return false
        }
        if isNews { log.critical("the store takes no changes; traffic goes on", metadata: ["error": "\(error)"]) }
    }

    func write(to out: inout MetricsText) {
        let state = state.withLock { $0 }
        out.single(
            "gatehouse_store_writable", .gauge, "Whether the store took the last change: 0 with a full disk.", state.isWritable ? 1 : 0)
        out.family(
            "gatehouse_store_failures_total", .counter, "Changes that the store did not take, by reason; refused: a full disk, or one that fails.")
        out.sample("gatehouse_store_failures_total", [("reason", "refused")], state.refused)
        out.sample("gatehouse_store_failures_total", [("reason", "busy")], state.busy)
        out.sample("gatehouse_store_failures_total", [("reason", "failed")], state.failed)
    }
}

extension ControlPlane {
    /// False when the store did not take the last change: the disk is full, or fails.
    public var isWritable: Bool { health.isWritable }

    /// Looks whether a store that took no changes takes them again; otherwise does nothing.
    public func retryStore() async {
        guard !health.isWritable else { return }
        // The outcome is in `health`.
        _ = try? await bookkeeping { sql, _ in try sql.execute("UPDATE statistics_state SET swept_at = swept_at WHERE id = 1") }
    }

    /// On the writer's thread.
    func stored<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        do {
            let result = try store.write(body)
            health.succeeded()
            return result
        } catch {
            health.failed(error)
            throw error
        }
    }
}
