import CryptoExtras
import GatewayPrimitives

/// RSA keys in the form that a signature key of type public_key can hold.
///
/// `sign_key` and `sign_secret` may hold letters, digits and `_ - + / =` only, so a PEM text with its blanks and line ends does not
/// fit. What fits is the base64 text between a PEM's first and last line, or base64url of the same, padded or not:
/// `sign_secret` is PKCS #8 or PKCS #1 private key, `sign_key` is SubjectPublicKeyInfo or PKCS #1 public key. PEM is read too.
public enum RSAKeyText {
    /// A new pair of 2048 bits: a larger public key would not fit into 512 characters.
    public static func generate() throws(SigningKeyError) -> (publicKey: String, privateKey: Secret) {
        guard let key = try? _RSA.Signing.PrivateKey(keySize: .bits2048) else { throw .notAPrivateKey }
        return (text(Array(key.publicKey.derRepresentation)), Secret(text(Array(key.pkcs8DERRepresentation))))
    }

    /// Whether `sign_key` and `sign_secret` are a pair that can sign and be checked.
    public static func validate(publicKey: String, privateKey: Secret) throws(SigningKeyError) {
        let pair = try Self.privateKey(privateKey).publicKey
        guard let given = try? Self.publicKey(publicKey), Array(given.derRepresentation) == Array(pair.derRepresentation) else {
            throw .notThePublicKey
        }
    }

    /// The PEM text that the gateway serves to backends: of the public key that fits `privateKey`.
    public static func publicKeyPEM(privateKey: Secret) throws(SigningKeyError) -> String {
        try Self.privateKey(privateKey).publicKey.pemRepresentation
    }

    static func privateKey(_ secret: Secret) throws(SigningKeyError) -> _RSA.Signing.PrivateKey {
        let text = secret.revealed
        if text.hasPrefix("-----BEGIN"), let key = try? _RSA.Signing.PrivateKey(pemRepresentation: text) { return key }
        guard let der = decode(text) else { throw .notAPrivateKey }
        if let key = try? _RSA.Signing.PrivateKey(derRepresentation: der) { return key }
        throw .notAPrivateKey
    }

    private static func publicKey(_ text: String) throws(SigningKeyError) -> _RSA.Signing.PublicKey {
        if text.hasPrefix("-----BEGIN"), let key = try? _RSA.Signing.PublicKey(pemRepresentation: text) { return key }
        guard let der = decode(text), let key = try? _RSA.Signing.PublicKey(derRepresentation: der) else {
            throw .notThePublicKey
        }
        return key
    }

    private static func text(_ der: [UInt8]) -> String { String(decoding: Base64.encode(der), as: UTF8.self) }

    private static func decode(_ text: String) -> [UInt8]? {
        var bytes = text.utf8.map { byte in
            byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
        }
        while bytes.count % 4 != 0 { bytes.append(UInt8(ascii: "=")) }
        return Base64.decode(bytes)
    }
}
