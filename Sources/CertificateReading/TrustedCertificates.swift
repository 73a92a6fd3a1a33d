/// Certificates whose holders are believed.
public enum TrustedCertificates {
    /// - Parameter text: PEM, at most ``ServerCertificate/countLimit``.
    /// - Throws: ``CertificateFault/unreadable``.
    public static func check(_ text: String) throws(CertificateFault) { _ = try ServerCertificate.certificates(text) }
}
