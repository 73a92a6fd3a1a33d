import GatewayPrimitives
import Snapshot

/// An API of the group that was addressed, or of the application that `X-HW-ID` names, and why it serves a request or does not.
public struct RouteCandidate: Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        case chosen
        /// It would serve the request, but another one is more specific (gateway-runtime.md, 1.4, O3).
        case lessSpecific
        /// It would serve the request, but the application's APIs come first (gateway-runtime.md, 1.1).
        case afterApplication
        /// Path matches, method does not.
        case otherMethod
        /// The first segment that differs, counted from 1; one more than the request has: the path goes on.
        case otherPath(segment: Int)
        /// Published in other environments than the one that was asked for.
        case otherEnvironment
    }

    public let identity: RouteIdentity
    public let method: RouteMethod
    public let path: String
    public let matchMode: MatchMode
    public let reason: Reason
}

extension RouteCandidate {
    /// Most candidates of one explanation.
    static let bound = 100

    /// Applies the written rules to every route by itself; what the compiled table chose is given.
    ///
    /// - Parameter path: the request's path in the form that was matched.
    static func reason(_ route: Route, path: [UInt8], method: RouteMethod?, chosen: Route?) -> Reason {
        if route === chosen { return .chosen }
        if let segment = difference(route, path) { return .otherPath(segment: segment) }
        return route.method == .any || route.method == method ? .lessSpecific : .otherMethod
    }

    /// The first segment of `path` that a route's template does not take; nil: it takes them all.
    private static func difference(_ route: Route, _ path: [UInt8]) -> Int? {
        let parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var pattern = route.path.segments[...]
        // A prefix `/test/` is the prefix `/test` (O2).
        if route.matchMode == .prefix, pattern.last == .literal([]) { pattern = pattern.dropLast() }
        for (index, segment) in pattern.enumerated() {
            guard index < parts.count else { return index + 1 }
            switch segment {
            case .rest: return parts[index...].contains { !$0.isEmpty } || parts.count > index + 1 ? nil : index + 1
            case .literal(let text): if !parts[index].elementsEqual(text) { return index + 1 }
            case .parameter: if parts[index].isEmpty { return index + 1 }
            }
        }
        return route.matchMode == .prefix || pattern.count == parts.count ? nil : pattern.count + 1
    }

    fileprivate var rank: Int {
        switch reason {
        case .chosen: 0
        case .lessSpecific, .afterApplication: 1
        case .otherMethod: 2
        case .otherEnvironment: 3
        case .otherPath(let segment): 1000 - min(segment, 900)
        }
    }
}

extension Rehearsal {
    /// Tells how the host, the environment and the route were found.
    ///
    /// - Parameter route: nil when there is none.
    public func describe(_ snapshot: GatewaySnapshot, _ head: RequestHead, route: Route?) {
        report.revision = snapshot.revision
        let host = snapshot.virtualHost(head.host)
        let named = snapshot.appRoutes.isEmpty ? nil : snapshot.instance(of: head).flatMap { snapshot.namedApp(head, $0) }
        guard host != nil || named != nil else { return }
        pass(.host, Self.place(head.host.string, host, named?.app))
        let application = named.map { Scope(environments: $0.routes.environments, asked: snapshot.environment(among: $0.routes.environments, head)) }
        let group = host.map { Scope(environments: $0.environments, asked: snapshot.environment(of: $0, head)) }
        if application?.asked != nil || group?.asked != nil {
            let wanted = head.value(.xStage)?.string
            pass(.environment, wanted.map { "X-Stage names \($0)" } ?? "no X-Stage: RELEASE")
        }
        candidates(application, group, head, chosen: route)
        if let route {
            begin(route)
            pass(.route, "\(head.methodName.string) \(head.path.string) is \(route.identity.apiName) (\(route.identity.apiID))")
        }
    }

    /// APIs among which the request's is looked for.
    private struct Scope {
        let environments: [EnvironmentRoutes]
        /// nil: there is none of the name that was asked for.
        let asked: EnvironmentRoutes?
    }

    private static func place(_ name: String, _ host: VirtualHost?, _ app: AppCredential?) -> String {
        let group = host.map { "the group \($0.groupName) (\($0.groupID))" }
        if let app {
            return "\(name) is the gateway's address, and X-HW-ID names the application \(app.name) (\(app.appID))"
                + (group.map { "; what is none of its APIs may be one of \($0)" } ?? "")
        }
        return host?.domain.map { "\(name) is the bound domain \($0.name) of \(group ?? "")" } ?? "\(name) belongs to \(group ?? "")"
    }

    private func candidates(_ application: Scope?, _ group: Scope?, _ head: RequestHead, chosen: Route?) {
        let path = head.path.array
        let method = head.method.routeMethod
        var found: [RouteCandidate] = []
        var present: Set<String> = []
        var isOfApplication = false
        for scope in [application, group] {
            for route in scope?.asked?.routes.all ?? [] where present.insert(route.identity.apiID).inserted {
                var reason = RouteCandidate.reason(route, path: path, method: method, chosen: chosen)
                if reason == .lessSpecific, isOfApplication { reason = .afterApplication }
                found.append(candidate(route, reason))
            }
            isOfApplication = found.contains { $0.reason == .chosen }
        }
        for scope in [application, group] {
            for other in scope?.environments ?? [] where other.id != scope?.asked?.id {
                for route in other.routes.all where present.insert(route.identity.apiID).inserted {
                    found.append(candidate(route, .otherEnvironment))
                }
            }
        }
        report.candidateCount = found.count
        found.sort { ($0.rank, $0.path, $0.identity.apiID) < ($1.rank, $1.path, $1.identity.apiID) }
        report.candidates = Array(found.prefix(RouteCandidate.bound))
    }

    private func candidate(_ route: Route, _ reason: RouteCandidate.Reason) -> RouteCandidate {
        RouteCandidate(
            identity: route.identity, method: route.method, path: route.path.text, matchMode: route.matchMode, reason: reason)
    }
}
