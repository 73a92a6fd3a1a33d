/// Bodies of the management API as they are on the wire: one structure for each schema of the
/// contract, every property optional, because an absent property means "unchanged" in updates and
/// is judged by `FieldChecked` in creations.
///
/// The members are generated; `Wire` keeps names such as `Error` and `Dictionary` apart from Swift's.
public enum Wire {}
