import Dispatch
import GatewayPrimitives
import NIOCore
import NIOEmbedded
import ProxyPipeline
import ProxyServer
import Snapshot

/// Everything on host `h` goes to one place.
func snapshot(to backend: Snapshot.Backend, schemes: AllowedSchemes = [.http]) -> GatewaySnapshot {
    let route = Route(
        identity: RouteIdentity(
            apiID: "a", apiName: "a", groupID: "g", groupName: "g", environmentID: "e", environmentName: "RELEASE", publishID: "p"),
        // A fixed text, which is a path.
        method: .any, path: try! PathTemplate(parsing: "/", allowsRest: false), matchMode: .prefix, schemes: schemes,
        refusal: nil, backend: backend, policies: RoutePolicies())
    let host = VirtualHost(
        groupID: "g", groupName: "g", instance: 0,
        environments: [EnvironmentRoutes(id: "e", name: Array("RELEASE".utf8), routes: RouteTable().inserting(route))])
    return GatewaySnapshot(
        revision: 1, hosts: ByteTrie().setting(Array("h".utf8), to: host), wildcardHosts: ByteTrie(),
        instances: [InstanceSettings(instanceID: "i")])
}

/// One end of a connection, and everything that the gateway has written to it.
struct End {
    let channel: EmbeddedChannel
    private(set) var said: [UInt8] = []
    private(set) var heard: [UInt8] = []

    init(_ loop: EmbeddedEventLoop) { channel = EmbeddedChannel(loop: loop) }

    /// The address is one.
    func connect() { channel.connect(to: try! SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil) }

    mutating func say(_ bytes: some Collection<UInt8>) {
        guard channel.isActive, !bytes.isEmpty else { return }
        said += bytes
        // What a handler throws ends its connection, as on a socket.
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    mutating func hear() {
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { heard += buffer.readableBytesView }
    }

    func close() { _ = try? channel.finish(acceptAlreadyClosed: true) }

    func become(writable: Bool) {
        guard channel.isActive, channel.isWritable != writable else { return }
        channel.isWritable = writable
        channel.pipeline.fireChannelWritabilityChanged()
    }
}

/// What is over leaves nothing behind, so that runs do not add up.
func dismantle(_ gateway: MemoryGateway, _ loop: EmbeddedEventLoop) {
    gateway.end()
    // Ticks that are to come refer to the loop.
    loop.shutdownGracefully(queue: lastWords) { _ in }
}

private let lastWords = DispatchQueue(label: "fuzz")

private let fixedAnswer = snapshot(to: .mock(MockBackend(status: 200, headers: [], body: Array("answer".utf8))))

/// Frames of a client are answered with frames, in bounded work, and leave nothing behind. The last byte says in which pieces.
let http2Frames: FuzzTarget = { input in
    let loop = EmbeddedEventLoop()
    let gateway = MemoryGateway(fixedAnswer, on: loop)
    var client = End(loop)
    do { try gateway.serve(client.channel) } catch { preconditionFailure("\(error)") }
    client.connect()
    client.say(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
    let size = [1, 9, 100, 1 << 20][Int(input.last ?? 0) % 4]
    for start in stride(from: 0, to: input.count, by: size) {
        client.say(input[start..<min(input.count, start + size)])
        loop.run()
        client.hear()
    }
    client.close()
    client.hear()
    hold(gateway.activeRequests == 0, "requests are left")
    dismantle(gateway, loop)
    var offset = 0
    while offset < client.heard.count {
        hold(client.heard.count - offset >= 9, "half a frame")
        let length = Int(client.heard[offset]) << 16 | Int(client.heard[offset + 1]) << 8 | Int(client.heard[offset + 2])
        hold(offset > 0 || client.heard[offset + 3] == 4, "SETTINGS are not first")
        hold(client.heard[offset + 3] <= 9, "a frame of no kind")
        offset += 9 + length
    }
    hold(offset == client.heard.count, "the last frame is not whole")
    hold(client.heard.count <= 4096 + 600 * input.count, "\(client.heard.count) bytes for \(input.count)")
}

private let tunnelBackend = HTTPBackend(
    upstream: Upstream(usesTLS: false, host: "192.0.2.2", port: 80), hostHeader: Array("b".utf8), method: nil, path: .asReceived,
    timeoutMilliseconds: 1000, retry: .times(0))
private let tunnelled = snapshot(to: .http(tunnelBackend))

/// Only the backend's 101 makes bytes pass that nobody reads.
let upgrade: FuzzTarget = { input in
    let loop = EmbeddedEventLoop()
    let gateway = MemoryGateway(tunnelled, on: loop)
    var client = End(loop)
    var backend = End(loop)
    do {
        try gateway.serve(client.channel)
        try gateway.offer(backend.channel, to: tunnelBackend)
    } catch {
        preconditionFailure("\(error)")
    }
    client.connect()
    backend.connect()
    for (turn, bytes) in input.split(separator: 0x1E, omittingEmptySubsequences: false).enumerated() {
        if turn % 2 == 0 { client.say(bytes) } else { backend.say(bytes) }
        loop.run()
        client.hear()
        backend.hear()
    }
    client.close()
    backend.close()
    client.hear()
    backend.hear()
    hold(gateway.activeRequests == 0, "requests are left")
    dismantle(gateway, loop)
    // Another protocol by prior knowledge has frames, and no tunnel.
    guard !client.said.starts(with: Array("PRI * HTTP/2.0".utf8)) else { return }
    // Whether an answer has a body depends on its request, which is not followed here.
    guard !client.said.split(separator: UInt8(ascii: " ")).contains(where: { $0.suffix(4).elementsEqual("HEAD".utf8) }) else { return }
    let agreed = behindSwitch(backend.said)
    let opened = behindSwitch(client.heard)
    if let opened {
        guard let agreed else { preconditionFailure("a 101 that no backend has sent") }
        hold(agreed.starts(with: opened), "another word than the backend's")
    } else {
        hold(isRequests(backend.heard), "the backend got what is no request")
    }
}

/// What follows the first 101 that is no part of another answer; nil: there is none.
private func behindSwitch(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    bytes.withUnsafeBytes { bytes in
        var offset = 0
        while offset < bytes.count {
            let head = ResponseHead()
            guard case .complete(let count) = head.feed(UnsafeRawBufferPointer(rebasing: bytes[offset...])) else { return nil }
            offset += count
            if head.status == 101 { return Array(bytes)[offset...] }
            if head.isInterim { continue }
            guard skipBody(head.framing, bytes, &offset) else { return nil }
        }
        return nil
    }
}

/// True for nothing but requests, the last one perhaps in part.
private func isRequests(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
        var offset = 0
        while offset < bytes.count {
            let head = RequestHead()
            switch head.feed(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            case .needsMore: return true
            // Lines that were added may lift a head above the limits of what is read here.
            case .refused(.malformed): return false
            case .refused: return true
            case .complete(let count): offset += count
            }
            if !skipBody(head.framing, bytes, &offset) { return offset == bytes.count }
        }
        return true
    }
}

/// - Returns: false when the body does not end here.
private func skipBody(_ framing: BodyFraming, _ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
    var reader = BodyReader(framing)
    while !reader.isComplete {
        switch reader.next(bytes, &offset) {
        case .data: continue
        case .end: return true
        case .needsMore:
            offset = bytes.count
            return false
        case .malformed, .tooLarge: return false
        }
    }
    return true
}
