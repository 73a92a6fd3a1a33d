import GatewayPrimitives
import Snapshot

/// The parts that events of authorizers and of function backends have in common.
enum EventWriter {
    /// All headers, names in lower case, lines of one name as one (RFC 9110, 5.3).
    ///
    /// - Parameter added: lines that replace those of the same name.
    static func headers(_ facts: RequestFacts, to writer: inout JSONWriter) {
        writer.beginObject()
        var seen: Set<[UInt8]> = []
        let head = facts.head
        for index in 0..<head.fieldCount where !head.isRemoved(at: index) {
            let name = head.name(at: index).array.map(asciiLowercase)
            guard seen.insert(name).inserted else { continue }
            name.withUnsafeBytes { writer.name($0) }
            writer.string(joined(head, name, first: index))
        }
        writer.endObject()
    }

    private static func joined(_ head: RequestHead, _ name: [UInt8], first: Int) -> [UInt8] {
        var value = head.value(at: first).array
        for index in (first + 1)..<max(first + 1, head.fieldCount)
        where !head.isRemoved(at: index) && head.name(at: index).equalsIgnoringCase(name) {
            value += head.known(at: index) == .cookie ? [UInt8(ascii: ";"), 0x20] : [UInt8(ascii: ","), 0x20]
            value += head.value(at: index).array
        }
        return value
    }

    /// All query parameters, decoded; the first value of each.
    static func query(_ query: ByteView?, to writer: inout JSONWriter) {
        writer.beginObject()
        var seen: Set<[UInt8]> = []
        if let query {
            QueryParameters(query).forEach { rawName, rawValue in
                let name = PercentEncoding.decode(rawName.array, plusIsBlank: true)
                guard seen.insert(name).inserted else { return true }
                name.withUnsafeBytes { writer.name($0) }
                writer.string(PercentEncoding.decode(rawValue.array, plusIsBlank: true))
                return true
            }
        }
        writer.endObject()
    }

    /// `requestContext`.
    static func context(_ values: RequestValues, to writer: inout JSONWriter) {
        writer.name("requestContext")
        writer.beginObject()
        writer.name("apiId")
        writer.string(values.identity.apiID)
        writer.name("requestId")
        writer.string(values.facts.requestID.text)
        writer.name("stage")
        writer.string(values.identity.environmentName)
        writer.endObject()
    }

    static func body(_ body: UnsafeRawBufferPointer, encodes: Bool, to writer: inout JSONWriter) {
        writer.name("body")
        if encodes { writer.base64(body) } else { writer.string(body) }
    }
}
