/// A pattern of the contract, compiled by the generator, matched in time bounded by
/// `FieldPattern.longestInput` times the size of the pattern: positions are advanced as a set, so
/// that there is no backtracking for an attacker to blow up.
///
/// Semantics of JSON Schema: the pattern is searched anywhere unless anchored; characters are
/// Unicode scalars; `$` matches at the very end only.
struct FieldPattern: Sendable {
    indirect enum Node: Sendable {
        case start
        case end
        case set([ClosedRange<UInt32>])
        case sequence([Node])
        case either([Node])
        /// Least and most repetitions; no most means unlimited.
        case times(Int, Int?, Node)
    }

    /// Longer texts match no pattern, unread (scalars). The longest text a pattern of the contract
    /// allows by its own counts has 255.
    static let longestInput = 4096

    private let node: Node

    init(_ node: Node) { self.node = node }

    func matches(_ text: String) -> Bool {
        guard text.utf8.count <= 4 * FieldPattern.longestInput else { return false }
        let scalars = text.unicodeScalars.map(\.value)
        guard scalars.count <= FieldPattern.longestInput else { return false }
        return !advance(node, Array(0...scalars.count), scalars).isEmpty
    }

    /// The positions after the node, for a sorted list of positions before it.
    private func advance(_ node: Node, _ positions: [Int], _ text: [UInt32]) -> [Int] {
        switch node {
        case .start:
            return positions.first == 0 ? [0] : []
        case .end:
            return positions.last == text.count ? [text.count] : []
        case .set(let ranges):
            return positions.compactMap { position in
                guard position < text.count else { return nil }
                let scalar = text[position]
                return ranges.contains { $0.contains(scalar) } ? position + 1 : nil
            }
        case .sequence(let nodes):
            var current = positions
            for node in nodes where !current.isEmpty { current = advance(node, current, text) }
            return current
        case .either(let nodes):
            return FieldPattern.union(nodes.map { advance($0, positions, text) }, text.count)
        case .times(let least, let most, let body):
            return repeated(least, most, body, positions, text)
        }
    }

    private func repeated(_ least: Int, _ most: Int?, _ body: Node, _ positions: [Int], _ text: [UInt32]) -> [Int] {
        var current = positions
        for _ in 0..<least where !current.isEmpty { current = advance(body, current, text) }
        // From here on each repetition adds positions; one that adds none ends the loop, so that
        // no position is left more than once.
        var seen = [Bool](repeating: false, count: text.count + 1)
        for position in current { seen[position] = true }
        var rounds = least
        while !current.isEmpty, most.map({ rounds < $0 }) ?? true {
            current = advance(body, current, text).filter { !seen[$0] }
            for position in current { seen[position] = true }
            rounds += 1
        }
        return seen.indices.filter { seen[$0] }
    }

    private static func union(_ lists: [[Int]], _ count: Int) -> [Int] {
        var seen = [Bool](repeating: false, count: count + 1)
        for list in lists { for position in list { seen[position] = true } }
        return seen.indices.filter { seen[$0] }
    }
}
