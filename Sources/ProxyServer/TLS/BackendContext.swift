import GatewayPrimitives
import NIOSSL
import Snapshot

/// A context of NIOSSL for connections to backends.
final class BackendContext: PreparedTLS {
    let context: NIOSSLContext
    /// The same, agreeing upon HTTP/2 alone.
    let http2: NIOSSLContext

    /// - Parameter verifies: whether certificates of backends count where the material names no authority.
    init(_ material: TLSMaterial, verifies: Bool) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = verifies ? .fullVerification : .none
        if !material.authorities.isEmpty {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(material.authorities.utf8)))
            configuration.certificateVerification = .fullVerification
        }
        if !material.chain.isEmpty {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(material.chain.utf8)).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(material.key.revealed.utf8), format: .pem))
        }
        context = try NIOSSLContext(configuration: configuration)
        configuration.applicationProtocols = ["h2"]
        http2 = try NIOSSLContext(configuration: configuration)
    }
}
