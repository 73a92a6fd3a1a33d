/// Reads whole archives that somebody sent. Strict: what two programs could read differently is refused, so that a name or a
/// size that one of them checks is the one that the other uses.
public enum ZipReader {
    /// The files of an archive in the order of its directory; directories themselves are left out.
    ///
    /// - Throws: ``ZipFault``.
    public static func read(_ bytes: [UInt8], limits: ZipLimits) throws(ZipFault) -> [ZipEntry] {
        guard bytes.count <= limits.archiveBytes else { throw .tooLarge }
        let reader = ByteReader(bytes: bytes)
        let end = try endRecord(reader)
        guard end.entries <= limits.entries else { throw .tooLarge }
        let headers = try directory(reader, end)
        try check(headers, limits)
        var entries: [ZipEntry] = []
        for header in headers where !header.isDirectory {
            entries.append(ZipEntry(name: header.name, bytes: try content(reader, header, end)))
        }
        return entries
    }

    private struct End {
        let entries: Int
        let directoryStart: Int
        let directoryEnd: Int
    }

    private struct Header {
        let name: String
        let nameBytes: ArraySlice<UInt8>
        let flags: UInt16
        let method: UInt16
        let checksum: UInt32
        let packedSize: Int
        let size: Int
        let start: Int

        var isDirectory: Bool { nameBytes.last == UInt8(ascii: "/") }
    }

    /// The last record, whose comment ends exactly where the archive ends.
    private static func endRecord(_ reader: ByteReader) throws(ZipFault) -> End {
        let count = reader.bytes.count
        guard count >= ZipPart.endSize else { throw .notAnArchive }
        var start = count - ZipPart.endSize
        let first = max(0, start - ZipPart.commentLimit)
        while true {
            if try reader.uint32(start) == ZipPart.end, try Int(reader.uint16(start + 20)) == count - start - ZipPart.endSize {
                break
            }
            guard start > first else { throw .notAnArchive }
            start -= 1
        }
        let entries = try reader.uint16(start + 10)
        let size = try reader.uint32(start + 12)
        let offset = try reader.uint32(start + 16)
        // All ones: the real value is in a record for archives larger than these fields can tell.
        guard entries != .max, size != .max, offset != .max else { throw .unsupported }
        guard try reader.uint16(start + 4) == 0, try reader.uint16(start + 6) == 0, try reader.uint16(start + 8) == entries else {
            throw .unsupported
        }
        // Nothing between directory and end; anything in front of the first file would shift every offset.
        guard Int(offset) + Int(size) == start else { throw .damaged }
        return End(entries: Int(entries), directoryStart: Int(offset), directoryEnd: start)
    }

    private static func directory(_ reader: ByteReader, _ end: End) throws(ZipFault) -> [Header] {
        var headers: [Header] = []
        var index = end.directoryStart
        for _ in 0..<end.entries {
            guard index + ZipPart.directoryHeaderSize <= end.directoryEnd, try reader.uint32(index) == ZipPart.directoryHeader else {
                throw .damaged
            }
            let nameLength = Int(try reader.uint16(index + 28))
            let rest = Int(try reader.uint16(index + 30)) + Int(try reader.uint16(index + 32))
            let next = index + ZipPart.directoryHeaderSize + nameLength + rest
            guard next <= end.directoryEnd else { throw .damaged }
            headers.append(try header(reader, at: index, nameLength: nameLength))
            index = next
        }
        guard index == end.directoryEnd else { throw .damaged }
        return headers
    }

    private static func header(_ reader: ByteReader, at index: Int, nameLength: Int) throws(ZipFault) -> Header {
        let flags = try reader.uint16(index + 8)
        let method = try reader.uint16(index + 10)
        let packed = try reader.uint32(index + 20)
        let size = try reader.uint32(index + 24)
        let start = try reader.uint32(index + 42)
        guard flags & ZipPart.refusedFlags == 0, method == ZipPart.stored || method == ZipPart.deflated, packed != .max, size != .max,
            start != .max, try reader.uint16(index + 34) == 0
        else { throw .unsupported }
        // Made on Unix: the upper half of the attributes is a mode, whose kind may say link or device.
        if try reader.uint16(index + 4) >> 8 == 3 {
            let kind = try reader.uint32(index + 38) >> 28
            guard kind == 0 || kind == 0o10 || kind == 0o04 else { throw .unsupported }
        }
        let name = try reader.slice(index + ZipPart.directoryHeaderSize, nameLength)
        guard let text = String(validating: name, as: UTF8.self) else { throw .badName }
        return Header(
            name: text, nameBytes: name, flags: flags, method: method, checksum: try reader.uint32(index + 16),
            packedSize: Int(packed), size: Int(size), start: Int(start))
    }

    /// Names and announced sizes; what is announced is compared with what comes out later.
    private static func check(_ headers: [Header], _ limits: ZipLimits) throws(ZipFault) {
        var names: Set<String> = []
        var total = 0
        for header in headers {
            let name = header.isDirectory ? String(header.name.dropLast()) : header.name
            // Two names that differ by case are one file on some machines.
            guard ZipName.isAllowed(name), names.insert(name.lowercased()).inserted else { throw .badName }
            if header.isDirectory, header.size != 0 { throw .damaged }
            guard header.size <= limits.entryBytes else { throw .tooLarge }
            total += header.size
            guard total <= limits.totalBytes else { throw .tooLarge }
            if header.method == ZipPart.stored, header.size != header.packedSize { throw .damaged }
        }
        // Files that share bytes are how small archives hold huge contents.
        var last = 0
        for header in headers.sorted(by: { $0.start < $1.start }) {
            guard header.start >= last else { throw .damaged }
            last = header.start + ZipPart.fileHeaderSize + header.nameBytes.count + header.packedSize
        }
    }

    private static func content(_ reader: ByteReader, _ header: Header, _ end: End) throws(ZipFault) -> [UInt8] {
        guard header.start + ZipPart.fileHeaderSize <= end.directoryStart,
            try reader.uint32(header.start) == ZipPart.fileHeader,
            try reader.uint16(header.start + 6) == header.flags, try reader.uint16(header.start + 8) == header.method,
            try Int(reader.uint16(header.start + 26)) == header.nameBytes.count,
            try reader.slice(header.start + ZipPart.fileHeaderSize, header.nameBytes.count) == header.nameBytes
        else { throw .damaged }
        let start = header.start + ZipPart.fileHeaderSize + header.nameBytes.count + Int(try reader.uint16(header.start + 28))
        guard start + header.packedSize <= end.directoryStart else { throw .damaged }
        let packed = try reader.slice(start, header.packedSize)
        let bytes = header.method == ZipPart.stored ? Array(packed) : Deflate.unpack(packed, size: header.size)
        guard let bytes, Deflate.checksum(bytes) == header.checksum else { throw .damaged }
        return bytes
    }
}

/// Little-endian numbers at places that are checked.
private struct ByteReader {
    let bytes: [UInt8]

    func slice(_ start: Int, _ count: Int) throws(ZipFault) -> ArraySlice<UInt8> {
        guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else { throw .damaged }
        return bytes[start..<start + count]
    }

    func uint16(_ index: Int) throws(ZipFault) -> UInt16 {
        guard index >= 0, index + 2 <= bytes.count else { throw .damaged }
        return UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
    }

    func uint32(_ index: Int) throws(ZipFault) -> UInt32 {
        UInt32(try uint16(index)) | UInt32(try uint16(index + 2)) << 16
    }
}
