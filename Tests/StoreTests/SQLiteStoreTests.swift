import Foundation
import GatewayModel
import GatewayPrimitives
import Store
import StoreSQLite
import Testing

@Suite struct SQLiteStoreTests {
    private let path = NSTemporaryDirectory() + "gatehouse-store-\(UUID().uuidString).sqlite"

    private func instance(_ id: String, name: String) -> Instance {
        Instance(
            id: id, projectID: "p", name: name, description: "", createdAt: Timestamp(nanoseconds: 1), updatedAt: Timestamp(nanoseconds: 1))
    }

    @Test func keepsWhatWasWrittenAndUndoesWhatFailed() throws {
        let store = try SQLiteStore(path: path)
        try store.write { try $0.insert(instance("a", name: "one")) }
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try store.write { sql in
                try sql.insert(instance("b", name: "two"))
                throw Stop()
            }
        }
        try store.close()
        let again = try SQLiteStore(path: path)
        let names = try again.read { try $0.all(Instance.self, where: Condition()).map(\.name) }
        #expect(names == ["one"])
    }

    @Test func theDatabaseIsTheLastGuard() throws {
        let store = try SQLiteStore(path: path)
        try store.write { try $0.insert(instance("a", name: "one")) }
        #expect {
            try store.write { try $0.insert(instance("b", name: "one")) }
        } throws: { error in
            if case StoreError.notUnique = error { true } else { false }
        }
        let orphan = APIGroup(
            id: "g", instanceID: "nowhere", name: "g", remark: "", isDefault: false, romaAppID: "",
            createdAt: Timestamp(nanoseconds: 1), updatedAt: Timestamp(nanoseconds: 1))
        #expect {
            try store.write { try $0.insert(orphan) }
        } throws: { error in
            if case StoreError.referenced = error { true } else { false }
        }
    }

    @Test func refusesADatabaseOfANewerVersion() throws {
        let store = try SQLiteStore(path: path)
        _ = try store.write { try $0.execute("INSERT INTO schema_steps (position, name) VALUES (999, '9999-later')") }
        try store.close()
        #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
    }

    @Test func filtersTreatUsersTextAsText() throws {
        let store = try SQLiteStore(path: path)
        try store.write { sql in
            for (index, name) in ["a%b", "a_b", "aXb", "A!B", "' OR 1=1 --"].enumerated() {
                try sql.insert(instance("\(index)", name: name))
            }
        }
        func names(_ filter: String, exactly: Bool = false) throws -> [String] {
            var condition = Condition()
            condition.matches("name", filter, exactly: exactly)
            return try store.read { try $0.all(Instance.self, where: condition, order: "id").map(\.name) }
        }
        #expect(try names("a%b") == ["a%b"])
        #expect(try names("_") == ["a_b"])
        #expect(try names("!b") == ["A!B"])
        #expect(try names("axB") == ["aXb"])
        #expect(try names("axB", exactly: true) == [])
        #expect(try names("' OR 1=1 --") == ["' OR 1=1 --"])
        #expect(try names("").count == 5)
    }

    @Test func pagesCountAllAndReturnSome() throws {
        let store = try SQLiteStore(path: path)
        try store.write { sql in try (0..<25).forEach { try sql.insert(instance("\(100 + $0)", name: "n\($0)")) } }
        func page(_ offset: Int, _ limit: Int) throws -> Listing<Instance> {
            try store.read { try $0.page(Instance.self, where: Condition(), order: "id", page: Page(offset: offset, limit: limit)) }
        }
        #expect(try page(0, 10).items.count == 10)
        #expect(try page(20, 10).items.count == 5)
        #expect(try page(20, 10).total == 25)
        #expect(try page(9_000_000_000, 10).items.isEmpty)
    }
}

@Suite struct SecretBoxTests {
    private let box = SecretBox(keyMaterial: Array(repeating: 7, count: 32))

    @Test func opensWhatItSealedInItsPlaceOnly() throws {
        let sealed = try box.seal("s3cret-ü", context: "signs:1")
        #expect(!sealed.contains("s3cret"))
        #expect(try box.open(sealed, context: "signs:1") == "s3cret-ü")
        #expect(throws: StoreError.self) { try box.open(sealed, context: "signs:2") }
        #expect(throws: StoreError.self) {
            try SecretBox(keyMaterial: Array(repeating: 8, count: 32)).open(sealed, context: "signs:1")
        }
        #expect(throws: StoreError.self) { try box.open("not base64 !", context: "signs:1") }
        #expect(throws: StoreError.self) { try box.open("", context: "signs:1") }
    }

    @Test func sealsTheSameTextDifferentlyEachTime() throws {
        #expect(try box.seal("x", context: "c") != box.seal("x", context: "c"))
    }
}

@Suite struct TimestampTests {
    @Test func spellsTheContractsExamples() {
        // 2020-08-03T03:50:14.989785802Z
        let moment = Timestamp(nanoseconds: 1_596_426_614_989_785_802)
        #expect(moment.inNanoseconds == "2020-08-03T03:50:14.989785802Z")
        #expect(moment.inSeconds == "2020-08-03T03:50:14Z")
        #expect(moment.inMicroseconds == "2020-08-03T03:50:14.989786Z")
        #expect(moment.inMilliseconds == "2020-08-03T03:50:14.989Z")
        #expect(moment.compact(offsetSeconds: 8 * 3600) == "20200803115014")
    }

    @Test func trimsZerosAndCarries() {
        #expect(Timestamp(nanoseconds: 1_596_426_614_500_000_000).inNanoseconds == "2020-08-03T03:50:14.5Z")
        #expect(Timestamp(nanoseconds: 1_596_426_614_000_000_000).inNanoseconds == "2020-08-03T03:50:14Z")
        #expect(Timestamp(nanoseconds: 1_596_426_614_999_999_999).inMicroseconds == "2020-08-03T03:50:15Z")
        #expect(Timestamp(nanoseconds: 0).inSeconds == "1970-01-01T00:00:00Z")
        #expect(Timestamp(nanoseconds: 951_782_400_000_000_000).inSeconds == "2000-02-29T00:00:00Z")
        #expect(Timestamp(nanoseconds: -1).inSeconds == "1969-12-31T23:59:59Z")
    }
}
