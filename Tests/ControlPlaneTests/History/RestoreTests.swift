import ControlPlane
import GatewayModel
import GatewayPrimitives
import Store
import StoreSQLite
import Testing

/// Whatever was written: restoring a revision brings back every row and every decision.
struct RestoreTests {
    private struct Remembered {
        let revision: Int64
        let rows: [String]
        let served: [String]
        let hosts: [String]
        let groups: [String]
    }

    @Test func randomWritesAreUndone() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in UInt64(101)...106 { group.addTask { try await tell(seed: seed) } }
            try await group.waitForAll()
        }
    }

    private func tell(seed: UInt64) async throws {
        let gateway = try await TestGateway()
        var story = Story(gateway, seed: seed)
        var random = SplitMix(state: seed &+ 1)
        var remembered: [Remembered] = []
        for step in 0..<400 {
            _ = try await story.move()
            if step % 20 == 19 { remembered.append(try state(of: gateway, story)) }
            guard step % 50 == 49 else { continue }
            let known = remembered[random.next(remembered.count)]
            let before = try state(of: gateway, story)
            let outcome = try await gateway.plane.restore(gateway.call(), .everything, instanceID: "", to: known.revision)
            #expect(try gateway.rows() == known.rows, "seed \(seed), step \(step): to revision \(known.revision)")
            #expect(describe(gateway.snapshot, hosts: known.hosts) == known.served, "seed \(seed), step \(step)")
            let (now, fresh) = (describe(gateway.snapshot, hosts: before.hosts), describe(try gateway.freshSnapshot(), hosts: before.hosts))
            #expect(
                now == fresh,
                "seed \(seed), step \(step): only served: \(now.filter { !fresh.contains($0) }), only fresh: \(fresh.filter { !now.contains($0) })")
            #expect(Int64(outcome.revision) == before.revision + (known.rows == before.rows ? 0 : 1))
            // The restore is a change, which is undone like any other.
            _ = try await gateway.plane.restore(gateway.call(), .everything, instanceID: "", to: before.revision)
            #expect(try gateway.rows() == before.rows, "seed \(seed), step \(step): back to revision \(before.revision)")
            #expect(describe(gateway.snapshot, hosts: before.hosts) == before.served)
            try await restoreGroups(gateway, known, seed: seed)
        }
        guard case .intact = try await gateway.plane.verifyChanges() else { return #expect(Bool(false), "the records do not verify") }
    }

    /// Each group by itself: it is as it was, and nothing else is touched; or the restore is refused and nothing is.
    private func restoreGroups(_ gateway: TestGateway, _ known: Remembered, seed: UInt64) async throws {
        for id in known.groups {
            let before = try gateway.rows()
            do {
                _ = try await gateway.plane.restore(
                    gateway.call(), .object(kind: .apiGroup, id: id), instanceID: "", to: known.revision)
                let diff = try await gateway.plane.historyDiff(
                    .object(kind: .apiGroup, id: id), instanceID: "", from: known.revision, to: nil, page: Page(offset: 0, limit: 500))
                #expect(
                    diff.differences.total == 0, "seed \(seed): group \(id) at \(known.revision): \(diff.differences.items.map(\.object))")
                let (served, fresh) = (
                    describe(gateway.snapshot, hosts: known.hosts), describe(try gateway.freshSnapshot(), hosts: known.hosts)
                )
                #expect(
                    served == fresh,
                    "seed \(seed): only served: \(served.filter { !fresh.contains($0) }), only fresh: \(fresh.filter { !served.contains($0) })")
            } catch let error as OperationError {
                #expect(try gateway.rows() == before, "\(error)")
            }
        }
    }

    private func state(of gateway: TestGateway, _ story: Story) throws -> Remembered {
        let hosts = story.allGroups.map { "\($0).apic.localhost" } + story.domainNames + ["127.0.0.1"]
        return Remembered(
            revision: try gateway.revision, rows: try gateway.rows(), served: describe(gateway.snapshot, hosts: hosts), hosts: hosts,
            groups: story.groups)
    }

    @Test func namesMayBeExchangedAndTakenOver() async throws {
        let gateway = try await TestGateway()
        let plane = gateway.plane, call = gateway.call()
        let (a, b) = (try await gateway.group("a"), try await gateway.group("b"))
        let known = try gateway.revision
        _ = try await plane.updateAPIGroup(call, id: a.id, APIGroupChange(name: "c"))
        _ = try await plane.updateAPIGroup(call, id: b.id, APIGroupChange(name: "a"))
        _ = try await plane.updateAPIGroup(call, id: a.id, APIGroupChange(name: "b"))
        // One alone would take the other's name.
        #expect(
            await gateway.refused { try await $0.restore(call, .object(kind: .apiGroup, id: a.id), instanceID: "", to: known) }
                == .conflict(.restoreTaken))
        let outcome = try await plane.restore(call, .everything, instanceID: "", to: known).value
        #expect(outcome.changed == 2 && outcome.created == 0 && outcome.removed == 0)
        #expect(try await plane.apiGroup(call, id: a.id).name == "a")
        #expect(try await plane.apiGroup(call, id: b.id).name == "b")
    }

    @Test func whatIsMissingOrUsedRefuses() async throws {
        let gateway = try await TestGateway()
        let plane = gateway.plane, call = gateway.call()
        let start = try gateway.revision
        let group = try await gateway.group("a")
        let api = try await gateway.api("one", "/a", group: group)
        let publication = try await gateway.publish(api).publication.id
        let key = try await plane.createSignatureKey(call, SignatureKeyDraft(name: "key", type: .hmac)).value
        let binding = try await plane.bindSignatureKey(call, id: key.id, publicationIDs: [publication]).value[0].binding
        let bound = try gateway.revision
        let beforeKey = bound - 2
        // The key is used by an API that is not restored with it.
        #expect(
            await gateway.refused { try await $0.restore(call, .object(kind: .signatureKey, id: key.id), instanceID: "", to: beforeKey) }
                == .conflict(.restoreIsUsed(kind: "signatureBinding", id: binding.id)))
        _ = try await plane.deleteSignatureKey(call, id: key.id)
        // The binding comes back with the group, and has lost what it binds.
        #expect(
            await gateway.refused { try await $0.restore(call, .object(kind: .apiGroup, id: group.id), instanceID: "", to: bound) }
                == .conflict(.restoreMisses(kind: "signatureKey", id: key.id)))
        _ = try await plane.restore(call, .object(kind: .signatureKey, id: key.id), instanceID: "", to: bound)
        _ = try await plane.restore(call, .object(kind: .apiGroup, id: group.id), instanceID: "", to: bound)
        #expect(try await plane.signatureKey(key.id, gateway) == key.secret)
        // An object that was not there yet goes, with what belongs to it.
        let gone = try await plane.restore(call, .object(kind: .apiGroup, id: group.id), instanceID: "", to: start).value
        #expect(gone.removed >= 4 && gone.created == 0)
        #expect(await gateway.refused { try await $0.apiGroup(call, id: group.id) } == .notFound(.apiGroup, id: group.id))
        #expect(describe(gateway.snapshot, hosts: []) == describe(try gateway.freshSnapshot(), hosts: []))
        // Never there, to come, and not an object.
        #expect(
            await gateway.refused { try await $0.restore(call, .object(kind: .api, id: "x"), instanceID: "", to: bound) }
                == .notFound(.api, id: "x"))
        let next = try gateway.revision + 1
        #expect(await gateway.refused { try await $0.restore(call, .everything, instanceID: "", to: next) } == .invalid(field: "revision"))
        #expect(
            await gateway.refused { try await $0.restore(call, .object(kind: .user, id: "x"), instanceID: "", to: bound) }
                == .invalid(field: "kind"))
        #expect(await gateway.refused { try await $0.restore(call, .everything, instanceID: "", to: 0) } == .conflict(.instanceIsPreset))
    }

    @Test func onlySoManyRevisionsAreKept() async throws {
        let gateway = try await TestGateway(ControlPlaneSettings(historyRevisions: 3))
        for number in 0..<6 { _ = try await gateway.group("g\(number)") }
        let present = try gateway.revision
        #expect(
            await gateway.refused { try await $0.restore(gateway.call(), .everything, instanceID: "", to: present - 4) }
                == .conflict(.historyForgotten(oldest: present - 3)))
        #expect(try gateway.texts("SELECT MIN(revision) || '' AS c FROM row_versions") == ["\(present - 2)"])
        _ = try await gateway.plane.restore(gateway.call(), .everything, instanceID: "", to: present - 3)
        let groups = try await gateway.plane.history(.everything, instanceID: "", page: Page(offset: 0, limit: 1))
        #expect(groups.revisions.first?.objects.map(\.act) == [.remove, .remove, .remove])
    }

    @Test func historyFollowsAnObjectThroughMoves() async throws {
        let gateway = try await TestGateway()
        let plane = gateway.plane, call = gateway.call()
        let (a, b) = (try await gateway.group("a"), try await gateway.group("b"))
        let api = try await gateway.api("one", "/a", group: a)
        let made = try gateway.revision
        _ = try await plane.updateAPI(call, id: api.id, .mocked("one", "/a", groupID: b.id))
        let moved = try gateway.revision
        _ = try await plane.updateAPI(call, id: api.id, .mocked("two", "/a", groupID: b.id))
        let renamed = try gateway.revision
        func revisions(_ kind: ResourceKind, _ id: String) async throws -> [Int64] {
            try await plane.history(.object(kind: kind, id: id), instanceID: "", page: Page(offset: 0, limit: 10)).revisions.map(\.revision)
        }
        #expect(try await revisions(.apiGroup, a.id) == [moved, made, made - 2])
        #expect(try await revisions(.apiGroup, b.id) == [renamed, moved, made - 1])
        #expect(try await revisions(.api, api.id) == [renamed, moved, made])
        let last = try await plane.history(.object(kind: .api, id: api.id), instanceID: "", page: Page(offset: 0, limit: 1))
        #expect(last.total == 3 && last.revisions[0].actor == "admin" && last.revisions[0].requestID == "r1")
        let objects = last.revisions[0].objects
        #expect(objects.map(\.kind) == ["api"] && objects.map(\.id) == [api.id] && objects.map(\.name) == ["two"] && objects.map(\.act) == [.change])
        let diff = try await plane.historyDiff(
            .object(kind: .api, id: api.id), instanceID: "", from: moved, to: renamed, page: Page(offset: 0, limit: 10))
        let fields = try #require(diff.differences.items.first).fields
        for path in ["name", "definition.name"] {
            #expect(fields.contains { $0.path == path && $0.before == "one" && $0.after == "two" }, "\(path)")
        }
    }

    @Test func secretsAreToldApartAndNeverShown() async throws {
        let gateway = try await TestGateway()
        let plane = gateway.plane, call = gateway.call()
        let key = try await plane.createSignatureKey(
            call, SignatureKeyDraft(name: "key", type: .hmac, key: "key_0001", secret: Secret("planted_secret_1"))).value
        let made = try gateway.revision
        _ = try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "key", secret: Secret("planted_secret_2")))
        let diff = try await plane.historyDiff(
            .object(kind: .signatureKey, id: key.id), instanceID: "", from: made, to: nil, page: Page(offset: 0, limit: 10))
        let fields = try #require(diff.differences.items.first).fields
        #expect(fields.contains { $0.path == "sealed_secret" && $0.before == "**********" && $0.after == "**********" })
        #expect(!"\(diff)".contains("planted_secret"))
        _ = try await plane.restore(call, .object(kind: .signatureKey, id: key.id), instanceID: "", to: made)
        #expect(try await plane.signatureKey(key.id, gateway)?.revealed == "planted_secret_1")
        let texts = try gateway.texts("SELECT COALESCE(before_json, '') || COALESCE(after_json, '') AS c FROM changes")
            + gateway.texts("SELECT COALESCE(image, '') AS c FROM row_versions")
        #expect(!texts.contains { $0.contains("planted_secret") })
        // Sealed anew with the same value is no difference.
        let present = try gateway.revision
        _ = try await plane.updateSignatureKey(call, id: key.id, SignatureKeyDraft(name: "key", secret: Secret("planted_secret_1")))
        let same = try await plane.historyDiff(
            .object(kind: .signatureKey, id: key.id), instanceID: "", from: present, to: nil, page: Page(offset: 0, limit: 10))
        #expect(same.differences.items.allSatisfy { $0.fields.allSatisfy { $0.path != "sealed_secret" } })
    }
}

extension TestGateway {
    /// The revision of the store.
    var revision: Int64 {
        get throws {
            try store.read { sql in try sql.first("SELECT revision FROM gateway_state", [])?.integer("revision") ?? -1 }
        }
    }

    /// Column `c` of an answer.
    func texts(_ query: String) throws -> [String] {
        try store.read { sql in try sql.query(query).map { try $0.text("c") } }
    }

    /// Every row of every table with a history, as lines in one order.
    func rows() throws -> [String] {
        try store.read { sql in
            try CapturedTable.all.flatMap { table in
                try sql.query("SELECT * FROM \(table.name)").map { row in
                    "\(table.name) " + row.named.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
                }.sorted()
            }
        }
    }
}

extension ControlPlane {
    /// The secret of a signature key as the store has it.
    fileprivate func signatureKey(_ id: String, _ gateway: TestGateway) async throws -> Secret? {
        try gateway.store.read { sql in try sql.find(SignatureKeyRow.self, key: id)?.model(box: TestGateway.box).secret }
    }
}
