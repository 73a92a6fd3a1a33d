"""The error catalogue."""

import csv

from .reading import HEADER, literal

PER_FILE = 340


def files(path) -> dict[str, str]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    codes = [row["code"] for row in rows]
    assert len(codes) == len(set(codes)), "a code occurs twice"

    cases, statuses, texts = [], [], []
    for row in rows:
        case = row["code"].replace(".", "").lower()
        text = row["message"].split(" || ")[0]
        cases.append(f"    case {case} = {literal(row['code'])}")
        statuses.append((int(row["http_status"]), case))
        texts.append(f"        case .{case}: {literal(text)}")
    by_status = "".join(
        f"        case {', '.join('.' + c for s, c in statuses if s == status)}: {status}\n"
        for status in sorted({s for s, _ in statuses}))
    return {
        "ManagementErrorCode.swift": HEADER + f"""
/// Every code of the error catalogue ({len(codes)}); the raw value is the code on the wire.
public enum ManagementErrorCode: String, CaseIterable, Sendable, Hashable {{
""" + "\n".join(cases) + "\n}\n",
        "ManagementErrorStatus.swift": HEADER + """
extension ManagementErrorCode {
    /// HTTP status of the catalogue; single operations differ and say so where they do.
    public var status: Int {
        switch self {
""" + by_status + "        }\n    }\n}\n",
        "ManagementErrorText.swift": HEADER + """
extension ManagementErrorCode {
    /// The text to emit, with `<placeholders>`.
    public var template: String {
        switch self {
""" + "\n".join(texts) + "\n        }\n    }\n}\n",
    }
