import Snapshot
import Testing

@Suite struct AppQuotaStateTests {
    private func policy(limit: Int, window: Int64, anchor: Int64?, _ state: AppQuotaState) -> AppQuotaPolicy {
        AppQuotaPolicy(limit: limit, window: window, anchor: anchor, state: state)
    }

    @Test func withoutResetTimeTheFirstCallBeginsTheWindow() {
        let state = AppQuotaState()
        let quota = policy(limit: 2, window: 1000, anchor: nil, state)
        let admitted = [500, 900, 1499, 1500, 1501, 1502].map { state.admit(quota, at: $0, wall: 0) }
        #expect(admitted == [true, true, false, true, true, false])
    }

    @Test func windowsFollowTheResetTime() {
        let state = AppQuotaState()
        let quota = policy(limit: 1, window: 1000, anchor: 300, state)
        // Windows: ...-700 to 300, 300 to 1300, 1300 to 2300.
        let admitted = [-800, -700, 0, 299, 300, 1299, 1300, 1301].map { state.admit(quota, at: 0, wall: $0) }
        #expect(admitted == [true, true, false, false, true, false, true, false])
    }

    @Test func aClockThatStepsBackGivesNobodyAFreshWindow() {
        let state = AppQuotaState()
        let quota = policy(limit: 1, window: 1000, anchor: 0, state)
        #expect(state.admit(quota, at: 0, wall: 5500))
        #expect(!state.admit(quota, at: 0, wall: 4500))
        #expect(!state.admit(quota, at: 0, wall: 5999))
        #expect(state.admit(quota, at: 0, wall: 6000))
    }

    @Test func aNewLimitCountsWhatHasBeen() {
        let state = AppQuotaState()
        let narrow = policy(limit: 1, window: 1000, anchor: nil, state)
        #expect(state.admit(narrow, at: 0, wall: 0))
        #expect(!state.admit(narrow, at: 1, wall: 0))
        let wide = policy(limit: 2, window: 1000, anchor: nil, state)
        #expect(state.admit(wide, at: 2, wall: 0))
        #expect(!state.admit(wide, at: 3, wall: 0))
    }
}
