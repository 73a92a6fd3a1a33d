import ControlPlane
import GatewayModel
import Store
import Testing

/// Channels, groups and members by the rules of management-api.md, 3.19.
struct ChannelOperationTests {
    private let fixture: ControlPlaneFixture
    private var plane: ControlPlane { fixture.plane }
    private var call: Call { fixture.call() }

    init() throws { fixture = try ControlPlaneFixture() }

    private func draft(_ name: String = "channel_1") -> ChannelDraft {
        ChannelDraft(name: name, port: 80, strategy: .roundRobin, memberType: .ip)
    }

    private func member(_ host: String, _ group: String? = nil, weight: Int? = nil, port: Int? = nil) -> MemberDraft {
        MemberDraft(host: host, port: port, weight: weight, groupName: group)
    }

    @Test func everyObjectLeavesATrace() async throws {
        var draft = draft()
        draft.groups = [MemberGroupDraft(name: "a")]
        draft.members = [member("10.0.0.1", "a"), member("10.0.0.2")]
        let made = try await plane.createChannel(call, draft).value
        for id in [made.channel.id, made.groups[0].id, made.members[0].id] {
            #expect(try fixture.changes(of: id, "before_json") == [nil])
        }
        _ = try await plane.deleteMemberGroup(call, channelID: made.channel.id, id: made.groups[0].id)
        #expect(try fixture.changes(of: made.members[0].id, "after_json").last == .some(nil))
        _ = try await plane.deleteChannel(call, id: made.channel.id)
        #expect(try fixture.changes(of: made.members[1].id, "after_json").last == .some(nil))
        #expect(try fixture.texts("SELECT id AS c FROM channel_members") == [])
        #expect(try fixture.texts("SELECT id AS c FROM member_groups") == [])
    }

    @Test func aWriteWithoutAChangeChangesNothing() async throws {
        var draft = draft()
        draft.members = [member("10.0.0.1")]
        let made = try await plane.createChannel(call, draft).value
        let revision = try fixture.revision
        _ = try await plane.enableMembers(call, channelID: made.channel.id, ids: made.members.map(\.id), true)
        _ = try await plane.addMembers(call, channelID: made.channel.id, [member("10.0.0.1")])
        #expect(try fixture.revision == revision)
    }

    /// 0 stands for the channel's port, so that the two are one address.
    @Test func membersAreOneByTheirAddress() async throws {
        var draft = draft()
        draft.members = [member("10.0.0.1"), member("10.0.0.1", port: 80), member("10.0.0.1", port: 81)]
        let made = try await plane.createChannel(call, draft).value
        #expect(made.members.map { made.port(of: $0) } == [80, 81])
        let added = try await plane.addMembers(
            call, channelID: made.channel.id, [member("10.0.0.1", port: 80), member("10.0.0.1", weight: 7)]).value
        #expect(added.map(\.member.id) == [made.members[0].id])
        #expect(added[0].member.weight == 1, "the first of two with one address wins")
    }

    @Test func whatIsAbsentStays() async throws {
        var draft = draft()
        draft.members = [MemberDraft(host: "10.0.0.1", weight: 5, isBackup: true, isEnabled: false)]
        let made = try await plane.createChannel(call, draft).value
        let added = try await plane.addMembers(call, channelID: made.channel.id, [MemberDraft(host: "10.0.0.1", isBackup: false)]).value
        #expect(added[0].member.weight == 5 && !added[0].member.isEnabled && !added[0].member.isBackup)
    }

    @Test func nothingHalfDone() async throws {
        var draft = draft()
        draft.members = [member("10.0.0.1")]
        let made = try await plane.createChannel(call, draft).value
        let refused = await refusal {
            try await plane.addMembers(call, channelID: made.channel.id, [member("10.0.0.2"), member("10.0.0.3", "none")])
        }
        #expect(refused == .invalid(field: "member_group_name"))
        #expect(try fixture.texts("SELECT host AS c FROM channel_members") == ["10.0.0.1"])
    }

    @Test(arguments: [
        ("10.0.0.1", true), ("::1", true), ("a.example.com", true), ("a_b", true), ("", false), ("256.1.1.1", false), ("1.2.3", false),
        ("-a", false), ("a..b", false), ("a:80", false), ("a b", false), ("ä.example.com", false), ("a\r\n", false),
        (String(repeating: "a.", count: 32) + "b", false),
    ])
    func hosts(text: String, isHost: Bool) { #expect(ChannelRules.isHost(text) == isHost) }

    @Test(arguments: [
        ("200", [200...200]), ("200,201,210-299", [200...200, 201...201, 210...299]), ("100-599", [100...599]), ("", nil), ("99", nil),
        ("600", nil), ("299-200", nil), ("200,", nil), ("200-201-202", nil), ("2000", nil), ("2e2", nil), ("-200", nil),
    ] as [(String, [ClosedRange<Int>]?)])
    func statuses(text: String, ranges: [ClosedRange<Int>]?) { #expect(HealthCheck.statuses(text) == ranges) }

    @Test func statusesHaveALimit() {
        #expect(HealthCheck.statuses(Array(repeating: "200", count: 64).joined(separator: ",")) != nil)
        #expect(HealthCheck.statuses(Array(repeating: "200", count: 65).joined(separator: ",")) == nil)
    }

    @Test func groupsHaveALimit() async throws {
        var draft = draft()
        draft.groups = (0...ChannelRules.maxGroups).map { MemberGroupDraft(name: "g\($0)") }
        let refused = await refusal { try await plane.createChannel(call, draft) }
        #expect(refused == .invalid(field: "member_groups"))
        draft.groups?.removeLast()
        _ = try await plane.createChannel(call, draft)
    }

    // MARK: Several instances

    private func fixNames() async throws {
        for id in [fixture.instanceID, fixture.otherInstanceID] {
            _ = try await plane.setFeature(fixture.call(instance: id), name: "vpc_name_modifiable", enabled: false, config: "off")
        }
    }

    @Test func projectChannels() async throws {
        let both = [fixture.instanceID, fixture.otherInstanceID]
        var draft = draft()
        draft.members = [member("10.0.0.1")]
        let above = fixture.call(instance: "")
        #expect(await refusal { try await plane.createProjectChannels(above, instanceIDs: both, draft) } == .conflict(.featureNotSupported))
        try await fixNames()
        let made = try await plane.createProjectChannels(above, instanceIDs: both, draft).value
        #expect(made.map(\.content.channel.instanceID) == both)
        #expect(made.map(\.instanceName) == ["i111", "i222"])
        #expect(Set(made.flatMap { [$0.content.channel.id, $0.content.members[0].id] }).count == 4)
        #expect(
            try fixture.texts("SELECT instance_id AS c FROM changes WHERE kind = 'vpcChannel' ORDER BY position") == both)
        #expect(await refusal { try await plane.createProjectChannels(above, instanceIDs: [both[0]], draft) }
            == .taken(.vpcChannel, name: "channel_1"))
        let list = try await plane.projectChannels(above, ChannelFilter(), page: Page(offset: 0, limit: 1))
        #expect(list.total == 2 && list.items.count == 1)
        let elsewhere = Call(
            actor: "a", userID: "u", source: "", requestID: "r", projectID: "ffffffffffffffffffffffffffffffff", instanceID: "")
        #expect(try await plane.projectChannels(elsewhere, ChannelFilter(), page: Page(offset: 0, limit: 9)).total == 0)
    }

    @Test func copies() async throws {
        try await fixNames()
        var draft = draft()
        draft.groups = [MemberGroupDraft(name: "a", weight: 3)]
        draft.members = [member("10.0.0.1", "a"), member("10.0.0.2")]
        draft.healthCheck = HealthCheckDraft(protocolName: "TCP", thresholdNormal: 1, thresholdAbnormal: 1, timeInterval: 5)
        let source = try await plane.createChannel(call, draft).value
        let above = fixture.call(instance: "")
        let copy = try await plane.copyChannel(
            above, id: source.channel.id, toInstances: [fixture.otherInstanceID], replaces: false
        ).value[0].content
        #expect(copy.channel.instanceID == fixture.otherInstanceID && copy.channel.id != source.channel.id)
        #expect(copy.members.map(\.host) == ["10.0.0.1", "10.0.0.2"] && copy.members[0].weight == 3)
        #expect(copy.channel.healthCheck?.timeInterval == 5)

        _ = try await plane.replaceMembers(call, channelID: source.channel.id, groupName: nil, [member("10.0.0.9")])
        #expect(await refusal {
            try await plane.copyChannel(above, id: source.channel.id, toInstances: [fixture.otherInstanceID], replaces: false)
        } == .taken(.vpcChannel, name: "channel_1"))
        let again = try await plane.copyChannel(
            above, id: source.channel.id, toInstances: [fixture.otherInstanceID], replaces: true
        ).value[0].content
        #expect(again.channel.id == copy.channel.id && again.members.map(\.host) == ["10.0.0.9"])
        #expect(again.groups.map(\.id) == copy.groups.map(\.id))
    }
}
