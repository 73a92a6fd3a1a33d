import ProxyPipeline
import Snapshot

/// What few requests have. Kept together, so that all others look at one reference when they begin and end. Confined to the
/// connection's event loop.
final class ExchangeExtras {
    fileprivate var host: VirtualHost?
    fileprivate var choice: BackendChoice?
    fileprivate var side: SideRequest?
    fileprivate var hop: [UInt8]?
    fileprivate var gzip: GzipLoan?
    fileprivate var trace: RequestTrace?
    fileprivate var capture: RequestCapture?
    fileprivate var function: FunctionTarget?
    fileprivate var call: GRPCCall?
    fileprivate var callStatus: Int?

    /// Lets go of everything; a side request under way is cancelled.
    func clear() {
        host = nil
        choice = nil
        side?.cancel()
        side = nil
        hop = nil
        gzip = nil
        trace = nil
        capture = nil
        function = nil
        call = nil
        callStatus = nil
    }
}

extension Exchange {
    /// Set where a request ended before it had a route.
    var host: VirtualHost? {
        get { extras?.host }
        set { if newValue != nil || extras != nil { takeExtras().host = newValue } }
    }
    /// The backend whose authorizer is asked.
    var choice: BackendChoice? {
        get { extras?.choice }
        set { if newValue != nil || extras != nil { takeExtras().choice = newValue } }
    }
    var side: SideRequest? {
        get { extras?.side }
        set { if newValue != nil || extras != nil { takeExtras().side = newValue } }
    }
    /// On the request to the backend, in place of the route's own mark.
    var hop: [UInt8]? {
        get { extras?.hop }
        set { if newValue != nil || extras != nil { takeExtras().hop = newValue } }
    }
    /// Compresses the answer's body; nil where it goes on as it is.
    var gzip: GzipLoan? {
        get { extras?.gzip }
        set { if newValue != nil || extras != nil { takeExtras().gzip = newValue } }
    }
    /// The trace that the request belongs to.
    var trace: RequestTrace? {
        get { extras?.trace }
        set { if newValue != nil || extras != nil { takeExtras().trace = newValue } }
    }
    /// What the route's Kafka log keeps of the request.
    var capture: RequestCapture? {
        get { extras?.capture }
        set { if newValue != nil || extras != nil { takeExtras().capture = newValue } }
    }
    /// The function that is the backend.
    var function: FunctionTarget? {
        get { extras?.function }
        set { if newValue != nil || extras != nil { takeExtras().function = newValue } }
    }
    /// Set while the request is a call of gRPC.
    var call: GRPCCall? {
        get { extras?.call }
        set { if newValue != nil || extras != nil { takeExtras().call = newValue } }
    }    /// With which a call has ended, whether or not it had got as far as a route.
    var callStatus: Int? {
        get { extras?.callStatus }
        set { if newValue != nil || extras != nil { takeExtras().callStatus = newValue } }
    }
}
