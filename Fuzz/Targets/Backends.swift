import GatewayPrimitives
import NIOCore
import NIOEmbedded
import ProxyServer
import Snapshot

private func backend(retries: Int) -> HTTPBackend {
    HTTPBackend(
        upstream: Upstream(usesTLS: false, host: "192.0.2.2", port: 80, speaksHTTP2: true), hostHeader: Array("b".utf8), method: nil,
        path: .asReceived, timeoutMilliseconds: 1000, retry: .times(retries))
}

private let backends = [backend(retries: 0), backend(retries: 1)]
private let snapshots = backends.map { snapshot(to: .http($0), schemes: [.grpcs]) }

/// What backends of gRPC say and do, and when clients call them. The first byte: in which pieces backends' bytes come (two bits), whether
/// the client has small windows (4), whether calls are repeated (8), how many connections can be opened (16, 32). Then steps, whose lower
/// four bits say what is done, the upper ones `n` with what:
///
///     0  the backend says the next `n * 256 + following byte` bytes
///     1  a call begins; 1: its body follows, 2: with a timeout, 4: without a content type
///     2  the `n`th latest call is sent (following byte) * 64 bytes; odd: the last ones
///     3  the `n`th latest call is given up
///     4  the client takes (following byte) * 64 bytes more; of the `n - 1`th latest call, 0: of the connection
///     5  the backend is the `n`th of those that can be opened; from 8 on, it closes its connection before
///     6  who takes no bytes: 1: the client, 2: the backend
///     7  `n` * 100 milliseconds pass
///     8  the backend sends (following byte) * 64 zeros on stream `2n + 1`
///     9  the backend begins an answer on stream `2n + 1`
///    10  the backend ends an answer on stream `2n + 1`
private struct Play {
    let loop = EmbeddedEventLoop()
    let gateway: MemoryGateway
    let backend: HTTPBackend
    let pieceSize: Int
    var client: FaithfulClient
    var witnesses: [BackendWitness] = []
    var current = 0
    /// What was said before the gateway has opened the connection.
    var early: [[UInt8]]

    init(_ options: UInt8) throws {
        let retries = Int(options >> 3 & 1)
        backend = backends[retries]
        gateway = MemoryGateway(snapshots[retries], on: loop)
        pieceSize = [1, 9, 100, 1 << 20][Int(options) & 3]
        client = FaithfulClient(End(loop), initialCredit: options & 4 == 0 ? 1 << 20 : 100)
        try gateway.serve(client.end.channel)
        early = Array(repeating: [], count: Int(options >> 4 & 3) + 1)
        for _ in early {
            witnesses.append(BackendWitness(End(loop)))
            try gateway.offer(witnesses[witnesses.count - 1].end.channel, to: backend)
        }
        client.begin()
    }

    mutating func answer(_ bytes: some Collection<UInt8>) {
        early[current] += bytes
        speak(current)
    }

    private mutating func speak(_ index: Int) {
        guard witnesses[index].end.channel.isActive, !early[index].isEmpty else { return }
        let bytes = early[index]
        early[index] = []
        for start in stride(from: 0, to: bytes.count, by: pieceSize) {
            witnesses[index].end.say(bytes[start..<min(bytes.count, start + pieceSize)])
        }
    }

    mutating func step(_ input: UnsafeRawBufferPointer, _ at: inout Int) {
        func next() -> Int {
            defer { at += 1 }
            return at < input.count ? Int(input[at]) : 0
        }
        let kind = next()
        let n = kind >> 4
        switch kind & 15 {
        case 0:
            let count = n << 8 | next()
            let start = min(at, input.count)
            at = min(start + count, input.count)
            answer(input[start..<at])
        case 1: client.call(ends: n & 1 == 0, hasTimeout: n & 2 != 0, hasType: n & 4 == 0)
        case 2:
            let count = next()
            client.send(n, count * 64, ends: count & 1 == 1)
        case 3: client.cancel(n)
        case 4: client.widen(n == 0 ? nil : n - 1, by: next() * 64)
        case 5:
            if n >= 8 { witnesses[current].end.close() }
            current = n % 8 % witnesses.count
        case 6:
            client.end.become(writable: n & 1 == 0)
            witnesses[current].end.become(writable: n & 2 == 0)
        case 7: loop.advanceTime(by: .milliseconds(Int64(n) * 100))
        case 8: answer(Frame.bytes(0, 0, n * 2 + 1, [UInt8](repeating: 0, count: next() * 64)))
        case 9: answer(Frame.bytes(1, 4, n * 2 + 1, [0x88, 0x0F, 0x10, 16] + Array("application/grpc".utf8)))
        case 10: answer(Frame.bytes(1, 5, n * 2 + 1, [0x00, 11] + Array("grpc-status".utf8) + [1, UInt8(ascii: "0")]))
        default: break
        }
    }

    mutating func settle() {
        loop.run()
        for index in witnesses.indices { speak(index) }
        loop.run()
        client.hear()
        for index in witnesses.indices { witnesses[index].hear() }
        let state = gateway.state(towards: backend)
        hold(state.streams <= gateway.activeRequests, "\(state.streams) streams for \(gateway.activeRequests) requests")
        hold(state.sessions <= state.open && state.open <= witnesses.count, "\(state.sessions) of \(state.open) connections take streams")
        hold(state.waitingBytes <= state.streams * 192 * 1024, "\(state.waitingBytes) bytes wait")
    }

    /// Backends say no more, and everybody takes everything.
    mutating func end() {
        client.end.become(writable: true)
        for witness in witnesses { witness.end.become(writable: true) }
        client.takeAll()
        settle()
        // A repeated call may open the next one.
        for _ in 0...witnesses.count {
            for witness in witnesses { witness.end.close() }
            settle()
        }
        client.holdEnded()
        client.sayTheRest()
        settle()
        let state = gateway.state(towards: backend)
        hold(state.open == 0 && state.sessions == 0 && state.streams == 0, "left: \(state)")
        hold(gateway.activeRequests == 0, "\(gateway.activeRequests) requests are left")
        hold(gateway.countedRequests == client.count, "\(gateway.countedRequests) requests for \(client.count) calls")
        client.end.close()
        loop.run()
        hold(gateway.clientSessions == 0, "a session is left")
        let said = witnesses.reduce(0) { $0 + $1.end.said.count }
        let heard = witnesses.reduce(0) { $0 + $1.end.heard.count }
        let streams = witnesses.reduce(0) { $0 + $1.count }
        hold(heard <= 4096 + 16 * said + 600 * streams + 4 * client.sent, "\(heard) bytes for \(said) of backends, \(client.sent) of clients")
        let granted = witnesses.reduce(0) { $0 + $1.granted }
        hold(granted <= client.received + streams * 256 * 1024, "backends may send \(granted), clients got \(client.received)")
        dismantle(gateway, loop)
    }
}

/// Whatever backends of gRPC do, each call ends once, and nothing is left behind.
let http2Backend: FuzzTarget = { input in
    guard var play = try? Play(input.first ?? 0) else { preconditionFailure("handlers cannot be added") }
    var at = 1
    while at < input.count {
        play.step(input, &at)
        play.settle()
    }
    play.end()
}
