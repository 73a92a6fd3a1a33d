import GatewayPrimitives
import Snapshot
import Testing

@testable import ProxyPipeline

/// Plans change what writing records costs, and nothing of the records.
@Suite struct RecordPlanTests {
    private static let everything: [RecordMember] =
        AccessLogWriter.members(ofCalls: true) + RecordField.kafkaLog

    private func app(_ number: Int) -> AppCredential {
        AppCredential(
            instanceID: "i", appID: "app-\(number)", name: number == 0 ? "" : "a \"b\" \(number)", key: [], secrets: [], codes: [],
            accountID: "", projectID: "", addresses: nil, quota: nil)
    }

    private func route(_ random: inout some RandomNumberGenerator) throws -> Route {
        var policies = RoutePolicies()
        switch Int.random(in: 0...3, using: &random) {
        case 0: policies.callers = CallerPolicy(kind: .iam)
        case 1: policies.callers = CallerPolicy(kind: .app(AppAccess(takesCodes: false, apps: [:])))
        default: break
        }
        if Bool.random(using: &random) {
            policies.objects[.authorizer] = PolicyObject(.authorizer, id: "z\(Int.random(in: 0...2, using: &random))", name: "z")
        }
        let id = "\"\(Int.random(in: 0...9, using: &random))"
        return Route(
            identity: RouteIdentity(
                apiID: id, apiName: Bool.random(using: &random) ? "n\(id)" : "", groupID: "g\(id)", groupName: "g", environmentID: "e",
                environmentName: "RELEASE", publishID: "p", providerAppID: Bool.random(using: &random) ? "q\(id)" : ""),
            method: .any, path: try PathTemplate(parsing: "/", allowsRest: false),
            matchMode: Bool.random(using: &random) ? .normal : .prefix, schemes: [.http], refusal: nil,
            backend: .mock(MockBackend(status: 200, headers: [], body: [])), policies: policies)
    }

    private func instance(_ count: Int) -> InstanceContext {
        var settings = InstanceSettings(instanceID: "i")
        let all: [LogField] = [
            LogField(place: .header, name: Array("x-a".utf8)), LogField(place: .query, name: Array("q".utf8)),
            LogField(place: .cookie, name: Array("c".utf8)), LogField(place: .header, name: Array("x-token".utf8)),
        ]
        settings.logFields = (0..<count).map { all[$0 % all.count] }
        return InstanceContext(settings)
    }

    private func head(_ random: inout some RandomNumberGenerator) -> RequestHead? {
        guard Int.random(in: 0...5, using: &random) > 0 else { return nil }
        var text = ["GET", "POST", "X"].randomElement(using: &random) ?? ""
        text += [" /", " /a?q=1+2&token=x", " /\"?q=%22&&q"].randomElement(using: &random) ?? ""
        text += Bool.random(using: &random) ? " HTTP/1.1\r\nHost: h.example\r\n" : " HTTP/1.0\r\n"
        for line in ["User-Agent: \"x\"", "X-Forwarded-For: 192.0.2.7", "X-A: a+b", "Cookie: c=1; d=2", "X-Token: t"]
        where Bool.random(using: &random) { text += line + "\r\n" }
        let head = RequestHead()
        guard case .complete = Array((text + "\r\n").utf8).withUnsafeBytes({ head.feed($0) }) else {
            preconditionFailure("not a request: \(text)")
        }
        return head
    }

    private func fill(
        _ record: AccessRecord, _ routes: [Route], _ instances: [InstanceContext], _ random: inout some RandomNumberGenerator
    ) {
        func chance<T>(_ value: @autoclosure () -> T) -> T? { Bool.random(using: &random) ? value() : nil }
        record.peer = Array("192.0.2.\(Int.random(in: 0...255, using: &random))".utf8)
        record.requestID = RequestID(high: random.next(), low: random.next())
        record.usesTLS = Bool.random(using: &random)
        record.head = head(&random)
        record.route = Int.random(in: 0...4, using: &random) > 0 ? routes.randomElement(using: &random) : nil
        record.groupID = ["", "g1", "g2"].randomElement(using: &random) ?? ""
        record.caller = nil
        if Bool.random(using: &random) { record.caller = .app(app(Int.random(in: 0...2, using: &random))) }
        if Int.random(in: 0...4, using: &random) == 0 {
            record.caller = .iam(
                IAMIdentity(userID: "u", userName: "\u{1}", accountID: "a", accountName: "a", projectID: Bool.random(using: &random) ? "p" : nil))
        }
        record.instance = Int.random(in: 0...4, using: &random) > 0 ? instances.randomElement(using: &random) : nil
        record.isHTTP2 = Bool.random(using: &random)
        record.status = [0, 200, 429].randomElement(using: &random) ?? 0
        record.isCall = Bool.random(using: &random)
        record.callStatus = chance(Int.random(in: 0...16, using: &random))
        record.failure = [nil, nil, GatewayFailure.throttled, .breakerOpen, .noMember].randomElement(using: &random) ?? nil
        record.isRemote = Bool.random(using: &random)
        record.bytesSent = Int.random(in: 0...100_000, using: &random)
        record.requestBytes = Int.random(in: 0...1000, using: &random)
        record.bodyBytes = Int.random(in: 0...20, using: &random)
        record.duration = UInt64.random(in: 0...20_000_000_000, using: &random)
        record.isProxied = Bool.random(using: &random)
        record.gzipRead = Int.random(in: 0...1000, using: &random)
        record.gzipWritten = Bool.random(using: &random) ? 0 : Int.random(in: 1...100, using: &random)
        record.functionURN = ["", "urn:1", "urn:2"].randomElement(using: &random) ?? ""
        record.providerName = ["", "one", "two"].randomElement(using: &random) ?? ""
        record.clientAddress = Bool.random(using: &random) ? IPAddress(v4: UInt32.random(in: 0...UInt32.max, using: &random)) : nil
        record.upstream = nil
        if Bool.random(using: &random) {
            let upstream = Upstream(
                usesTLS: Bool.random(using: &random), host: ["b", "::1"].randomElement(using: &random) ?? "", port: Int.random(in: 1...9, using: &random))
            record.upstream = .init(
                endpoint: LoggedEndpoint(upstream), target: Array("/t?secret=\(Int.random(in: 0...9, using: &random))".utf8),
                status: [0, 200, 500].randomElement(using: &random) ?? 0,
                connected: Bool.random(using: &random) ? UInt64.random(in: 0...9_000_000, using: &random) : nil,
                answered: Bool.random(using: &random) ? 7_000_000 : nil, ended: 8_000_000, all: UInt64.random(in: 0...9_999_999_999, using: &random))
        }
    }

    /// Any choice of members, in any order, for records of all kinds one after the other: routes and shapes come again.
    @Test func plannedRecordsAreThePlainOnes() throws {
        var random = SystemRandomNumberGenerator()
        var routes: [Route] = []
        for _ in 0..<6 { routes.append(try route(&random)) }
        let instances = [0, 0, 1, 3, 10].map(instance)
        let choices = (0..<5).map { number in
            number == 0 ? Self.everything : Self.everything.shuffled(using: &random).filter { _ in Bool.random(using: &random) }
        }
        let planning = RecordMembers(region: "r")
        let plain = RecordMembers(region: "r")
        let record = AccessRecord()
        for number in 0..<4000 {
            fill(record, routes, instances, &random)
            let id = Int.random(in: 0..<choices.count, using: &random)
            let now = Int64(1_700_000_000_000 + number * 77)
            let (found, expected) = (ByteScratch(), ByteScratch())
            // Twice: the first may have to make the plan.
            planning.write(record, nowMilliseconds: now, id: UInt64(id), to: found) { _ in choices[id] }
            let first = found.array
            found.removeAll()
            planning.write(record, nowMilliseconds: now, id: UInt64(id), to: found) { _ in choices[id] }
            plain.writePlainly(record, nowMilliseconds: now, choices[id], to: expected)
            #expect(first == expected.array && found.array == expected.array)
            record.clear()
        }
    }

    /// More shapes than there may be plans.
    @Test func plansAreBounded() throws {
        let members = RecordMembers(region: "r")
        let record = AccessRecord()
        var asked = 0
        func write(_ id: Int) -> [UInt8] {
            let out = ByteScratch()
            members.write(record, nowMilliseconds: 0, id: UInt64(id), to: out) { _ in
                asked += 1
                return [(name: "region_id", field: .region), (name: "status", field: .status)]
            }
            return out.array
        }
        let expected = Array(#""region_id":"r","status":0"#.utf8)
        for id in 0..<RecordMembers.bound { #expect(write(id) == expected) }
        #expect(asked == RecordMembers.bound && write(0) == expected && asked == RecordMembers.bound)
        // There is no room, until so many have missed it that the others are forgotten.
        for _ in 0...RecordMembers.bound { #expect(write(RecordMembers.bound) == expected) }
        #expect(asked == 2 * RecordMembers.bound + 1 && write(RecordMembers.bound) == expected)
        #expect(asked == 2 * RecordMembers.bound + 1)
    }
}
