"""Requests that are malformed or that two readers could read differently.

Each entry: name, bytes, the statuses that are right. `HOST` stands for a host that reaches a published API which
takes every path and method. A second request, `/smuggled`, hides behind many of them: nobody may ever see it.
"""

from __future__ import annotations

HOST = b"@HOST@"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: @HOST@\r\n\r\n"
BAD = {400}
MEGABYTE = 1024 * 1024

CASES: list[tuple[str, bytes, set[int]]] = []


def case(name: str, data: bytes, statuses: set[int] = BAD) -> None:
    CASES.append((name, data, statuses))


def post(name: str, headers: bytes, body: bytes = b"", statuses: set[int] = BAD, version: bytes = b"HTTP/1.1") -> None:
    """A POST whose framing is in question, with the smuggled request behind it."""
    case(name, b"POST /m " + version + b"\r\nHost: " + HOST + b"\r\n" + headers + b"\r\n\r\n" + body + SMUGGLED, statuses)


def line(name: str, first: bytes, statuses: set[int] = BAD) -> None:
    """A request line in question."""
    case(name, first + b"\r\nHost: " + HOST + b"\r\n\r\n", statuses)


def header(name: str, lines: bytes, statuses: set[int] = BAD) -> None:
    """Header lines in question, after a good Host."""
    case(name, b"GET /m HTTP/1.1\r\nHost: " + HOST + b"\r\n" + lines + b"\r\n\r\n", statuses)


def host(name: str, lines: bytes, target: bytes = b"/m") -> None:
    case(name, b"GET " + target + b" HTTP/1.1\r\n" + lines + b"\r\n", BAD | {404})


# Two framings, or none that can be trusted --------------------------------------------------
post("length-and-chunked", b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n")
post("chunked-and-length", b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\n")
post("two-lengths-differ", b"Content-Length: 5\r\nContent-Length: 0", b"hello")
post("two-lengths-equal", b"Content-Length: 5\r\nContent-Length: 5", b"hello")
post("length-list", b"Content-Length: 5, 5", b"hello")
post("length-list-differs", b"Content-Length: 5, 0", b"hello")
post("length-plus", b"Content-Length: +5", b"hello")
post("length-minus", b"Content-Length: -5", b"hello")
post("length-minus-zero", b"Content-Length: -0")
post("length-hex", b"Content-Length: 0x5", b"hello")
post("length-empty", b"Content-Length: ")
post("length-two-words", b"Content-Length: 5 5", b"hello")
post("length-trailing-sign", b"Content-Length: 5;", b"hello")
post("length-fraction", b"Content-Length: 5.0", b"hello")
post("length-exponent", b"Content-Length: 1e1", b"hello")
post("length-underscore", b"Content-Length: 1_0", b"hellohello")
post("length-letters", b"Content-Length: five", b"hello")
post("length-wide-digit", "Content-Length: ５".encode(), b"hello")
post("length-vertical-tab", b"Content-Length: \x0b5", b"hello")
post("length-over-64-bit", b"Content-Length: 18446744073709551621", b"hello", {400, 413})
post("length-over-63-bit", b"Content-Length: 9223372036854775813", b"hello", {400, 413})
post("length-30-digits", b"Content-Length: " + b"9" * 30, b"hello", {400, 413})
post("length-blank-before-colon", b"Content-Length : 5", b"hello")
post("length-folded", b"Content-Length:\r\n 5", b"hello")
post("coding-identity", b"Transfer-Encoding: identity", b"", {400, 501})
post("coding-gzip", b"Transfer-Encoding: gzip", b"", {400, 501})
post("coding-gzip-chunked", b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n", {400, 501})
post("coding-chunked-gzip", b"Transfer-Encoding: chunked, gzip", b"0\r\n\r\n", {400, 501})
post("coding-chunked-twice", b"Transfer-Encoding: chunked, chunked", b"0\r\n\r\n", {400, 501})
post("coding-two-lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n")
post("coding-second-line-identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n", {400, 501})
post("coding-lookalike", b"Transfer-Encoding: xchunked", b"0\r\n\r\n", {400, 501})
post("coding-vertical-tab", b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n", {400, 501})
post("coding-parameter", b"Transfer-Encoding: chunked;q=1", b"0\r\n\r\n", {400, 501})
post("coding-quoted", b'Transfer-Encoding: "chunked"', b"0\r\n\r\n", {400, 501})
post("coding-empty", b"Transfer-Encoding: ", b"0\r\n\r\n", {400, 501})
post("coding-comma", b"Transfer-Encoding: ,chunked", b"0\r\n\r\n", {400, 501})
post("coding-blank-before-colon", b"Transfer-Encoding : chunked", b"0\r\n\r\n")
post("coding-folded", b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n")
post("coding-http-1.0", b"Transfer-Encoding: chunked", b"0\r\n\r\n", version=b"HTTP/1.0")

# Chunks --------------------------------------------------------------------------------------
CHUNKED = b"Transfer-Encoding: chunked"
post("chunk-size-letters", CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n")
post("chunk-size-0x", CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n")
post("chunk-size-minus", CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n")
post("chunk-size-plus", CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n")
post("chunk-size-blank-before", CHUNKED, b" 5\r\nhello\r\n0\r\n\r\n")
post("chunk-size-empty", CHUNKED, b"\r\nhello\r\n0\r\n\r\n")
post("chunk-size-only-extension", CHUNKED, b";a=b\r\nhello\r\n0\r\n\r\n")
post("chunk-size-over-64-bit", CHUNKED, b"10000000000000005\r\nhello\r\n0\r\n\r\n", {400, 413})
post("chunk-size-sign-bit", CHUNKED, b"8000000000000005\r\nhello\r\n0\r\n\r\n", {400, 413})
post("chunk-size-64-digits", CHUNKED, b"f" * 64 + b"\r\nhello\r\n0\r\n\r\n", {400, 413})
post("chunk-size-bare-lf", CHUNKED, b"5\nhello\r\n0\r\n\r\n")
post("chunk-size-bare-cr", CHUNKED, b"5\rhello\r\n0\r\n\r\n")
post("chunk-data-too-long", CHUNKED, b"5\r\nhello!\r\n0\r\n\r\n")
post("chunk-data-bare-lf", CHUNKED, b"5\r\nhello\n0\r\n\r\n")
post("chunk-data-bare-cr", CHUNKED, b"5\r\nhello\r0\r\n\r\n")
post("chunk-extension-bare-lf", CHUNKED, b"5;a\nb\r\nhello\r\n0\r\n\r\n")
post("chunk-extension-nul", CHUNKED, b"5;a=\x00\r\nhello\r\n0\r\n\r\n")
post("chunk-extension-endless", CHUNKED, b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n", {400, 413})
post("chunk-trailer-no-colon", CHUNKED, b"0\r\nnothing\r\n\r\n")
post("chunk-trailer-folded", CHUNKED, b"0\r\nA: b\r\n c\r\n\r\n")
post("chunk-trailer-bare-lf", CHUNKED, b"0\r\nA: b\nB: c\r\n\r\n")
post("chunk-trailer-endless", CHUNKED, b"0\r\n" + b"A: b\r\n" * 40_000 + b"\r\n", {400, 413, 494})
post("chunk-last-bare-lf", CHUNKED, b"0\r\n\n")

# Request line --------------------------------------------------------------------------------
case("line-http-0.9", b"GET /m\r\n\r\n")
line("line-two-blanks-before-target", b"GET  /m HTTP/1.1")
line("line-two-blanks-before-version", b"GET /m  HTTP/1.1")
line("line-tab", b"GET\t/m\tHTTP/1.1")
line("line-leading-blank", b" GET /m HTTP/1.1")
line("line-trailing-blank", b"GET /m HTTP/1.1 ")
line("line-no-method", b"/m HTTP/1.1")
line("line-blank-in-target", b"GET /m m HTTP/1.1")
line("line-bare-cr", b"GET /m\rX HTTP/1.1")
line("line-only-lf", b"GET /m HTTP/1.1\nX: y")
line("version-lower-case", b"GET /m http/1.1", {400, 505})
line("version-typo", b"GET /m HTP/1.1", {400, 505})
line("version-none", b"GET /m HTTP/", {400, 505})
line("version-2.0", b"GET /m HTTP/2.0", {400, 505})
line("version-two-digits", b"GET /m HTTP/1.10", {400, 505})
line("version-comma", b"GET /m HTTP/1,1", {400, 505})
line("method-connect", b"CONNECT @HOST@:443 HTTP/1.1", {400, 405})
line("method-at-sign", b"G@T /m HTTP/1.1")
line("method-nul", b"GE\x00T /m HTTP/1.1")
line("method-high-byte", b"GE\xffT /m HTTP/1.1")
line("method-endless", b"A" * 100_000 + b" /m HTTP/1.1", {400, 414, 494})
line("target-relative", b"GET m HTTP/1.1")
line("target-star", b"GET * HTTP/1.1")
line("target-fragment", b"GET /m#here HTTP/1.1")
line("target-nul", b"GET /m\x00 HTTP/1.1")
line("target-control", b"GET /m\x01 HTTP/1.1")
line("target-delete", b"GET /m\x7f HTTP/1.1")
line("target-high-byte", b"GET /m\xff HTTP/1.1")
line("target-percent-letters", b"GET /m%zz HTTP/1.1")
line("target-percent-short", b"GET /m%2 HTTP/1.1")
line("target-percent-end", b"GET /m% HTTP/1.1")
line("target-user-info", b"GET http://user@@HOST@/m HTTP/1.1")
line("target-other-host", b"GET http://elsewhere.example/m HTTP/1.1", {400, 404})
line("target-other-scheme", b"GET ftp://@HOST@/m HTTP/1.1")
line("target-over-32-kb", b"GET /m" + b"a" * 33_000 + b" HTTP/1.1", {414})
line("target-query-over-32-kb", b"GET /m?" + b"a" * 33_000 + b" HTTP/1.1", {414})
case("target-endless", b"GET /" + b"a" * 200_000, {414, 494})
case("preface-of-http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505})
case("tls-client-hello", bytes.fromhex("16030100c8010000c40303") + b"\x00" * 32 + b"\r\n\r\n")

# Headers ---------------------------------------------------------------------------------------
header("header-no-colon", b"nothing")
header("header-empty-name", b": value")
header("header-blank-in-name", b"X Y: value")
header("header-blank-before-colon", b"X-A : value")
header("header-tab-before-colon", b"X-A\t: value")
header("header-parenthesis", b"X(A): value")
header("header-high-byte-name", b"X-\xe4: value")
header("header-nul-name", b"X-\x00: value")
header("header-nul-value", b"X-A: a\x00b")
header("header-control-value", b"X-A: a\x01b")
header("header-delete-value", b"X-A: a\x7fb")
header("header-bare-cr", b"X-A: a\rX-B: b")
header("header-bare-lf", b"X-A: a\nX-B: b")
header("header-folded", b"X-A: a\r\n b")
header("header-folded-tab", b"X-A: a\r\n\tb")
header("header-cr-cr-lf", b"X-A: a\r\r\nX-B: b")
case("header-first-line-folded", b"GET /m HTTP/1.1\r\n Host: " + HOST + b"\r\n\r\n")
case("header-only-lf", b"GET /m HTTP/1.1\nHost: " + HOST + b"\n\n")
header("header-over-32-kb", b"X-A: " + b"a" * 33_000, {494})
header("header-name-over-32-kb", b"X" * 33_000 + b": a", {400, 494})
header("headers-over-128-kb", b"\r\n".join(b"X-%d: %s" % (n, b"a" * 16_000) for n in range(9)), {494})
header("headers-many-over-128-kb", b"\r\n".join(b"X-%d: a" % n for n in range(16_000)), {494})
case("header-endless", b"GET /m HTTP/1.1\r\nHost: " + HOST + b"\r\nX-A: " + b"a" * 200_000, {494})
header("expect-unknown", b"Expect: 200-ok", {400, 417})

# Host ------------------------------------------------------------------------------------------
host("host-missing", b"")
host("host-empty", b"Host: \r\n")
host("host-twice", b"Host: @HOST@\r\nHost: @HOST@\r\n")
host("host-twice-differ", b"Host: @HOST@\r\nhost: elsewhere.example\r\n")
host("host-list", b"Host: @HOST@, elsewhere.example\r\n")
host("host-blank-inside", b"Host: @HOST@ elsewhere\r\n")
host("host-slash", b"Host: @HOST@/x\r\n")
host("host-user-info", b"Host: user@@HOST@\r\n")
host("host-nul", b"Host: @HOST@\x00\r\n")
host("host-port-letters", b"Host: @HOST@:http\r\n")
host("host-port-too-large", b"Host: @HOST@:65536\r\n")
host("host-two-ports", b"Host: @HOST@:80:80\r\n")
host("host-percent", b"Host: %61@HOST@\r\n")
host("host-absolute-without", b"", b"http://@HOST@/m")

# Bodies beyond the limit of 12 MB -----------------------------------------------------------
post("body-over-limit", b"Content-Length: 12582913", b"x" * 1000, {413})
post("body-chunked-over-limit", CHUNKED, (b"100000\r\n" + b"x" * MEGABYTE + b"\r\n") * 13 + b"0\r\n\r\n", {413})

#: Requests that look unusual and are plain: they must pass.
PLAIN: list[tuple[str, bytes]] = [
    ("blanks-around-value", b"GET /m HTTP/1.1\r\nHost:\t @HOST@ \t\r\nX-A:   v  \r\n\r\n"),
    ("no-blank-after-colon", b"GET /m HTTP/1.1\r\nHost:@HOST@\r\n\r\n"),
    ("empty-value", b"GET /m HTTP/1.1\r\nHost: @HOST@\r\nX-A:\r\n\r\n"),
    ("names-in-any-case", b"POST /m HTTP/1.1\r\nhOST: @HOST@\r\ncONTENT-lENGTH: 2\r\n\r\nok"),
    ("length-zero", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nContent-Length: 0\r\n\r\n"),
    ("coding-in-any-case", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: cHuNkEd\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("chunk-size-leading-zeros", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: chunked\r\n\r\n0002\r\nok\r\n00\r\n\r\n"),
    ("chunk-extension", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;x\r\n\r\n"),
    ("chunk-size-upper-case", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    ("chunk-trailer", b"POST /m HTTP/1.1\r\nHost: @HOST@\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"),
    ("high-bytes-in-value", b"GET /m HTTP/1.1\r\nHost: @HOST@\r\nX-A: \xc3\xa4\r\n\r\n"),
    ("host-upper-case", b"GET /m HTTP/1.1\r\nHost: @UPPER@\r\n\r\n"),
    ("host-port", b"GET /m HTTP/1.1\r\nHost: @HOST@:8780\r\n\r\n"),
    ("absolute-form", b"GET http://@HOST@/m HTTP/1.1\r\nHost: @HOST@\r\n\r\n"),
    ("query-of-any-shape", b"GET /m?a=b&&c=&=d&e=%2F+%26? HTTP/1.1\r\nHost: @HOST@\r\n\r\n"),
    ("target-almost-32-kb", b"GET /m?" + b"a" * 32_000 + b" HTTP/1.1\r\nHost: @HOST@\r\n\r\n"),
    ("header-almost-32-kb", b"GET /m HTTP/1.1\r\nHost: @HOST@\r\nX-A: " + b"a" * 32_000 + b"\r\n\r\n"),
]
