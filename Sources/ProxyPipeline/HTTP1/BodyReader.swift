/// Finds the end of a message body, incrementally, for requests and answers alike.
public struct BodyReader: Sendable {
    public enum Event: Equatable, Sendable {
        case needsMore
        /// Body bytes at this place of the input.
        case data(start: Int, count: Int)
        /// The message is complete; what follows is another one.
        case end
        case malformed
        /// More body than the limit.
        case tooLarge
    }

    private enum Kind {
        case length(Int)
        case chunked(ChunkDecoder)
        case untilClose
        case finished
    }

    private var kind: Kind
    /// Body bytes so far, framing not counted.
    public private(set) var received = 0
    private let limit: Int

    /// - Parameter limit: most body bytes that are accepted.
    public init(_ framing: BodyFraming, limit: Int = .max) {
        self.limit = limit
        kind =
            switch framing {
            case .none, .length(0): .finished
            case .length(let count): .length(count)
            case .chunked: .chunked(ChunkDecoder())
            case .untilClose: .untilClose
            }
    }

    public var isComplete: Bool {
        if case .finished = kind { return true }
        return false
    }

    /// Bytes still to come when the length is known.
    public var remaining: Int? {
        switch kind {
        case .finished: 0
        case .length(let count): count
        case .chunked, .untilClose: nil
        }
    }

    /// The body may end with the connection.
    public var endsWithConnection: Bool {
        if case .untilClose = kind { return true }
        return false
    }

    /// Reads `input` from `offset` on, which is moved behind what was taken.
    public mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        switch kind {
        case .finished:
            return .end
        case .length(let count):
            let taken = min(count, input.count - offset)
            guard taken > 0 else { return .needsMore }
            let start = offset
            offset += taken
            received += taken
            kind = taken == count ? .finished : .length(count - taken)
            return received > limit ? .tooLarge : .data(start: start, count: taken)
        case .untilClose:
            let start = offset
            guard input.count > start else { return .needsMore }
            offset = input.count
            received += offset - start
            return .data(start: start, count: offset - start)
        case .chunked(var decoder):
            let event = decoder.next(input, &offset)
            kind = .chunked(decoder)
            switch event {
            case .needsMore: return .needsMore
            case .malformed: return .malformed
            case .data(let start, let count):
                received += count
                return received > limit ? .tooLarge : .data(start: start, count: count)
            case .end:
                kind = .finished
                return .end
            }
        }
    }
}
