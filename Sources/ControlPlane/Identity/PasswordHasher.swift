import CryptoExtras
import Foundation
import GatewayPrimitives
import Synchronization

/// Hashes passwords with scrypt (RFC 7914) on a queue of its own. Any task.
///
/// One hash takes tens of milliseconds and 16 MiB by intent. So that a flood of logins costs one
/// core at most and never holds up anything else, hashes are made one after the other, and once
/// `waitingLimit` of them wait, further ones are refused at once.
public final class PasswordHasher: Sendable {
    /// Longest password in bytes of UTF-8; longer ones are refused unhashed.
    public static let lengthLimit = 256
    static let waitingLimit = 16

    /// Cost of new hashes; a hash that exists is verified at its own cost.
    private let cost: Cost

    private struct Cost: Equatable {
        var rounds: Int
        var blockSize: Int
        var parallelism: Int
    }

    private let queue = WorkThreads("passwords", limit: 1)
    private let waiting = Mutex(0)
    /// Compared when there is no such user, so that the answer takes as long.
    private let decoy: String

    /// - Parameter rounds: a power of two; 2^14 rounds of 128 * 8 bytes take 16 MiB. Tests take fewer.
    public init(rounds: Int = 1 << 14) {
        cost = Cost(rounds: rounds, blockSize: 8, parallelism: 1)
        decoy = Self.hash("", salt: [UInt8](repeating: 0, count: 16), cost) ?? ""
    }

    /// The hash of a new password, as text that holds algorithm, cost and salt.
    ///
    /// - Throws: ``IdentityError/badPassword``, ``IdentityError/busy``.
    public func hash(_ password: Secret) async throws(IdentityError) -> String {
        let length = password.revealed.utf8.count
        guard (1...Self.lengthLimit).contains(length) else { throw .badPassword }
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let cost = self.cost
        guard let hash = try await run({ Self.hash(password.revealed, salt: salt, cost) }) else { throw .badPassword }
        return hash
    }

    /// Whether the password has this hash; nil stands for a user that does not exist and costs the same.
    ///
    /// - Throws: ``IdentityError/busy``.
    public func verify(_ password: Secret, _ hash: String?) async throws(IdentityError) -> Bool {
        guard password.revealed.utf8.count <= Self.lengthLimit else { return false }
        let decoy = self.decoy
        return try await run {
            let matches = Self.matches(password.revealed, hash ?? decoy)
            return matches && hash != nil
        }
    }

    private func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async throws(IdentityError) -> Result {
        let admitted = waiting.withLock { count in
            guard count < Self.waitingLimit else { return false }
            count += 1
            return true
        }
        guard admitted else { throw .busy }
        return await withCheckedContinuation { continuation in
            queue.run { [self] in
                let result = work()
                waiting.withLock { $0 -= 1 }
                continuation.resume(returning: result)
            }
        }
    }

    private static func hash(_ password: String, salt: [UInt8], _ cost: Cost) -> String? {
        guard let key = derive(password, salt: salt, cost) else { return nil }
        return "scrypt$\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)$"
            + Data(salt).base64EncodedString() + "$" + Data(key).base64EncodedString()
    }

    private static func matches(_ password: String, _ hash: String) -> Bool {
        let parts = hash.split(separator: "$").map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Data(base64Encoded: parts[4]), let wanted = Data(base64Encoded: parts[5]),
            let key = derive(password, salt: [UInt8](salt), Cost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)),
            key.count == wanted.count
        else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(key, wanted) { difference |= a ^ b }
        return difference == 0
    }

    private static func derive(_ password: String, salt: [UInt8], _ cost: Cost) -> [UInt8]? {
        let key = try? KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: cost.rounds, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
        return key.map { $0.withUnsafeBytes { [UInt8]($0) } }
    }
}
