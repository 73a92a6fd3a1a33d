import GatewayPrimitives

/// Takes a chunked body apart (RFC 9112, 7.1), strictly and incrementally.
///
/// Extensions and trailers are checked, bounded and dropped: nothing in the gateway gives them a meaning, so nobody behind it may.
public struct ChunkDecoder: Sendable {
    public enum Event: Equatable, Sendable {
        /// All input was taken.
        case needsMore
        /// Body bytes at this place of the input.
        case data(start: Int, count: Int)
        /// The last chunk and the trailers are over; what follows is another message.
        case end
        case malformed
    }

    private enum State {
        case size, extensions, sizeLineFeed, data, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed, finished
    }

    private var state = State.size
    private var remaining = 0
    private var digits = 0
    private var lineBytes = 0
    private var extensionBytes = 0
    private var trailerBytes = 0

    public init() {}

    public var isFinished: Bool { state == .finished }

    /// Reads `input` from `offset` on, which is moved behind what was taken.
    public mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Event {
        while offset < input.count {
            if state == .data {
                let start = offset
                let taken = min(remaining, input.count - offset)
                offset += taken
                remaining -= taken
                if remaining == 0 { state = .dataReturn }
                return .data(start: start, count: taken)
            }
            if state == .finished { return .end }
            let byte = input[offset]
            offset += 1
            guard step(byte) else { return .malformed }
            if state == .finished { return .end }
        }
        return state == .finished ? .end : .needsMore
    }

    /// Moves on by one byte of the framing; false when it is not allowed there.
    private mutating func step(_ byte: UInt8) -> Bool {
        switch state {
        case .size:
            if let digit = hexadecimalValue(byte) {
                digits += 1
                // 15 digits cannot overflow; leading zeros count, so that a size line stays short.
                guard digits <= 15 else { return false }
                remaining = remaining << 4 | Int(digit)
                return true
            }
            guard digits > 0 else { return false }
            lineBytes = digits
            if byte == 0x0D {
                state = .sizeLineFeed
                return true
            }
            guard byte == UInt8(ascii: ";") else { return false }
            state = .extensions
            return true
        case .extensions:
            if byte == 0x0D {
                state = .sizeLineFeed
                return true
            }
            lineBytes += 1
            extensionBytes += 1
            return !ByteClass.isForbiddenInValue(byte) && lineBytes <= HTTPLimits.chunkLine
                && extensionBytes <= HTTPLimits.chunkExtensions
        case .sizeLineFeed:
            digits = 0
            state = remaining == 0 ? .trailerStart : .data
            return byte == 0x0A
        case .dataReturn:
            state = .dataLineFeed
            return byte == 0x0D
        case .dataLineFeed:
            state = .size
            return byte == 0x0A
        case .trailerStart:
            if byte == 0x0D {
                state = .lastLineFeed
                return true
            }
            state = .trailerName
            trailerBytes += 1
            return ByteClass.isToken(byte) && trailerBytes <= HTTPLimits.trailers
        case .trailerName:
            trailerBytes += 1
            if byte == UInt8(ascii: ":") {
                state = .trailerValue
                return true
            }
            return ByteClass.isToken(byte) && trailerBytes <= HTTPLimits.trailers
        case .trailerValue:
            if byte == 0x0D {
                state = .trailerLineFeed
                return true
            }
            trailerBytes += 1
            return !ByteClass.isForbiddenInValue(byte) && trailerBytes <= HTTPLimits.trailers
        case .trailerLineFeed:
            state = .trailerStart
            return byte == 0x0A
        case .lastLineFeed:
            state = .finished
            return byte == 0x0A
        case .data, .finished:
            return false
        }
    }
}
