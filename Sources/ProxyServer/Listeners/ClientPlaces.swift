import GatewayPrimitives
import NIOConcurrencyHelpers

/// How many connections each client has, over all event loops and listeners. Asked when a connection comes and told when it goes,
/// never by a request. Any thread.
final class ClientPlaces: Sendable {
    private let limit: Int
    private let open = NIOLockedValueBox<[IPAddress: Int]>([:])

    /// - Parameter limit: most connections of one client, at least 1.
    init(limit: Int) { self.limit = limit }

    /// False when the client has as many as it may; otherwise ``leave(_:)`` must follow once.
    func enter(_ address: IPAddress) -> Bool {
        open.withLockedValue { open in
            let count = open[Self.client(address), default: 0]
            guard count < limit else { return false }
            open[Self.client(address)] = count + 1
            return true
        }
    }

    func leave(_ address: IPAddress) {
        open.withLockedValue { open in
            guard let count = open[Self.client(address)] else { return }
            open[Self.client(address)] = count > 1 ? count - 1 : nil
        }
    }

    /// Clients that have a connection.
    var count: Int { open.withLockedValue { $0.count } }

    /// A host with IPv6 has 2^64 addresses of its own: its network is the client.
    private static func client(_ address: IPAddress) -> IPAddress {
        address.family == .v4 ? address : IPAddress(v6: (address.value >> 64) << 64)
    }
}

/// Why a connection was closed as soon as it came.
enum TurnedAway: Int, CaseIterable, Sendable {
    case limit, client, draining

    /// As metrics name it.
    var label: String {
        switch self {
        case .limit: "limit"
        case .client: "client_limit"
        case .draining: "draining"
        }
    }
}
