/// Writes whole archives: deflated, names in UTF-8, no times, so that equal files make equal archives.
public enum ZipWriter {
    /// - Parameter entries: names that ``ZipName`` allows, each once; fewer than 65,535; less than 4 GiB.
    /// - Returns: nil when the entries are not like that.
    public static func archive(_ entries: [ZipEntry]) -> [UInt8]? {
        guard entries.count < Int(UInt16.max), Set(entries.map { $0.name.lowercased() }).count == entries.count,
            entries.allSatisfy({ ZipName.isAllowed($0.name) && $0.bytes.count < Int(UInt32.max) })
        else { return nil }
        var out = ByteWriter()
        var directory = ByteWriter()
        for entry in entries {
            guard let packed = Deflate.pack(entry.bytes), out.bytes.count < Int(UInt32.max) else { return nil }
            let name = Array(entry.name.utf8)
            let start = UInt32(out.bytes.count)
            var common = ByteWriter()
            common.uint16(20)
            common.uint16(ZipPart.namesAreUTF8)
            common.uint16(ZipPart.deflated)
            // The first moment that the format can tell: 1 January 1980.
            common.uint16(0)
            common.uint16(0x21)
            common.uint32(Deflate.checksum(entry.bytes))
            common.uint32(UInt32(packed.count))
            common.uint32(UInt32(entry.bytes.count))
            common.uint16(UInt16(name.count))
            common.uint16(0)
            out.uint32(ZipPart.fileHeader)
            out.bytes += common.bytes
            out.bytes += name
            out.bytes += packed
            directory.uint32(ZipPart.directoryHeader)
            directory.uint16(20)
            directory.bytes += common.bytes
            // Comment, disk, attributes.
            for _ in 0..<3 { directory.uint16(0) }
            directory.uint32(0)
            directory.uint32(start)
            directory.bytes += name
        }
        let start = out.bytes.count
        guard start + directory.bytes.count < Int(UInt32.max) else { return nil }
        out.bytes += directory.bytes
        out.uint32(ZipPart.end)
        out.uint16(0)
        out.uint16(0)
        out.uint16(UInt16(entries.count))
        out.uint16(UInt16(entries.count))
        out.uint32(UInt32(directory.bytes.count))
        out.uint32(UInt32(start))
        out.uint16(0)
        return out.bytes
    }
}

private struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func uint16(_ value: UInt16) {
        bytes.append(UInt8(value & 0xFF))
        bytes.append(UInt8(value >> 8))
    }

    mutating func uint32(_ value: UInt32) {
        uint16(UInt16(value & 0xFFFF))
        uint16(UInt16(value >> 16))
    }
}
