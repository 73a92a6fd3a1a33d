import GatewayPrimitives
import Testing

@testable import Snapshot

/// Who is asked (gateway-runtime.md, 4.2).
struct MemberSelectionTests {
    private let health = ChannelHealth()

    private func members(_ weights: [Int], from index: Int = 0) -> [BalancedMember] {
        weights.enumerated().map { place, weight in
            BalancedMember(
                index: index + place, host: "10.0.0.\(index + place)", port: 80, weight: weight, state: MemberState(), health: MemberHealth())
        }
    }

    private func channel(
        _ strategy: BalancedChannel.Strategy, _ weights: [Int], backups: [Int] = []
    ) -> BalancedChannel {
        BalancedChannel(
            id: "c", strategy: strategy, primaries: members(weights), backups: members(backups, from: weights.count),
            state: ChannelState(),
            check: HealthCheckPlan(
                question: .connect, port: 0, thresholdNormal: 1, thresholdAbnormal: 1, intervalSeconds: 5, timeoutSeconds: 2),
            health: health)
    }

    private func counts(_ channel: BalancedChannel, _ times: Int, key: (Int) -> UInt64 = { UInt64($0) }) -> [Int] {
        var counts = Array(repeating: 0, count: channel.members.count)
        let selection = channel.selection()
        for time in 0..<times {
            guard let member = selection.choose(hash: StableHash.mix(key(time) &+ 1), tried: []) else { continue }
            counts[member.index] += 1
        }
        return counts
    }

    // MARK: Round robin

    @Test(arguments: [[1], [1, 1], [5, 3, 2], [7, 1], [10_000, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [100, 100, 100]])
    func everyRoundIsExact(weights: [Int]) {
        let channel = channel(.roundRobin, weights)
        var divisor = weights[0]
        for weight in weights { var (a, b) = (divisor, weight); while b != 0 { (a, b) = (b, a % b) }; divisor = a }
        let round = weights.map { $0 / divisor }
        // The longest round is rounded.
        guard round.reduce(0, +) <= MemberSelection.maxTurns else {
            let turns = MemberSelection.turns(channel.members)
            #expect(turns.count <= MemberSelection.maxTurns + weights.count && turns.contains(1))
            return
        }
        for _ in 0..<3 { #expect(counts(channel, round.reduce(0, +)) == round) }
    }

    @Test func turnsAreSpread() {
        // Never twice in a row who has as many turns as the other.
        #expect(MemberSelection.turns(members([1, 1])) == [0, 1])
        #expect(MemberSelection.turns(members([3, 1])) == [0, 0, 1, 0])
        let turns = MemberSelection.turns(members([5, 5, 5]))
        for (one, next) in zip(turns, turns.dropFirst()) { #expect(one != next) }
    }

    @Test func whoIsDownLeavesTheOthersTheirShares() {
        let channel = channel(.roundRobin, [5, 3, 2])
        channel.members[0].health?.set(isUp: false, in: health)
        for _ in 0..<3 { #expect(counts(channel, 5) == [0, 3, 2]) }
        channel.members[0].health?.set(isUp: true, in: health)
        #expect(counts(channel, 10) == [5, 3, 2])
    }

    // MARK: Least connections

    @Test func leastConnectionsFollowTheWeights() {
        let channel = channel(.leastConnections, [3, 1])
        // Nobody finishes: running requests grow in proportion to the weights.
        for _ in 0..<400 { channel.everybody.choose(hash: 0, tried: [])?.state.begin() }
        #expect(abs(channel.members[0].state.active - 300) <= 2)
        for _ in 0..<channel.members[0].state.active { channel.members[0].state.end() }
        #expect(channel.everybody.choose(hash: 0, tried: [])?.index == 0)
    }

    @Test func equallyBusyMembersTakeTurns() {
        #expect(counts(channel(.leastConnections, [1, 1, 1]), 30) == [10, 10, 10])
    }

    // MARK: Hashes

    @Test(arguments: [BalancedChannel.Strategy.sourceHash, .uriHash])
    func aKeyStays(strategy: BalancedChannel.Strategy) {
        let channel = channel(strategy, [1, 1, 1])
        for key in 0..<50 {
            let first = channel.everybody.choose(hash: UInt64(key), tried: [])
            for _ in 0..<3 { #expect(channel.everybody.choose(hash: UInt64(key), tried: []) === first) }
        }
    }

    @Test func keysAreSharedByWeight() {
        let counts = counts(channel(.sourceHash, [6, 3, 1]), 20_000)
        for (count, share) in zip(counts, [12_000, 6000, 2000]) { #expect(abs(count - share) < share / 10) }
    }

    @Test func onlyTheKeysOfTheOneThatGoesMove() {
        let channel = channel(.sourceHash, [2, 1, 1])
        let before = (0..<1000).map { channel.everybody.choose(hash: StableHash.mix(UInt64($0 + 1)), tried: [])?.index }
        channel.members[2].health?.set(isUp: false, in: health)
        let selection = channel.selection()
        for (key, old) in before.enumerated() {
            let new = selection.choose(hash: StableHash.mix(UInt64(key + 1)), tried: [])?.index
            if old == 2 { #expect(new == 0 || new == 1) } else { #expect(new == old) }
        }
    }

    /// All nodes agree, today and after an upgrade.
    @Test func hashesAreFixed() throws {
        #expect(Array("/shop/1".utf8).withUnsafeBytes { StableHash.hash($0) } == 0x8C2424C08EA2F218)
        let channel = channel(.uriHash, [1, 1, 1, 1])
        let places = ["/", "/a", "/b", "/c", "/d", "/e", "/f", "/g"].map { path in
            channel.everybody.choose(hash: Array(path.utf8).withUnsafeBytes { StableHash.hash($0) }, tried: [])?.index
        }
        #expect(places == [0, 1, 0, 2, 3, 1, 2, 0])
        let addresses = try (1...8).map { try #require(IPAddress("192.0.2.\($0)")) }
        #expect(Set(addresses.map { StableHash.hash($0) }).count == 8)
        #expect(StableHash.hash(try #require(IPAddress("::1"))) != StableHash.hash(try #require(IPAddress("0.0.0.1"))))
    }

    // MARK: Backups and repetitions

    @Test func backupsAreForWhenNobodyElseIsUp() {
        let channel = channel(.roundRobin, [1, 1], backups: [1])
        #expect(counts(channel, 10) == [5, 5, 0])
        channel.members[0].health?.set(isUp: false, in: health)
        #expect(counts(channel, 10) == [0, 10, 0])
        channel.members[1].health?.set(isUp: false, in: health)
        #expect(counts(channel, 10) == [0, 0, 10])
        channel.members[2].health?.set(isUp: false, in: health)
        #expect(channel.selection().choose(hash: 0, tried: []) == nil)
        channel.members[0].health?.set(isUp: true, in: health)
        #expect(counts(channel, 10) == [10, 0, 0])
    }

    @Test func withoutPrimariesBackupsServe() {
        #expect(counts(channel(.roundRobin, [], backups: [1, 1]), 4) == [2, 2])
        #expect(channel(.roundRobin, []).everybody.choose(hash: 0, tried: []) == nil)
    }

    @Test(arguments: [BalancedChannel.Strategy.roundRobin, .leastConnections, .sourceHash, .uriHash])
    func repetitionsGoToOthersAndToBackupsLast(strategy: BalancedChannel.Strategy) throws {
        let channel = channel(strategy, [4, 2, 1], backups: [1])
        for key in 0..<20 as Range<UInt64> {
            var tried: [BalancedMember] = []
            for _ in 0..<4 { tried.append(try #require(channel.everybody.choose(hash: key, tried: tried))) }
            #expect(Set(tried.map(\.index)) == [0, 1, 2, 3])
            #expect(tried.last?.index == 3)
            #expect(channel.everybody.choose(hash: key, tried: tried) != nil, "when all have failed, anyone may be asked again")
        }
    }

    @Test func repetitionsDoNotShiftTheTurns() {
        let channel = channel(.roundRobin, [1, 1])
        for _ in 0..<10 {
            #expect(channel.everybody.choose(hash: 0, tried: [])?.index == 0)
            #expect(channel.everybody.choose(hash: 0, tried: [])?.index == 1)
            #expect(channel.everybody.choose(hash: 0, tried: [channel.members[1]])?.index == 0)
        }
    }

    // MARK: Health

    @Test func healthIsSeenByVersion() {
        let channel = channel(.roundRobin, [1, 1])
        let version = health.version
        #expect(channel.selection() === channel.everybody)
        channel.members[0].health?.set(isUp: false, in: health)
        #expect(health.version == version + 1)
        #expect(channel.selection().chosen.map(\.index) == [1])
    }

    private func plan(_ normal: Int, _ abnormal: Int) -> HealthCheckPlan {
        HealthCheckPlan(
            question: .connect, port: 0, thresholdNormal: normal, thresholdAbnormal: abnormal, intervalSeconds: 5, timeoutSeconds: 2)
    }

    /// Results in a row, `+` success and `-` failure, and whether the member counts as up after each.
    @Test(arguments: [
        (1, 1, "-+-+", "0101"), (2, 3, "--+---++", "11111001"), (3, 2, "--++-+++", "10000001"), (1, 2, "-+-+--", "111110"),
        (10, 10, "----------", "1111111110"), (2, 1, "-+-+++", "000011"),
    ])
    func thresholds(normal: Int, abnormal: Int, results: String, states: String) {
        var streak = HealthStreak()
        var seen = ""
        for result in results {
            let before = streak.isUp
            #expect(streak.record(succeeded: result == "+", plan: plan(normal, abnormal)) == (streak.isUp != before))
            seen += streak.isUp ? "1" : "0"
        }
        #expect(seen == states)
    }
}
