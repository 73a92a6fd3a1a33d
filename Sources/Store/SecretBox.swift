import Crypto
import Foundation
import GatewayPrimitives

/// Seals secrets for the database with AES-256-GCM under the key file of the data folder. Any thread.
///
/// The sealed text names its place (`context`, such as `signs.sign_secret:<id>`), so that a sealed value copied into another
/// row does not open there.
public struct SecretBox: Sendable {
    let key: SymmetricKey

    /// - Parameter keyMaterial: 32 random bytes.
    public init(keyMaterial: [UInt8]) {
        precondition(keyMaterial.count == 32, "the key file holds 32 bytes: checked when it is read")
        key = SymmetricKey(data: keyMaterial)
    }

    public func seal(_ text: String, context: String) throws(StoreError) -> String {
        do {
            let box = try AES.GCM.seal(Data(text.utf8), using: key, authenticating: Data(context.utf8))
            guard let combined = box.combined else { throw StoreError.failed(detail: "AES-GCM gave no combined form") }
            return combined.base64EncodedString()
        } catch {
            throw .failed(detail: "sealing failed")
        }
    }

    /// - Throws: ``StoreError/malformed(_:)`` when the text was not sealed with this key for this place.
    public func open(_ sealed: String, context: String) throws(StoreError) -> String {
        do {
            guard let data = Data(base64Encoded: sealed) else { throw StoreError.malformed("not base64") }
            let opened = try AES.GCM.open(AES.GCM.SealedBox(combined: data), using: key, authenticating: Data(context.utf8))
            guard let text = String(bytes: opened, encoding: .utf8) else { throw StoreError.malformed("not UTF-8") }
            return text
        } catch {
            throw .malformed("a secret cannot be opened with this key file: \(context)")
        }
    }

    /// A keyed hash (HMAC-SHA-256, base64) by which a sealed text is found, and by which nobody without the key file can
    /// recognise a guess.
    ///
    /// - Parameter context: the place; equal texts of two places have two fingerprints.
    public func fingerprint(_ text: String, context: String) -> String {
        var hash = HMAC<SHA256>(key: key)
        hash.update(data: Data(context.utf8))
        hash.update(data: Data([0]))
        hash.update(data: Data(text.utf8))
        return Data(hash.finalize()).base64EncodedString()
    }
}
