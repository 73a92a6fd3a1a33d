import GatewayPrimitives

/// All applications of a snapshot, found by what a request carries. Immutable; shares unchanged parts with the directory before.
public final class CallerDirectory: Sendable {
    /// `<instance id>/<key>`.
    let byKey: ByteTrie<AppCredential>
    /// `<instance id>/<AppCode>`.
    let byCode: ByteTrie<AppCredential>
    /// `<application id>`.
    let byID: ByteTrie<AppCredential>

    public init(
        byKey: ByteTrie<AppCredential> = ByteTrie(), byCode: ByteTrie<AppCredential> = ByteTrie(),
        byID: ByteTrie<AppCredential> = ByteTrie()
    ) {
        self.byKey = byKey
        self.byCode = byCode
        self.byID = byID
    }

    public static let empty = CallerDirectory()

    /// How many applications there are.
    public var count: Int { byID.count }
    public var apps: [AppCredential] { byID.values }

    /// - Parameter scratch: overwritten.
    public func app(key: ByteView, instanceID: String, scratch: ByteScratch) -> AppCredential? {
        find(byKey, key, instanceID, scratch)
    }

    public func app(code: ByteView, instanceID: String, scratch: ByteScratch) -> AppCredential? {
        find(byCode, code, instanceID, scratch)
    }

    public func app(id: String) -> AppCredential? {
        var id = id
        return id.withUTF8 { byID.value(for: UnsafeRawBufferPointer($0)) }
    }

    private func find(
        _ trie: ByteTrie<AppCredential>, _ word: ByteView, _ instanceID: String, _ scratch: ByteScratch
    ) -> AppCredential? {
        guard !trie.isEmpty else { return nil }
        scratch.removeAll()
        scratch.append(instanceID)
        scratch.append(UInt8(ascii: "/"))
        scratch.append(word.buffer)
        return trie.value(for: scratch.bytes)
    }

    /// The directory with `new` in place of `old`, which are two states of one application.
    public func replacing(_ old: AppCredential?, with new: AppCredential?) -> CallerDirectory {
        func place(_ app: AppCredential, _ word: [UInt8]) -> [UInt8] { Array(app.instanceID.utf8) + [UInt8(ascii: "/")] + word }
        // A word that has ended here may be another application's by now: what it took over stays its own.
        func without(_ trie: ByteTrie<AppCredential>, _ word: [UInt8], of old: AppCredential) -> ByteTrie<AppCredential> {
            let key = place(old, word)
            return key.withUnsafeBytes { trie.value(for: $0) }?.appID == old.appID ? trie.setting(key, to: nil) : trie
        }
        var (keys, codes, ids) = (byKey, byCode, byID)
        if let old {
            keys = without(keys, old.key, of: old)
            for code in old.codes { codes = without(codes, code.bytes, of: old) }
            if new == nil { ids = ids.setting(Array(old.appID.utf8), to: nil) }
        }
        if let new {
            keys = keys.setting(place(new, new.key), to: new)
            for code in new.codes { codes = codes.setting(place(new, code.bytes), to: new) }
            ids = ids.setting(Array(new.appID.utf8), to: new)
        }
        return CallerDirectory(byKey: keys, byCode: codes, byID: ids)
    }
}
