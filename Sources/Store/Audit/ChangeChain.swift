import Crypto
import Foundation

/// The seals of the change records: HMAC-SHA256, under a key derived from the key file, over the record and the seal of the
/// record before it. Who can write to the database and has not the key file can neither change, remove, add nor reorder a
/// record without ``ChangeVerification`` finding it. Any thread.
public struct ChangeChain: Sendable {
    private let key: SymmetricKey

    init(key: SymmetricKey) { self.key = key }

    /// - Parameter previous: seal of the record before; empty for the first.
    public func seal(_ change: ChangeRow, after previous: String) -> String {
        var message = Message()
        message.add(previous)
        for value in change.values.dropLast() { message.add(value) }
        return seal(message)
    }

    /// Seal of the whole: how many records there are, and the seal of the last one.
    public func seal(count: Int, last: String) -> String {
        var message = Message()
        message.add("whole")
        message.add(SQLValue(count))
        message.add(last)
        return seal(message)
    }

    private func seal(_ message: Message) -> String {
        HMAC<SHA256>.authenticationCode(for: message.bytes, using: key).map { String(format: "%02x", $0) }.joined()
    }

    /// Values with their kind and length before them, so that no two lists of values have the same bytes.
    private struct Message {
        var bytes: [UInt8] = []

        mutating func add(_ text: String) { add(.text(text)) }

        mutating func add(_ value: SQLValue) {
            switch value {
            case .null: bytes.append(0)
            case .integer(let number):
                bytes.append(1)
                withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
            case .text(let text):
                bytes.append(2)
                withUnsafeBytes(of: UInt64(text.utf8.count).bigEndian) { bytes += $0 }
                bytes += text.utf8
            }
        }
    }
}

extension SecretBox {
    /// The chain whose key belongs to this key file.
    public var changeChain: ChangeChain {
        ChangeChain(
            key: HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data("gatehouse change records".utf8), outputByteCount: 32))
    }
}
