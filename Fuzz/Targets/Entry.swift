import Foundation

/// A property of one reader, for any bytes. It traps where the property does not hold.
typealias FuzzTarget = @Sendable (UnsafeRawBufferPointer) -> Void

/// By name, as `make fuzz TARGET=` takes it; each has a folder of the same name under `Fuzz/Corpora`.
let targets: [String: FuzzTarget] = [
    "canonical-request": canonicalRequest,
    "chunked-body": chunkedBody,
    "event-json": eventJSON,
    "http2-backend": http2Backend,
    "http2-frames": http2Frames,
    "openapi-import": openAPIImport,
    "parameter-mapping": parameterMapping,
    "path-template": pathTemplate,
    "plugin-content": pluginContent,
    "proxy-header": proxyHeader,
    "request-head": requestHead,
    "upgrade": upgrade,
]

private let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    // Nothing can be done without a target, and libFuzzer takes no refusal.
    guard let target = targets[name] else { fatalError("FUZZ_TARGET is one of \(targets.keys.sorted().joined(separator: ", "))") }
    return target
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    chosen(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}

func hold(_ condition: @autoclosure () -> Bool, _ property: @autoclosure () -> String) {
    // What the fuzzer waits for; a precondition would not say in a release build what did not hold.
    if !condition() { fatalError(property()) }
}
