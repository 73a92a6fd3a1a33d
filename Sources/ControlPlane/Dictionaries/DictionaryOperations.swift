import GatewayModel
import Store

/// What a caller says about a new dictionary entry.
public struct DictionaryDraft: Sendable {
    public var name: String
    public var code: String
    public var remark: String
    public var order: Int
    public var extendOne: String
    public var extendTwo: String
    /// Empty: at the top.
    public var parentCode: String

    public init(
        name: String, code: String, remark: String = "", order: Int = 0, extendOne: String = "", extendTwo: String = "",
        parentCode: String = ""
    ) {
        self.name = name
        self.code = code
        self.remark = remark
        self.order = order
        self.extendOne = extendOne
        self.extendTwo = extendTwo
        self.parentCode = parentCode
    }
}

/// Parts of an entry that shall change; nil stays. Code and place in the tree are fixed.
public struct DictionaryChange: Sendable {
    public var name: String?
    public var remark: String?
    public var order: Int?
    public var extendOne: String?
    public var extendTwo: String?

    public init(
        name: String? = nil, remark: String? = nil, order: Int? = nil, extendOne: String? = nil, extendTwo: String? = nil
    ) {
        self.name = name
        self.remark = remark
        self.order = order
        self.extendOne = extendOne
        self.extendTwo = extendTwo
    }
}

/// Which of two texts are in use already; nil: free, or not asked.
public struct TakenDictionaryWords: Sendable, Equatable {
    public let name: String?
    public let code: String?
}

extension ControlPlane {
    /// - Throws: ``OperationError``: instance unknown, a field of the wrong form, parent unknown, name or code taken, too many.
    public func createDictionary(_ call: Call, _ draft: DictionaryDraft) async throws -> Written<DictionaryEntry> {
        let limit = settings.quotas.dictionaries
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let entry = DictionaryEntry(
                id: w.newID(), instanceID: call.instanceID, name: draft.name, code: draft.code, remark: draft.remark,
                order: draft.order, extendOne: draft.extendOne, extendTwo: draft.extendTwo, parentCode: draft.parentCode,
                createdAt: w.now, updatedAt: w.now)
            try Self.check(entry)
            try w.checkParent(entry)
            try w.checkWords(entry)
            try w.checkQuota(
                .dictionary,
                count: w.sql.count("SELECT COUNT(*) AS n FROM dictionaries WHERE instance_id = ?", [.text(call.instanceID)]),
                limit: limit)
            try w.sql.insert(entry)
            try w.record(.dictionary, id: entry.id, before: nil, after: entry)
            return entry
        }
    }

    /// - Throws: ``OperationError``: unknown entry, a field of the wrong form, name taken.
    public func updateDictionary(
        _ call: Call, id: String, _ change: DictionaryChange
    ) async throws -> Written<DictionaryEntry> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.dictionary(id, of: call)
            var entry = before
            entry.name = change.name ?? before.name
            entry.remark = change.remark ?? before.remark
            entry.order = change.order ?? before.order
            entry.extendOne = change.extendOne ?? before.extendOne
            entry.extendTwo = change.extendTwo ?? before.extendTwo
            entry.updatedAt = w.now
            try Self.check(entry)
            try w.checkWords(entry)
            try w.sql.update(entry)
            try w.record(.dictionary, id: id, before: before, after: entry)
            return entry
        }
    }

    /// Removes an entry and everything below it.
    ///
    /// - Throws: ``OperationError``: unknown entry.
    public func deleteDictionary(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            // Level by level: the tree is as deep as the rules allow, and no entry is above itself.
            var level = [try w.dictionary(id, of: call)]
            while !level.isEmpty {
                var below: [DictionaryEntry] = []
                for entry in level {
                    below += try w.children(of: entry)
                    try w.sql.delete(DictionaryEntry.self, key: entry.id)
                    try w.record(.dictionary, id: entry.id, before: entry, after: nil)
                }
                level = below
            }
        }
    }

    /// - Throws: ``OperationError``: unknown entry.
    public func dictionary(_ call: Call, id: String) async throws -> DictionaryEntry {
        try await read { r in
            try r.checkInstance(of: call)
            return try r.dictionary(id, of: call)
        }
    }

    /// Entries right below one, or those at the top; by their order, newest first among equals.
    ///
    /// - Parameters:
    ///   - parentCode: empty for the top. A code that no entry has is above nothing.
    ///   - name, code: parts of them.
    public func dictionaries(
        _ call: Call, parentCode: String, name: String?, code: String?, page: Page
    ) async throws -> Listing<DictionaryEntry> {
        try await read { r in
            try r.checkInstance(of: call)
            var condition = Condition()
            condition.equal("instance_id", call.instanceID)
            condition.and("parent_code = ?", .text(parentCode))
            condition.matches("name", name)
            condition.matches("code", code)
            return try r.sql.page(
                DictionaryEntry.self, where: condition, order: "sort_order, created_at DESC, id", page: page)
        }
    }

    /// Which of the two an entry has already; both are compared exactly.
    public func takenDictionaryWords(_ call: Call, name: String?, code: String?) async throws -> TakenDictionaryWords {
        try await read { r in
            try r.checkInstance(of: call)
            return TakenDictionaryWords(
                name: try name.flatMap { try r.entry("name", $0, call.instanceID) == nil ? nil : $0 },
                code: try code.flatMap { try r.entry("code", $0, call.instanceID) == nil ? nil : $0 })
        }
    }

    private static func check(_ entry: DictionaryEntry) throws {
        do {
            try DictionaryRules.check(entry)
        } catch {
            throw OperationError.invalid(field: error.field)
        }
    }
}

extension Reading {
    fileprivate func dictionary(_ id: String, of call: Call) throws -> DictionaryEntry {
        guard let entry = try find(DictionaryEntry.self, id: id, of: call) else {
            throw OperationError.notFound(.dictionary, id: id)
        }
        return entry
    }

    /// - Parameter column: `name` or `code`.
    fileprivate func entry(_ column: String, _ text: String, _ instanceID: String) throws -> DictionaryEntry? {
        var condition = Condition()
        condition.and("instance_id = ?", .text(instanceID))
        condition.and("\(column) = ?", .text(text))
        return try sql.all(DictionaryEntry.self, where: condition).first
    }

    fileprivate func children(of entry: DictionaryEntry) throws -> [DictionaryEntry] {
        var condition = Condition()
        condition.and("instance_id = ?", .text(entry.instanceID))
        condition.and("parent_code = ?", .text(entry.code))
        return try sql.all(DictionaryEntry.self, where: condition, order: "sort_order, created_at DESC, id")
    }

    /// - Throws: ``OperationError``: the parent does not exist, or the tree would get too deep.
    fileprivate func checkParent(_ entry: DictionaryEntry) throws {
        var code = entry.parentCode
        var depth = 1
        while !code.isEmpty {
            guard let parent = try self.entry("code", code, entry.instanceID) else {
                throw OperationError.notFound(.dictionary, id: code)
            }
            depth += 1
            guard depth <= DictionaryRules.depthLimit else { throw OperationError.invalid(field: "parent_code") }
            code = parent.parentCode
        }
    }

    fileprivate func checkWords(_ entry: DictionaryEntry) throws {
        for (column, text) in [("name", entry.name), ("code", entry.code)] {
            if let other = try self.entry(column, text, entry.instanceID), other.id != entry.id {
                throw OperationError.taken(.dictionary, name: column)
            }
        }
    }
}
