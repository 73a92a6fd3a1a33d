import ControlPlane
import GatewayModel
import Store
import WireContract

extension OperationRoutes {
    /// Dictionaries: public resources, with errors of the family ROMA (management-api.md, 3.25).
    public mutating func addDictionaries(_ plane: ControlPlane) {
        on(.createDictionary, body: Wire.CreateDictionary.self) { call -> Written<Wire.CreateDictionaryResponse> in
            let body = call.body
            let draft = DictionaryDraft(
                name: body.name ?? "", code: body.code ?? "", remark: body.remark ?? "",
                order: try DictionaryMapping.order(body.order) ?? 0, extendOne: body.extendOne ?? "",
                extendTwo: body.extendTwo ?? "", parentCode: body.parentCode ?? "")
            return try await plane.createDictionary(call.call, draft).map(DictionaryMapping.answer)
        }
        on(.updateDictionary, body: Wire.UpdateDictionary.self) { call -> Written<Wire.CreateDictionaryResponse> in
            let body = call.body
            let change = DictionaryChange(
                name: body.name, remark: body.remark, order: try DictionaryMapping.order(body.order),
                extendOne: body.extendOne, extendTwo: body.extendTwo)
            return try await plane.updateDictionary(call.call, id: call.id("dict_id"), change).map(DictionaryMapping.answer)
        }
        on(.deleteDictionary) { call -> Written<Void> in
            try await plane.deleteDictionary(call.call, id: call.id("dict_id"))
        }
        on(.checkDictionary) { call -> Wire.CreateDictionaryResponse in
            DictionaryMapping.answer(try await plane.dictionary(call.call, id: call.id("dict_id")))
        }
        on(.listDictionary) { call -> Wire.ListDictionaryResponse in
            let list = try await plane.dictionaries(
                call.call, parentCode: try call.filterName("parent_code") ?? "", name: try call.filterName("name"),
                code: try call.filterName("code"), page: call.page)
            return Wire.ListDictionaryResponse(
                total: list.total, size: list.items.count, dictionaries: list.items.map(DictionaryMapping.element))
        }
        on(.validateDictionary) { call -> Wire.ValidateDictionaryResponse in
            let taken = try await plane.takenDictionaryWords(
                call.call, name: try call.filterName("name"), code: try call.filterName("code"))
            return Wire.ValidateDictionaryResponse(name: taken.name, code: taken.code)
        }
    }
}

/// `type` is left out of answers: the contract types it as an object and the vendor's page as a word, `system` or
/// `user`; every entry here is the user's (docs/decisions/0014-public-resources.md).
enum DictionaryMapping {
    /// A number, or the same as text.
    static func order(_ value: NumberText?) throws(OperationError) -> Int? {
        guard let text = value?.text, !text.isEmpty else { return nil }
        guard let order = Int(text), (-2_147_483_648...2_147_483_647).contains(order) else { throw .invalid(field: "order") }
        return order
    }

    static func answer(_ entry: DictionaryEntry) -> Wire.CreateDictionaryResponse {
        Wire.CreateDictionaryResponse(
            id: entry.id, name: entry.name, remark: entry.remark, code: entry.code, extendOne: entry.extendOne,
            extendTwo: entry.extendTwo, parentCode: entry.parentCode, createTime: entry.createdAt.inMilliseconds,
            updateTime: entry.updatedAt.inMilliseconds)
    }

    static func element(_ entry: DictionaryEntry) -> Wire.Dictionary {
        Wire.Dictionary(
            id: entry.id, name: entry.name, remark: entry.remark, code: entry.code, extendOne: entry.extendOne,
            extendTwo: entry.extendTwo, parentCode: entry.parentCode, createTime: entry.createdAt.inMilliseconds,
            updateTime: entry.updatedAt.inMilliseconds)
    }
}
