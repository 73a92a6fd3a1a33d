import GatewayPrimitives
import Snapshot

/// What the mapping makes of the request's first line and headers, as bytes for the backend.
extension MappedRequest {
    func writePath(_ head: RequestHead, _ captures: RouteCaptures, to writer: inout ByteWriter) {
        guard let pieces = mapping?.path else { return }
        var next = 0
        for piece in pieces {
            switch piece {
            case .literal(let literal): writer.append(literal)
            case .capture(let index): RequestWriter.writeCapture(index, head, captures, to: &writer)
            case .tail: RequestWriter.writeTail(head, captures, to: &writer)
            case .value(let value):
                guard next < path.count else { continue }
                if keepsEscapes(value, head) {
                    writer.append(view(path[next]))
                } else {
                    writer.append(pathEncoding: view(path[next]), keepsSlashes: false)
                }
                next += 1
            }
        }
    }

    /// With the question mark, when there is anything.
    func writeQuery(_ received: ByteView?, to writer: inout ByteWriter) {
        guard let mapping else { return }
        var isFirst = true
        func part(_ writer: inout ByteWriter) {
            writer.append(isFirst ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            isFirst = false
        }
        if let received, !received.isEmpty || query.isEmpty {
            if pairs.allSatisfy({ !holds($0) }) {
                // Nothing is taken out of it, so not a byte of it changes.
                part(&writer)
                writer.append(received)
            } else {
                for pair in pairs where !holds(pair) {
                    part(&writer)
                    writer.append(received.slice(pair.start, pair.end))
                }
            }
        }
        for line in query {
            part(&writer)
            writer.append(mapping.query[line.target].name)
            writer.append(UInt8(ascii: "="))
            writer.append(encoding: view(line.value), keeping: PercentEncoding.queryValue)
        }
    }

    /// - Parameters:
    ///   - skipping: lower-case name of a header that is not this one's to write.
    ///   - joins: several values of one header go in one line, because a signature covers a name once.
    /// - Returns: lower-case names and values as written, for a signature; empty unless `joins`.
    func writeHeaders(skipping: [UInt8]?, joins: Bool, to writer: inout ByteWriter) -> [(target: Int, value: ByteView)] {
        guard let mapping else { return [] }
        var written: [(target: Int, value: ByteView)] = []
        var index = 0
        while index < headers.count {
            let line = headers[index]
            index += 1
            let target = mapping.headers[line.target]
            if let skipping, target.lowercase == skipping { continue }
            writer.append(target.name)
            writer.append(": ")
            let start = writer.count
            writer.append(view(line.value))
            while joins, index < headers.count, headers[index].target == line.target {
                writer.append(", ")
                writer.append(view(headers[index].value))
                index += 1
            }
            if joins { written.append((line.target, writer.view(start, writer.count))) }
            writer.append("\r\n")
        }
        return written
    }
}
