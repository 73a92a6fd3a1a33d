import GatewayModel
import GatewayPrimitives
import Snapshot
import Testing

@testable import SnapshotCompiler

/// Channels of the model -> what chooses a member.
struct ChannelCompilerTests {
    private let registry = RuntimeRegistry()

    private func content(
        strategy: BalanceStrategy = .roundRobin, check: HealthCheck? = nil, type: ChannelType = .server, groups: [MemberGroup] = [],
        _ members: [ChannelMember]
    ) -> ChannelContent {
        ChannelContent(
            channel: VPCChannel(
                id: "c", instanceID: "i", name: "channel", port: 8080, strategy: strategy, memberType: .ip, type: type, dictCode: "",
                microservice: nil, healthCheck: check, createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0)),
            groups: groups, members: members)
    }

    private func member(
        _ host: String, port: Int = 0, weight: Int = 1, isBackup: Bool = false, isEnabled: Bool = true, group: String = ""
    ) -> ChannelMember {
        ChannelMember(
            id: "m-\(host)-\(port)-\(group)", channelID: "c", host: host, port: port, weight: weight, isBackup: isBackup, isEnabled: isEnabled,
            groupID: group, ecsID: host, ecsName: host, position: 0, createdAt: Timestamp(nanoseconds: 0))
    }

    private func check(
        _ protocolName: String = "TCP", path: String = "", port: Int = 0, interval: Int = 10, enabled: Bool = true, clientTLS: Bool = false
    ) -> HealthCheck {
        HealthCheck(
            id: "h", protocolName: protocolName, path: path, method: "GET", port: port, thresholdNormal: 2, thresholdAbnormal: 3,
            timeInterval: interval, timeout: 5, httpCode: path.isEmpty ? "" : "200,210-299", enableClientTLS: clientTLS, isEnabled: enabled,
            createdAt: Timestamp(nanoseconds: 0))
    }

    private func compile(_ content: ChannelContent) throws -> BalancedChannel {
        try ChannelCompiler(contents: ["c": content], registry: registry).compile("c", resource: "api a")
    }

    private func shown(_ channel: BalancedChannel) -> [String] {
        channel.members.map { "\($0.host):\($0.port) \($0.weight)" }
    }

    @Test func onlyWhoMayServeIsThere() throws {
        let channel = try compile(
            content([
                member("a", isBackup: true), member("b", port: 81, weight: 7), member("c", weight: 0), member("d", isEnabled: false), member("e"),
            ]))
        #expect(shown(channel) == ["b:81 7", "e:8080 1", "a:8080 1"])
        #expect(channel.primaryCount == 2 && channel.members.map(\.index) == [0, 1, 2])
        #expect(channel.check == nil && channel.health == nil && channel.members.allSatisfy { $0.health == nil })
    }

    @Test func weightsDoNotCountForTheURI() throws {
        let channel = try compile(content(strategy: .uriHash, [member("a", weight: 9), member("b", weight: 0)]))
        #expect(shown(channel) == ["a:8080 1", "b:8080 1"])
    }

    @Test func groupsOfMicroservicesHavePorts() throws {
        let group = MemberGroup(
            id: "g", channelID: "c", name: "v1", remark: "", weight: nil, dictCode: "", microserviceVersion: "", microservicePort: 9001,
            microserviceLabels: [], createdAt: Timestamp(nanoseconds: 0), updatedAt: Timestamp(nanoseconds: 0))
        let members = [member("a", group: "g"), member("b", port: 7, group: "g"), member("c")]
        #expect(try shown(compile(content(type: .microservice, groups: [group], members))) == ["a:9001 1", "b:7 1", "c:8080 1"])
        #expect(try shown(compile(content(groups: [group], members))) == ["a:8080 1", "b:7 1", "c:8080 1"])
    }

    @Test func anUnknownChannelIsADiagnostic() {
        #expect(throws: CompileDiagnostic.self) {
            try ChannelCompiler(contents: [:], registry: registry).compile("c", resource: "api a")
        }
    }

    // MARK: Runtime state

    @Test func whatSaysTheSameIsTheSame() throws {
        let first = try compile(content(check: check(), [member("a")]))
        #expect(try compile(content(check: check(), [member("a")])) === first)
        #expect(try compile(content(check: check(), [member("a", weight: 2)])) !== first)
        #expect(try compile(content([member("a")])) !== first)
    }

    @Test func countersSurviveChanges() throws {
        let first = try compile(content(strategy: .leastConnections, [member("a"), member("b")]))
        first.members[0].state.begin()
        let second = try compile(content(strategy: .leastConnections, [member("b"), member("a", weight: 5)]))
        #expect(second.members.map(\.state.active) == [0, 1])
    }

    @Test func healthSurvivesOtherTimesButNotAnotherQuestion() throws {
        let first = try compile(content(check: check(), [member("a"), member("b")]))
        let health = try #require(first.health)
        first.members[0].health?.set(isUp: false, in: health)
        let times = try compile(content(check: check(interval: 20), [member("a"), member("b")]))
        #expect(times.members.map(\.isUp) == [false, true] && times.health === health)
        #expect(try compile(content(check: check(port: 81), [member("a")])).members[0].isUp)
        #expect(try compile(content(check: check("http", path: "/h"), [member("a")])).members[0].isUp)
        #expect(try compile(content(check: check(enabled: false), [member("a")])).members[0].isUp)
    }

    @Test func nothingStaysBehind() throws {
        do {
            let channel = try compile(content(check: check(), [member("a"), member("b")]))
            #expect(registry.liveCount == 7 && channel.members.count == 2)
        }
        #expect(registry.liveCount == 0)
    }

    // MARK: Checks

    @Test func checksAreWhatTheChannelSays() throws {
        let plan = try #require(try compile(content(check: check("Https", path: "/h", port: 99), [member("a")])).check)
        #expect(
            plan.question
                == .request(usesTLS: true, method: Array("GET".utf8), path: Array("/h".utf8), statuses: [200...200, 210...299]))
        #expect((plan.port, plan.thresholdNormal, plan.thresholdAbnormal) == (99, 2, 3))
        #expect((plan.intervalSeconds, plan.timeoutSeconds) == (10, 5))
        #expect(try compile(content(check: check(), [member("a")])).check?.question == .connect)
    }

    @Test func clientCertificatesAreADiagnostic() {
        #expect(throws: CompileDiagnostic.self) {
            try compile(content(check: check("HTTPS", path: "/h", clientTLS: true), [member("a")]))
        }
    }

    /// Members are checked exactly as long as a route sends requests to their channel.
    @Test func theSnapshotSaysWhoIsChecked() throws {
        var builder = SnapshotBuilder()
        func route(_ path: String, _ content: ChannelContent) throws -> Route {
            let channel = try compile(content)
            return Route(
                identity: RouteIdentity(
                    apiID: path, apiName: path, groupID: "g", groupName: "g", environmentID: "e", environmentName: "RELEASE", publishID: path),
                method: .get, path: try PathTemplate(parsing: path, allowsRest: true), matchMode: .normal, schemes: .http, refusal: nil,
                backend: .http(
                    HTTPBackend(
                        upstream: Upstream(usesTLS: false, host: "", port: 0), hostHeader: [], method: nil, path: .asReceived,
                        timeoutMilliseconds: 1000, retry: .automatic, channel: channel)),
                policies: RoutePolicies())
        }
        func checked() -> CheckedChannels { builder.snapshot(revision: 1).checkedChannels }
        let content = content(check: check(), [member("a")])
        #expect(checked().channels.isEmpty)
        builder.apply([.route(publicationID: "1", instanceID: "i", try route("/a", content))])
        builder.apply([.route(publicationID: "2", instanceID: "i", try route("/b", content))])
        let both = checked()
        #expect(both.channels.count == 1)
        builder.apply([.route(publicationID: "1", instanceID: "i", nil)])
        #expect(checked() === both, "one route still needs it")
        builder.apply([.route(publicationID: "2", instanceID: "i", try route("/b", content))])
        #expect(checked() === both, "nothing has changed")
        let other = self.content(check: check(interval: 20), [member("a")])
        builder.apply([.route(publicationID: "2", instanceID: "i", try route("/b", other))])
        #expect(checked().channels.map(\.check?.intervalSeconds) == [20])
        builder.apply([.route(publicationID: "2", instanceID: "i", try route("/b", self.content([member("a")])))])
        #expect(checked().channels.isEmpty)
    }
}
