/// Cipher suites of TLS 1.2 that feature `ssl_ciphers` may name. The vendor lists two more, ECDHE-ECDSA-AES256-SHA384 and
/// ECDHE-RSA-AES256-SHA384, which the TLS library of this gateway does not have.
public enum CipherSuite: String, Sendable, CaseIterable {
    case ecdsaAES256GCM = "ECDHE-ECDSA-AES256-GCM-SHA384"
    case rsaAES256GCM = "ECDHE-RSA-AES256-GCM-SHA384"
    case ecdsaAES128GCM = "ECDHE-ECDSA-AES128-GCM-SHA256"
    case rsaAES128GCM = "ECDHE-RSA-AES128-GCM-SHA256"
    case ecdsaAES128CBC = "ECDHE-ECDSA-AES128-SHA256"
    case rsaAES128CBC = "ECDHE-RSA-AES128-SHA256"
}
