import Glibc

/// Members that may be asked, and whose turn it is. Immutable but for the counters of the channel; any thread.
public final class MemberSelection: Sendable {
    private let strategy: BalancedChannel.Strategy
    /// From whom the rule chooses.
    public let chosen: [BalancedMember]
    /// Asked when all of ``chosen`` have failed the same request.
    public let reserve: [BalancedMember]
    /// Round robin: indices into `chosen`, in the order in which they are visited.
    let turns: [UInt16]
    private let state: ChannelState

    init(
        strategy: BalancedChannel.Strategy, members: [BalancedMember], chosen: [BalancedMember], reserve: [BalancedMember],
        state: ChannelState
    ) {
        self.strategy = strategy
        self.chosen = chosen
        self.reserve = reserve
        self.state = state
        turns = strategy == .roundRobin && chosen.count > 1 ? Self.turns(chosen) : []
    }

    /// The member for a request; nil when there is none.
    ///
    /// No lock, no allocation.
    /// - Parameters:
    ///   - hash: of what the strategy looks at; asked for with hashing strategies alone.
    ///   - tried: members that have failed this request: another one is asked while there is one.
    @inline(__always)
    public func choose(hash: @autoclosure () -> UInt64, tried: [BalancedMember]) -> BalancedMember? {
        if !tried.isEmpty, let other = another(than: tried, hash: hash()) { return other }
        switch chosen.count {
        case 0: return nil
        case 1: return chosen[0]
        default: break
        }
        switch strategy {
        case .roundRobin: return chosen[Int(turns[Int(state.nextTurn() % UInt64(turns.count))])]
        case .leastConnections: return leastConnected()
        case .sourceHash, .uriHash: return Self.highest(chosen, hash(), besides: [])
        }
    }

    /// Fewest running requests for the weight; equal ones take turns.
    private func leastConnected() -> BalancedMember {
        let start = Int(state.nextTurn() % UInt64(chosen.count))
        var best = chosen[start]
        var bestActive = best.state.active + 1
        for offset in 1..<chosen.count {
            let place = start + offset
            let member = chosen[place < chosen.count ? place : place - chosen.count]
            let active = member.state.active + 1
            if active * best.weight < bestActive * member.weight {
                best = member
                bestActive = active
            }
        }
        return best
    }

    /// Rendezvous hashing: the member of the highest score gets the key, in proportion to the weights, and a key moves only when
    /// its own member goes.
    private static func highest(_ members: [BalancedMember], _ key: UInt64, besides tried: [BalancedMember]) -> BalancedMember? {
        var best: BalancedMember?
        var bestScore = 0.0
        for member in members where !isTried(member, tried) {
            // Above 0 and below 1.
            let draw = (Double(StableHash.mix(key ^ member.seed) >> 11) + 0.5) * 0x1p-53
            let score = -Double(member.weight) / log(draw)
            if best == nil || score > bestScore {
                best = member
                bestScore = score
            }
        }
        return best
    }

    /// For a repetition: who has not failed this request, backups last; nil when all have.
    private func another(than tried: [BalancedMember], hash: @autoclosure () -> UInt64) -> BalancedMember? {
        for members in [chosen, reserve] {
            switch strategy {
            case .sourceHash, .uriHash:
                if let member = Self.highest(members, hash(), besides: tried) { return member }
            case .roundRobin, .leastConnections:
                var total: UInt64 = 0
                for member in members where !Self.isTried(member, tried) { total += UInt64(member.weight) }
                guard total > 0 else { continue }
                var draw = StableHash.mix(state.nextRepetition() &+ 1) % total
                for member in members where !Self.isTried(member, tried) {
                    if draw < UInt64(member.weight) { return member }
                    draw -= UInt64(member.weight)
                }
            }
        }
        return nil
    }

    private static func isTried(_ member: BalancedMember, _ tried: [BalancedMember]) -> Bool {
        for other in tried where other.host == member.host && other.port == member.port { return true }
        return false
    }

    // MARK: Round robin

    /// Longest round: beyond, weights are rounded, and memory is bounded.
    static let maxTurns = 10_000

    /// The j-th turn of a member of weight w comes at (j + 1/2) / w: in any row of as many turns as the weights add up to, each
    /// member has as many as its weight says, spread evenly.
    static func turns(_ members: [BalancedMember]) -> [UInt16] {
        var divisor = 0
        for member in members { divisor = gcd(divisor, member.weight) }
        var weights = members.map { $0.weight / max(1, divisor) }
        let total = weights.reduce(0, +)
        if total > maxTurns { weights = weights.map { max(1, $0 * maxTurns / total) } }
        var order: [(at: Double, member: Int)] = []
        order.reserveCapacity(weights.reduce(0, +))
        for (member, weight) in weights.enumerated() {
            for turn in 0..<weight { order.append(((Double(turn) + 0.5) / Double(weight), member)) }
        }
        order.sort { $0.at != $1.at ? $0.at < $1.at : $0.member < $1.member }
        return order.map { UInt16($0.member) }
    }

    private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }
}
