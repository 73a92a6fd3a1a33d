import ControlPlane
import WireContract

/// What a success of an operation does not mean, said in a header because the contract's answers have no room for it.
enum OperationNotice {
    static func of(_ operation: ContractOperation) -> String? {
        switch operation {
        case .publishLiveDataApiV2, .debugLiveDataApiV2: ControlPlane.livedataIsNotRun
        default: nil
        }
    }
}
