import Testing
@testable import ZipArchives

private let limits = ZipLimits(archiveBytes: 1 << 20, entries: 8, entryBytes: 100_000, totalBytes: 150_000)
private let files = [
    ZipEntry(name: "assets.json", bytes: Array(#"{"format":"x"}"#.utf8)),
    ZipEntry(name: "applications/1.json", bytes: Array(repeating: 0x61, count: 50_000)),
    ZipEntry(name: "emp-ty/空.bin", bytes: []),
]

private func archive(_ entries: [ZipEntry] = files) throws -> [UInt8] { try #require(ZipWriter.archive(entries)) }

private func fault(_ bytes: [UInt8], _ limits: ZipLimits = limits) -> ZipFault? {
    do {
        _ = try ZipReader.read(bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

/// Where the directory of an archive without a comment begins.
private func directoryStart(_ bytes: [UInt8]) -> Int {
    let at = bytes.count - 6
    return Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
}

@Suite struct ZipArchiveTests {
    @Test func readsWhatItWrites() throws {
        let bytes = try archive()
        #expect(try ZipReader.read(bytes, limits: limits) == files)
        #expect(bytes.count < 2000)
        #expect(try archive() == bytes)
        #expect(try ZipReader.read(archive([]), limits: limits).isEmpty)
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = try archive()
        for count in bytes.indices { #expect(fault(Array(bytes[..<count])) != nil, "\(count) bytes") }
        #expect(fault(bytes + [0]) == .notAnArchive)
        #expect(fault([0] + bytes) == .damaged)
        #expect(fault([]) == .notAnArchive)
    }

    /// No changed byte may crash the reader, and none may change a file without being seen.
    @Test func seesEveryChangedByteThatMatters() throws {
        let bytes = try archive()
        for index in bytes.indices {
            for value in [UInt8(0), 1, 0x7F, 0x80, 0xFF] where bytes[index] != value {
                var changed = bytes
                changed[index] = value
                guard let read = try? ZipReader.read(changed, limits: limits) else { continue }
                #expect(read == files, "byte \(index) as \(value)")
            }
        }
    }

    @Test func survivesRandomBytes() throws {
        var generator = SeededGenerator(state: 42)
        let valid = try archive()
        for _ in 0..<5000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let read = try? ZipReader.read(bytes, limits: limits) {
                #expect(read.reduce(0) { $0 + $1.bytes.count } <= limits.totalBytes)
            }
        }
    }

    @Test func limitsHold() throws {
        let large = ZipEntry(name: "a", bytes: Array(repeating: 0, count: 100_001))
        #expect(fault(try archive([large])) == .tooLarge)
        let half = Array(repeating: UInt8(0), count: 76_000)
        #expect(fault(try archive([ZipEntry(name: "a", bytes: half), ZipEntry(name: "b", bytes: half)])) == .tooLarge)
        #expect(fault(try archive((0..<9).map { ZipEntry(name: "\($0)", bytes: []) })) == .tooLarge)
        var small = limits
        small.archiveBytes = 100
        #expect(fault(try archive(), small) == .tooLarge)
    }

    /// A bomb announces less than comes out: nothing beyond the announced size is made, and the archive is refused.
    @Test func announcedSizesAreKept() throws {
        var bytes = try archive([ZipEntry(name: "a", bytes: Array(repeating: 0, count: 90_000))])
        let start = directoryStart(bytes)
        for offset in [22, start + 24] {
            bytes[offset] = 10
            bytes[offset + 1] = 0
            bytes[offset + 2] = 0
        }
        #expect(fault(bytes) == .damaged)
    }

    /// Two directory entries for the bytes of one file.
    @Test func filesDoNotOverlap() throws {
        let bytes = try archive([ZipEntry(name: "a", bytes: [1, 2, 3]), ZipEntry(name: "b", bytes: [1, 2, 3])])
        let start = directoryStart(bytes)
        var changed = bytes
        let second = start + 46 + 1
        for offset in 42..<46 { changed[second + offset] = 0 }
        #expect(fault(changed) == .damaged)
    }

    @Test(arguments: ["../a", "a/../b", "/a", "a//b", "a/./b", "a\\b", "c:/a", "a\u{0}b", "", String(repeating: "n", count: 256)])
    func namesStayInside(name: String) {
        #expect(!ZipName.isAllowed(name))
        #expect(ZipWriter.archive([ZipEntry(name: name, bytes: [])]) == nil)
    }

    @Test func namesFromOutsideAreChecked() throws {
        // The same length, so that only the name changes.
        let bytes = try archive([ZipEntry(name: "xx/a", bytes: [1])])
        let changed = replacing("xx/a", with: "../a", in: bytes)
        #expect(fault(changed) == .badName)
        #expect(fault(replacing("xx/a", with: "xx\\a", in: bytes)) == .badName)
        let twice = try archive([ZipEntry(name: "a", bytes: [1]), ZipEntry(name: "b", bytes: [1])])
        #expect(fault(replacing("b", with: "A", in: twice)) == .badName)
        #expect(ZipWriter.archive([ZipEntry(name: "a", bytes: []), ZipEntry(name: "A", bytes: [])]) == nil)
    }

    @Test func whatIsNotSupportedIsRefused() throws {
        let bytes = try archive([ZipEntry(name: "a", bytes: [1, 2, 3])])
        let start = directoryStart(bytes)
        var encrypted = bytes
        encrypted[6] |= 1
        encrypted[start + 8] |= 1
        #expect(fault(encrypted) == .unsupported)
        var method = bytes
        method[8] = 12
        method[start + 10] = 12
        #expect(fault(method) == .unsupported)
        var link = bytes
        link[start + 5] = 3
        link[start + 41] = 0xA1
        #expect(fault(link) == .unsupported)
    }

    private func replacing(_ old: String, with new: String, in bytes: [UInt8]) -> [UInt8] {
        var out = bytes
        let old = Array(old.utf8)
        for index in bytes.indices where bytes[index...].starts(with: old) {
            out.replaceSubrange(index..<index + old.count, with: new.utf8)
        }
        return out
    }
}

private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
