import GatewayPrimitives
import NIOCore
import NIOSSL
import ProxyPipeline
import Snapshot

/// A context of NIOSSL for one certificate.
final class ListenerContext: PreparedTLS {
    let context: NIOSSLContext

    init(_ context: NIOSSLContext) { self.context = context }
}

extension ProxyServer {
    /// Makes the contexts of managed certificates and of connections to backends; any thread.
    ///
    /// - Parameter verifiesBackends: whether the certificates of backends count where no authority is given for them.
    public static func prepareTLS(verifiesBackends: Bool) -> TLSPreparation {
        { material in
            switch material.side {
            case .listener: try listenerContext(material)
            case .backend: try BackendContext(material, verifies: verifiesBackends)
            }
        }
    }

    private static func listenerContext(_ material: TLSMaterial) throws -> ListenerContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(material.chain.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(material.key.revealed.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = material.minimum == .tls11 ? .tlsv11 : .tlsv12
        configuration.applicationProtocols = material.offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        if !material.cipherSuites.isEmpty { configuration.cipherSuites = material.cipherSuites.joined(separator: ":") }
        if !material.authorities.isEmpty {
            configuration.trustRoots = .certificates(
                try NIOSSLCertificate.fromPEMBytes(Array(material.authorities.utf8)))
            // A client without a certificate gets an answer that says so; one whose certificate does not verify is cut off.
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
        }
        return ListenerContext(try NIOSSLContext(configuration: configuration))
    }
}

/// Reads the client hello of a connection, puts a TLS handler with the certificate for its server name behind itself, and leaves.
///
/// The choice is made with the loop's snapshot at that moment: a certificate that has been bound, renewed or removed counts for
/// the next handshake, and open connections keep theirs.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let loop: LoopState
    private let fallback: NIOSSLContext
    private let connection: ClientConnection
    private var received = ByteBuffer()
    private var isDecided = false

    init(loop: LoopState, fallback: NIOSSLContext, connection: ClientConnection) {
        self.loop = loop
        self.fallback = fallback
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        guard !isDecided else {
            context.fireChannelRead(wrapInboundOut(buffer))
            return
        }
        received.writeBuffer(&buffer)
        switch received.withUnsafeReadableBytes({ ClientHello.read($0) }) {
        case .needsMore: break
        case .unreadable: goOn(context, with: fallback, authority: nil)
        case .complete(let hello): choose(context, hello)
        }
    }

    private func choose(_ context: ChannelHandlerContext, _ hello: ClientHello) {
        guard let name = hello.serverName, let rules = loop.snapshot.domainShown(to: name),
            let identity = rules.identity(for: hello)
        else {
            var own = fallback
            if let plain = loop.configuration.tlsWithoutHTTP2, loop.snapshot.refusesHTTP2(at: hello.serverName) { own = plain }
            return goOn(context, with: own, authority: nil)
        }
        guard let prepared = identity.context as? ListenerContext else {
            // Another certificate would not be what the domain was given.
            isDecided = true
            context.close(promise: nil)
            return
        }
        goOn(context, with: prepared.context, authority: rules.authority)
    }

    private func goOn(_ context: ChannelHandlerContext, with tls: NIOSSLContext, authority: ClientAuthority?) {
        isDecided = true
        connection.requestedAuthority = authority
        do {
            try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .after(self))
        } catch {
            context.close(promise: nil)
            return
        }
        let first = received
        received = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(first))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
