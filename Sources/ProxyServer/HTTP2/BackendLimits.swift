import NIOCore
import NIOHTTP2
import ProxyPipeline

/// Backends belong to whoever runs the gateway: how often they ask whether it is there, and how far apart the ends are, is theirs.
enum BackendLimits {
    /// In each second, of PING and its like and of streams that are given up.
    private static let frames = 2000

    static var connection: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: HTTP2Limits.headerList),
        ]
        configuration.maximumSequentialContinuationFrames = HTTP2Limits.continuations
        configuration.maximumSequentialEmptyDataFrames = HTTP2Limits.emptyFrames
        // What waits to be written of answers to PING and SETTINGS.
        configuration.maximumBufferedControlFrames = HTTP2Limits.waitingFrames
        configuration.controlFrameRateLimit.maximumCount = frames
        configuration.controlFrameRateLimit.windowLength = .seconds(1)
        // The streams of all clients share it.
        configuration.targetWindowSize = 1 << 20
        return configuration
    }

    static var stream: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.outboundBufferSizeHighWatermark = 64 * 1024
        configuration.outboundBufferSizeLowWatermark = 16 * 1024
        configuration.streamResetFrameRateLimit.maximumCount = frames
        configuration.streamResetFrameRateLimit.windowLength = .seconds(1)
        configuration.streamErrorRateLimit.maximumCount = frames
        configuration.streamErrorRateLimit.windowLength = .seconds(1)
        return configuration
    }
}
