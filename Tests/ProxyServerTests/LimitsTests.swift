import GatewayPrimitives
import Glibc
import Logging
import NIOCore
import Testing

@testable import ProxyServer

@Suite struct LimitsTests {
    @Test func placesAreGivenBack() throws {
        let places = ClientPlaces(limit: 2)
        let a = try #require(IPAddress("192.0.2.1"))
        let b = try #require(IPAddress("192.0.2.2"))
        #expect(places.enter(a) && places.enter(a) && !places.enter(a) && places.enter(b))
        places.leave(a)
        #expect(places.enter(a) && !places.enter(a))
        for address in [a, a, b] { places.leave(address) }
        #expect(places.count == 0)
        places.leave(a)
        #expect(places.enter(a) && places.enter(a) && !places.enter(a))
    }

    @Test func aNetworkIsOneClient() throws {
        let places = ClientPlaces(limit: 2)
        let addresses = try ["2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::1"].map { try #require(IPAddress($0)) }
        #expect(places.enter(addresses[0]) && places.enter(addresses[1]) && !places.enter(addresses[0]))
        #expect(places.enter(addresses[2]), "another network")
        // A dual-stack listener reports IPv4 this way.
        let mapped = try #require(IPAddress("::ffff:192.0.2.1"))
        let plain = try #require(IPAddress("192.0.2.1"))
        #expect(places.enter(mapped) && places.enter(plain) && !places.enter(plain))
        for address in [addresses[1], addresses[0], addresses[2], plain, mapped] { places.leave(address) }
        #expect(places.count == 0)
    }

    @Test func oneLineAMinuteAndEveryFailureCounted() {
        let failures = AcceptFailures(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var lines = 0
        let start = NIODeadline.uptimeNanoseconds(1)
        for second in 0..<130 {
            if failures.note(IOError(errnoCode: EMFILE, reason: "accept"), at: start + .seconds(Int64(second))) { lines += 1 }
        }
        failures.note(IOError(errnoCode: ENOMEM, reason: "accept"), at: start + .seconds(130))
        failures.note(IOError(errnoCode: ECONNABORTED, reason: "accept"), at: start + .seconds(130))
        #expect(lines == 3)
        #expect(failures.counts.map(\.count) == [130, 1, 1])
        #expect(AcceptFailures.pause(after: IOError(errnoCode: EMFILE, reason: "accept")) != nil)
        #expect(AcceptFailures.pause(after: IOError(errnoCode: ECONNABORTED, reason: "accept")) == nil)
    }
}
