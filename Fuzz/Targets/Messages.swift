import GatewayPrimitives
import ProxyPipeline
import Snapshot

/// A head means the same in whatever pieces it comes, and what is written of it for a backend is read as that again.
let requestHead: FuzzTarget = { input in
    let whole = RequestHead()
    let progress = whole.feed(input)
    let pieces = RequestHead()
    var last = HeadProgress.needsMore
    var taken = 0
    for index in input.indices {
        last = pieces.feed(UnsafeRawBufferPointer(rebasing: input[index...index]))
        guard case .needsMore = last else { break }
        taken += 1
    }
    switch (progress, last) {
    case (.complete(let consumed), .complete(1)):
        hold(consumed == taken + 1, "the head ends at another place")
        hold(whole.methodName.equals(pieces.methodName.array) && whole.target.equals(pieces.target.array), "another request line")
        hold(whole.fieldCount == pieces.fieldCount && whole.framing == pieces.framing, "other fields")
    case (.refused, .refused), (.needsMore, .needsMore): return
    default: preconditionFailure("\(progress) at once, \(last) byte by byte")
    }
    guard whole.normalizePath(keepsEscapes: input.count % 2 == 0) else { return }
    _ = whole.host
    _ = whole.query
    forwardIsReadable(whole)
}

private func forwardIsReadable(_ head: RequestHead) {
    guard !head.isAsterisk else { return }
    let backend = HTTPBackend(
        upstream: Upstream(usesTLS: false, host: "backend", port: 80), hostHeader: Array("backend:80".utf8), method: nil,
        path: .asReceived, timeoutMilliseconds: 1000, retry: .automatic)
    let request = ForwardedRequest(
        backend: backend, captures: RouteCaptures(), framing: head.framing, peerText: Array("192.0.2.1".utf8), clientText: nil,
        listenerPort: 80, usesTLS: false, requestID: RequestID(high: 1, low: 2))
    let area = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestWriter.bound(head, request), alignment: 8)
    defer { area.deallocate() }
    var writer = ByteWriter(area)
    guard (try? RequestWriter.write(head, request, to: &writer)) != nil else { return }
    hold(!writer.overflowed, "the bound is too small")
    let written = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(area)[..<writer.count])
    let read = RequestHead()
    switch read.feed(written) {
    case .complete(let consumed): hold(consumed == writer.count, "one request became two")
    // Lines that were added may lift a head above the limits.
    case .refused(.malformed(let defect)): preconditionFailure("not a request any more: \(defect)")
    case .refused: break
    case .needsMore: preconditionFailure("the head has no end")
    }
    let before = head.framing, after = read.framing
    hold(before == after || (before == .none && after == .length(0)), "the body became another one")
}

/// The same body, whether the input comes at once or byte by byte.
let chunkedBody: FuzzTarget = { input in
    func decode(_ pieces: [UnsafeRawBufferPointer]) -> (body: [UInt8], end: ChunkDecoder.Event, consumed: Int) {
        var decoder = ChunkDecoder()
        var body: [UInt8] = []
        var consumed = 0
        for piece in pieces {
            var offset = 0
            loop: while true {
                switch decoder.next(piece, &offset) {
                case .data(let start, let count):
                    hold(start >= 0 && count >= 0 && start + count <= piece.count, "data outside of the input")
                    body += piece[start..<start + count]
                case .needsMore: break loop
                case .end: return (body, .end, consumed + offset)
                case .malformed: return (body, .malformed, 0)
                }
            }
            consumed += piece.count
        }
        return (body, .needsMore, consumed)
    }
    let whole = decode([input])
    let bytes = decode(input.indices.map { UnsafeRawBufferPointer(rebasing: input[$0...$0]) })
    hold(whole.body == bytes.body && whole.end == bytes.end && whole.consumed == bytes.consumed, "\(whole) but \(bytes)")
}

/// Never more is taken than is there, and the end of the header does not depend on what follows.
let proxyHeader: FuzzTarget = { input in
    let outcome = ProxyHeader.read(input)
    if case .complete(let count, _) = outcome {
        hold(count <= input.count && count <= ProxyHeader.limit, "taken: \(count) of \(input.count)")
        hold(ProxyHeader.read(UnsafeRawBufferPointer(rebasing: input[..<count])) == outcome, "another header without what follows")
    }
}
