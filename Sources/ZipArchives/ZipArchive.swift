/// A file of an archive.
public struct ZipEntry: Sendable, Equatable {
    /// Relative, with `/` between its parts: ``ZipName``.
    public let name: String
    public let bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// How much an archive may hold. Everything is compared before memory is taken for it.
public struct ZipLimits: Sendable {
    /// Bytes of the archive itself.
    public var archiveBytes: Int
    /// Files and directories.
    public var entries: Int
    /// Bytes of one file.
    public var entryBytes: Int
    /// Bytes of all files together.
    public var totalBytes: Int

    public init(archiveBytes: Int, entries: Int, entryBytes: Int, totalBytes: Int) {
        self.archiveBytes = archiveBytes
        self.entries = entries
        self.entryBytes = entryBytes
        self.totalBytes = totalBytes
    }
}

/// Why bytes are not taken as an archive.
public enum ZipFault: Error, Sendable, Equatable {
    /// No archive at all: its end record is not there.
    case notAnArchive
    /// Parts are cut off, overlap or contradict each other.
    case damaged
    /// Encrypted, several disks, larger than 4 GiB, a link, another compression than deflate.
    case unsupported
    /// More than ``ZipLimits`` allow.
    case tooLarge
    /// A name that could leave the directory of the archive, or that stands twice.
    case badName
}

/// Which names files of archives may have: a name is never a path on this machine, and no reader could take it for one that
/// leads out of where it unpacks.
public enum ZipName {
    public static let byteLimit = 255

    public static func isAllowed(_ name: String) -> Bool {
        guard (1...byteLimit).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && $0 != "\\" && $0 != ":" })
        else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }
}

/// Signatures and sizes of the parts of an archive (PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).
enum ZipPart {
    static let fileHeader: UInt32 = 0x0403_4B50
    static let directoryHeader: UInt32 = 0x0201_4B50
    static let end: UInt32 = 0x0605_4B50
    static let fileHeaderSize = 30
    static let directoryHeaderSize = 46
    static let endSize = 22
    static let commentLimit = 65_535

    static let stored: UInt16 = 0
    static let deflated: UInt16 = 8
    /// Flags: encrypted, strong encryption, masked headers, patched data.
    static let refusedFlags: UInt16 = 0x0001 | 0x0020 | 0x0040 | 0x2000
    /// Names are UTF-8.
    static let namesAreUTF8: UInt16 = 0x0800
}
