import GatewayPrimitives
import Snapshot
import Testing

@Suite struct CallerDirectoryTests {
    private func app(_ id: String, instance: String = "i", key: String, codes: [String] = []) -> AppCredential {
        AppCredential(
            instanceID: instance, appID: id, name: id, key: Array(key.utf8), secrets: [], codes: codes.map { AppWord(Secret($0)) },
            accountID: "", projectID: "", addresses: nil, quota: nil)
    }

    private func find(_ directory: CallerDirectory, key: String, instance: String = "i") -> String? {
        let (word, scratch) = (ByteScratch(), ByteScratch())
        word.append(key)
        return directory.app(key: ByteView(word.bytes), instanceID: instance, scratch: scratch)?.appID
    }

    private func find(_ directory: CallerDirectory, code: String) -> String? {
        let (word, scratch) = (ByteScratch(), ByteScratch())
        word.append(code)
        return directory.app(code: ByteView(word.bytes), instanceID: "i", scratch: scratch)?.appID
    }

    @Test func replacedAndRemoved() {
        let first = app("a", key: "k1", codes: ["c1", "c2"])
        var directory = CallerDirectory.empty.replacing(nil, with: first)
        #expect(find(directory, key: "k1") == "a" && find(directory, code: "c2") == "a")
        #expect(find(directory, key: "k1", instance: "j") == nil, "keys of one instance are nothing to another one")
        #expect(find(directory, key: "k") == nil && find(directory, key: "k11") == nil)
        let second = app("a", key: "k2", codes: ["c2", "c3"])
        directory = directory.replacing(first, with: second)
        #expect(find(directory, key: "k1") == nil && find(directory, key: "k2") == "a")
        #expect(find(directory, code: "c1") == nil && find(directory, code: "c3") == "a")
        #expect(directory.count == 1 && directory.app(id: "a") === second)
        directory = directory.replacing(second, with: nil)
        #expect(directory.count == 0 && find(directory, key: "k2") == nil && find(directory, code: "c2") == nil)
    }

    /// A code that has ended is free, while the application that had it is not compiled again yet.
    @Test func whatAnotherApplicationTookOverStays() {
        let first = app("a", key: "k1", codes: ["c1"])
        let second = app("b", key: "k2", codes: ["c1"])
        var directory = CallerDirectory.empty.replacing(nil, with: first).replacing(nil, with: second)
        directory = directory.replacing(first, with: app("a", key: "k1"))
        #expect(find(directory, code: "c1") == "b")
        directory = directory.replacing(directory.app(id: "a"), with: nil)
        #expect(find(directory, code: "c1") == "b" && find(directory, key: "k2") == "b")
    }
}
