import GatewayModel
import Store

/// What a caller says about a deployment.
public struct LivedataDeploymentDraft: Sendable {
    /// Whether to make and publish an API of the gateway in front of it.
    public var makesFrontAPI: Bool
    /// Empty: not given.
    public var groupID: String
    public var environmentID: String
    public var romaAppID: String

    public init(makesFrontAPI: Bool, groupID: String = "", environmentID: String = "", romaAppID: String = "") {
        self.makesFrontAPI = makesFrontAPI
        self.groupID = groupID
        self.environmentID = environmentID
        self.romaAppID = romaAppID
    }
}

/// A deployment with the name of its application.
public struct LivedataDeploymentView: Sendable {
    public let deployment: LivedataDeployment
    public let applicationName: String
}

/// A test and what is to be said about it.
public struct LivedataTestOutcome: Sendable {
    public let test: LivedataTest
    public let log: [String]
}

extension ControlPlane {
    /// Deployments and tests of one API that are kept; older ones go.
    public static let livedataDeploymentLimit = 10
    public static let livedataTestLimit = 100
    /// What everything that would run a script says.
    public static let livedataIsNotRun = "this version does not run live-data APIs"

    /// Replaces all scripts. None at all takes the API back to where it was before its first.
    ///
    /// - Parameter scripts: names and contents.
    /// - Throws: ``OperationError``: unknown API, a script of the wrong form, too many.
    public func setLivedataScripts(
        _ call: Call, id: String, _ scripts: [(name: String, content: String)]
    ) async throws -> Written<LivedataView> {
        let quotas = settings.quotas
        return try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.livedataAPI(id, of: call)
            var api = before
            api.scripts = scripts.map { script in
                let old = before.scripts.first { $0.objectName == script.name }
                return LivedataScript(
                    objectName: script.name, content: script.content, createdAt: old?.createdAt ?? w.now, updatedAt: w.now)
            }
            try w.checkScriptCount(api, quotas)
            api.kind = api.scripts.isEmpty ? nil : .function
            // What was deployed stays deployed, as it was: the record of the deployment holds it.
            if before.status == .deployed {
                if api.scripts.isEmpty { throw OperationError.conflict(.livedataIsDeployed) }
            } else {
                api.status = api.scripts.isEmpty ? .designed : .developed
            }
            api.updatedAt = w.now
            try w.checkLivedata(api, of: call)
            try w.replace(before, with: api)
            return try w.view(api)
        }
    }

    /// Records a deployment. Nothing runs: a front API, which would promise traffic, is refused.
    ///
    /// - Throws: ``OperationError``: unknown API, group or environment; a front API; no script.
    public func deployLivedataAPI(
        _ call: Call, id: String, _ draft: LivedataDeploymentDraft
    ) async throws -> Written<LivedataDeploymentView> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.livedataAPI(id, of: call)
            if draft.makesFrontAPI {
                throw OperationError.cannotServe(field: "deploy_front_api", reason: Self.livedataIsNotRun)
            }
            if !draft.groupID.isEmpty { _ = try w.group(draft.groupID, of: call) }
            if !draft.environmentID.isEmpty { _ = try w.environment(draft.environmentID, of: call) }
            if !draft.romaAppID.isEmpty, draft.romaAppID != before.romaAppID {
                throw OperationError.invalid(field: "roma_app_id")
            }
            guard !before.scripts.isEmpty else { throw OperationError.conflict(.livedataHasNoScript) }
            var api = before
            api.status = .deployed
            api.updatedAt = w.now
            let deployment = LivedataDeployment(
                id: w.newID(), apiID: id, groupID: draft.groupID, environmentID: draft.environmentID, definition: api,
                deployedAt: w.now)
            try w.sql.insert(LivedataDeploymentRow(deployment))
            try w.record(.livedataDeployment, id: deployment.id, before: nil, after: deployment)
            try w.forget("livedata_deployments", of: id, order: "deployed_at DESC, id", keeping: Self.livedataDeploymentLimit)
            try w.replace(before, with: api)
            return LivedataDeploymentView(deployment: deployment, applicationName: try w.view(api).applicationName)
        }
    }

    /// - Throws: ``OperationError``: unknown API, or it is not deployed.
    public func undeployLivedataAPI(_ call: Call, id: String) async throws -> Written<Void> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let before = try w.livedataAPI(id, of: call)
            guard before.status == .deployed else { throw OperationError.conflict(.livedataNotDeployed) }
            var api = before
            api.status = .developed
            api.updatedAt = w.now
            try w.replace(before, with: api)
        }
    }

    /// Newest first, at most ``livedataDeploymentLimit``.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func livedataDeployments(_ call: Call, id: String) async throws -> [LivedataDeploymentView] {
        try await read { r in
            try r.checkInstance(of: call)
            let name = try r.view(r.livedataAPI(id, of: call)).applicationName
            var condition = Condition()
            condition.and("livedata_api_id = ?", .text(id))
            return try r.sql.all(LivedataDeploymentRow.self, where: condition, order: "deployed_at DESC, id").map {
                LivedataDeploymentView(deployment: $0.deployment, applicationName: name)
            }
        }
    }

    /// Records what a test would have sent, and that it was not run: its status is 501.
    ///
    /// - Parameter values: parameters with the values that the test gives them.
    /// - Throws: ``OperationError``: unknown API, a value that no request can hold.
    public func testLivedataAPI(
        _ call: Call, id: String, _ values: [LivedataParameter]
    ) async throws -> Written<LivedataTestOutcome> {
        try await write(call) { w in
            try w.checkInstance(of: call)
            let api = try w.livedataAPI(id, of: call)
            guard values.count <= LivedataRules.parameterLimit else {
                throw OperationError.definition(.tooManyParameters)
            }
            guard let request = LivedataRequestText.make(api, values) else { throw OperationError.invalid(field: "default") }
            let last = try w.sql.first(
                "SELECT MAX(test_id) AS n FROM livedata_tests WHERE livedata_api_id = ?", [.text(id)])
            var number = 1
            if let last, case .integer(let newest) = try last["n"] { number = Int(newest) + 1 }
            let test = LivedataTest(
                id: w.newID(), apiID: id, number: number, statusCode: "501", method: api.method.rawValue, request: request,
                response: #"{"error_msg":"\#(Self.livedataIsNotRun)"}"#, testOperator: call.projectID, usedMilliseconds: 0,
                testedAt: w.now)
            try w.sql.insert(test)
            try w.forget("livedata_tests", of: id, order: "tested_at DESC, id", keeping: Self.livedataTestLimit)
            return LivedataTestOutcome(test: test, log: LivedataRequestText.remarks(api, values) + [Self.livedataIsNotRun])
        }
    }

    /// Newest first.
    ///
    /// - Throws: ``OperationError``: unknown API.
    public func livedataTests(_ call: Call, id: String, page: Page) async throws -> Listing<LivedataTest> {
        try await read { r in
            try r.checkInstance(of: call)
            _ = try r.livedataAPI(id, of: call)
            var condition = Condition()
            condition.and("livedata_api_id = ?", .text(id))
            return try r.sql.page(LivedataTest.self, where: condition, order: "tested_at DESC, test_id DESC", page: page)
        }
    }
}

extension Writing {
    fileprivate func forget(_ table: String, of apiID: String, order: String, keeping limit: Int) throws {
        try sql.execute(
            """
            DELETE FROM \(table) WHERE livedata_api_id = ? AND id NOT IN
              (SELECT id FROM \(table) WHERE livedata_api_id = ? ORDER BY \(order) LIMIT ?)
            """, [.text(apiID), .text(apiID), SQLValue(limit)])
    }
}

/// The HTTP request that a test describes.
enum LivedataRequestText {
    /// nil when a value holds a line break where a line of a request has no room for one.
    static func make(_ api: LivedataAPI, _ values: [LivedataParameter]) -> String? {
        var query: [String] = []
        var headers = ""
        var body = ""
        for value in effective(api, values) {
            let text = value.defaultValue ?? ""
            switch value.location {
            case .parameters: query.append("\(encoded(value.name))=\(encoded(text))")
            case .headers:
                guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else { return nil }
                headers += "\(value.name): \(text)\r\n"
            case .body: body += text
            }
        }
        let target = api.path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        return "\(api.method.rawValue) \(target) HTTP/1.1\r\n\(headers)\r\n\(body)"
    }

    /// What is wrong with the values, for the log of the test.
    static func remarks(_ api: LivedataAPI, _ values: [LivedataParameter]) -> [String] {
        let given = effective(api, values)
        var remarks = given.filter { value in !api.parameters.contains { isSame($0, value) } }
            .map { "parameter \($0.name) in \($0.location.rawValue) is not declared" }
        remarks += given.filter { value in value.defaultValue == nil && api.parameters.contains { isSame($0, value) && $0.required } }
            .map { "parameter \($0.name) in \($0.location.rawValue) is required and has no value" }
        if api.scripts.isEmpty { remarks.append("the API has no script") }
        return remarks
    }

    /// What the test gives, then the defaults of what it leaves out.
    private static func effective(_ api: LivedataAPI, _ values: [LivedataParameter]) -> [LivedataParameter] {
        values + api.parameters.filter { declared in
            (declared.defaultValue != nil || declared.required) && !values.contains { isSame($0, declared) }
        }
    }

    private static func isSame(_ a: LivedataParameter, _ b: LivedataParameter) -> Bool {
        guard a.location == b.location else { return false }
        return a.location == .body ? a.name == b.name : a.name.lowercased() == b.name.lowercased()
    }

    private static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return out
    }
}
