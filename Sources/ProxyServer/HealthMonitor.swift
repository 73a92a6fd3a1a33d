import Logging
import NIOCore
import NIOPosix
import ProxyPipeline
import Snapshot

/// Checks the members of channels, beside the request path: results reach requests through ``MemberHealth`` alone.
///
/// What is checked follows the snapshot. `@unchecked Sendable` by confinement to the event loop of `loop`.
final class HealthMonitor: @unchecked Sendable {
    private let loop: LoopState
    private let logger: Logger
    private var watched = CheckedChannels.none
    private var targets: [ObjectIdentifier: HealthTarget] = [:]

    init(loop: LoopState, logger: Logger) {
        self.loop = loop
        self.logger = logger
    }

    /// Begins with members that are new, ends with those that are gone, and goes on with the others.
    func watch(_ checked: CheckedChannels) {
        loop.eventLoop.assertInEventLoop()
        guard checked !== watched else { return }
        watched = checked
        var kept: [ObjectIdentifier: HealthTarget] = [:]
        for channel in checked.channels {
            guard let plan = channel.check, let health = channel.health else { continue }
            for member in channel.members {
                // The same address may be there in two groups, with one health.
                guard let state = member.health, kept[ObjectIdentifier(state)] == nil else { continue }
                if let known = targets.removeValue(forKey: ObjectIdentifier(state)) {
                    known.change(plan)
                    kept[ObjectIdentifier(state)] = known
                } else {
                    let target = HealthTarget(member, state, plan, channel.id, health, loop: loop, logger: logger)
                    kept[ObjectIdentifier(state)] = target
                    target.check()
                }
            }
        }
        for target in targets.values { target.stop() }
        targets = kept
    }

    func stop() {
        watch(.none)
    }
}

/// One member that is checked again and again. Confined to the monitor's event loop.
private final class HealthTarget {
    private let member: BalancedMember
    private let state: MemberHealth
    private let channelID: String
    private let health: ChannelHealth
    private let loop: LoopState
    private let logger: Logger
    private var plan: HealthCheckPlan
    private var streak: HealthStreak
    private var next: Scheduled<Void>?
    private var probe: HealthProbe?
    private var lastBegan = NIODeadline.now()
    private var isStopped = false

    init(
        _ member: BalancedMember, _ state: MemberHealth, _ plan: HealthCheckPlan, _ channelID: String, _ health: ChannelHealth,
        loop: LoopState, logger: Logger
    ) {
        self.member = member
        self.state = state
        self.plan = plan
        self.channelID = channelID
        self.health = health
        self.loop = loop
        self.logger = logger
        streak = HealthStreak(isUp: state.isUp)
    }

    func check() {
        lastBegan = .now()
        let probe = HealthProbe(plan, member, loop: loop) { succeeded in self.finished(succeeded) }
        self.probe = probe
        probe.start()
    }

    /// Other thresholds or times; what is asked stays, because it is part of the health's key.
    func change(_ plan: HealthCheckPlan) {
        guard plan != self.plan else { return }
        self.plan = plan
        if probe == nil { schedule() }
    }

    func stop() {
        isStopped = true
        next?.cancel()
        next = nil
        probe?.cancel()
        probe = nil
        // Whoever still holds the state finds what a fresh one says.
        if !state.isUp { state.set(isUp: true, in: health) }
    }

    private func finished(_ succeeded: Bool) {
        probe = nil
        guard !isStopped else { return }
        if streak.record(succeeded: succeeded, plan: plan) {
            state.set(isUp: streak.isUp, in: health)
            logger.info(
                "a member of a channel is \(streak.isUp ? "up" : "down")",
                metadata: ["channel": "\(channelID)", "member": "\(member.host):\(member.port)"])
        }
        schedule()
    }

    private func schedule() {
        next?.cancel()
        next = loop.eventLoop.assumeIsolated().scheduleTask(deadline: lastBegan + .seconds(Int64(plan.intervalSeconds))) {
            self.next = nil
            self.check()
        }
    }
}

/// One check: a connection of its own, never one of a request's.
private final class HealthProbe: AnswerReceiver {
    private let plan: HealthCheckPlan
    private let pool: UpstreamPool
    private let request: ByteBuffer
    private let loop: LoopState
    private var done: ((Bool) -> Void)?
    private var connection: UpstreamConnection?
    private var timeout: Scheduled<Void>?

    /// - Parameter done: called once, on the loop, unless the check is cancelled.
    init(_ plan: HealthCheckPlan, _ member: BalancedMember, loop: LoopState, done: @escaping (Bool) -> Void) {
        self.plan = plan
        self.loop = loop
        self.done = done
        let port = plan.port == 0 ? member.port : plan.port
        var usesTLS = false
        var request = ByteBuffer()
        if case .request(let tls, let method, let path, _) = plan.question {
            usesTLS = tls
            request.writeBytes(method)
            request.writeStaticString(" ")
            request.writeBytes(path)
            request.writeString(" HTTP/1.1\r\nHost: \(member.host.contains(":") ? "[\(member.host)]" : member.host):\(port)\r\n")
            request.writeStaticString("User-Agent: gatehouse-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n")
        }
        self.request = request
        pool = UpstreamPool(Upstream(usesTLS: usesTLS, host: member.host, port: port, tls: plan.tls), loop: loop)
    }

    func start() {
        let seconds = TimeAmount.seconds(Int64(plan.timeoutSeconds))
        timeout = loop.eventLoop.assumeIsolated().scheduleTask(in: seconds) { self.finish(false) }
        pool.connect(timeoutMilliseconds: plan.timeoutSeconds * 1000) { result in
            switch result {
            case .failure: self.finish(false)
            case .success(let connection): self.connected(connection)
            }
        }
    }

    func cancel() {
        done = nil
        finish(false)
    }

    private func connected(_ connection: UpstreamConnection) {
        guard done != nil else { return connection.close() }
        self.connection = connection
        guard case .request(_, let method, _, _) = plan.question else { return finish(true) }
        connection.begin(self, answersHead: method.elementsEqual("HEAD".utf8))
        connection.send(request)
    }

    private func finish(_ succeeded: Bool) {
        timeout?.cancel()
        timeout = nil
        connection?.close()
        connection = nil
        guard let done else { return }
        self.done = nil
        done(succeeded)
    }

    override func answerBegins(_ connection: UpstreamConnection) {
        guard case .request(_, _, _, let statuses) = plan.question else { return }
        finish(statuses.contains { $0.contains(connection.head.status) })
    }

    override func answerFails(_ connection: UpstreamConnection, malformed: Bool) { finish(false) }
}
