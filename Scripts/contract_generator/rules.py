"""Field rules of request bodies: one check method for each schema a request reaches."""

from . import overrides
from .patterns import Patterns
from .reading import HEADER, Contract, chunks, identifier, literal

INT32 = (-2147483648, 2147483647)


def files(contract: Contract, prefix: str = "") -> dict[str, str]:
    patterns = Patterns(f"{prefix or 'Contract'}Patterns")
    entries = [
        (name, checks(name, contract, patterns))
        for name in contract.request_schemas() if contract.schemas[name].get("properties")
    ]
    out = {}
    for number, (first, text) in enumerate(chunks(entries), start=1):
        out[f"{prefix}FieldRules{number:02}.swift"] = HEADER + f"// Field rules from {first} on.\n\n" + text.rstrip("\n") + "\n"
    if patterns.numbers:
        out[f"{patterns.enumeration}.swift"] = HEADER + "\n" + patterns.text()
    return out


def checks(name: str, contract: Contract, patterns: Patterns) -> str:
    schema = contract.schemas[name]
    required = set(schema.get("required") or [])
    lines = [f"extension Wire.{name}: FieldChecked {{", "    public func check(_ fields: inout FieldChecks) {"]
    for wire, child in (schema.get("properties") or {}).items():
        value = identifier(wire)
        if wire in required:
            lines.append(f"        fields.require({literal(wire)}, {value} != nil)")
        if "$ref" in child and not contract.schema(child["$ref"].rsplit("/", 1)[-1]).get("properties"):
            continue  # free-form
        lines += ["        " + line for line in rule(child, wire, value, f"{name}.{wire}", patterns)]
    return "\n".join(lines + ["    }", "}", ""]) + "\n"


def rule(schema: dict, wire: str, value: str, where: str, patterns: Patterns) -> list[str]:
    if "$ref" in schema:
        return [f"fields.nested({literal(wire)}, {value})"]
    kind = schema.get("type")
    if where in overrides.PROPERTY_TYPES:
        return [f"fields.text({literal(wire)}, {value}?.text, length: 0...{overrides.DEFAULT_MAX_LENGTH})"] \
            if kind in ("string", "integer") else [f"fields.count({literal(wire)}, {value}?.words.count, 0...1000)"]
    if kind == "string" and schema.get("format") != "binary":
        return [text_rule(schema, wire, value, where, patterns)]
    if kind == "integer":
        return number_rule(schema, wire, value, where)
    if kind == "array":
        return array_rule(schema, wire, value, where, patterns)
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return [f"fields.count({literal(wire)}, {value}?.count, 0...1000)"]
    return []


def text_rule(schema: dict, wire: str, value: str, where: str, patterns: Patterns) -> str:
    low = schema.get("minLength", 0)
    high = schema.get("maxLength", overrides.MAX_LENGTHS.get(where, overrides.DEFAULT_MAX_LENGTH))
    call = f"fields.text({literal(wire)}, {value}, length: {low}...{high}"
    if "pattern" in schema and where not in overrides.FREE_TEXTS:
        call += f", pattern: {patterns.name(schema['pattern'])}"
    if "enum" in schema:
        words = list(schema["enum"]) + list(overrides.SPELLINGS.get(where, {}))
        words += [""] if where in overrides.EMPTY_WORDS else []
        call += ", oneOf: [" + ", ".join(literal(str(w)) for w in words) + "]"
        if where in overrides.CASELESS:
            call += ", caseless: true"
    return call + ")"


def number_rule(schema: dict, wire: str, value: str, where: str) -> list[str]:
    if "enum" in schema:
        return [f"fields.number({literal(wire)}, {value}, oneOf: {list(schema['enum'])})"]
    low, high = schema.get("minimum"), schema.get("maximum")
    if where in overrides.RANGES:
        low, high = overrides.RANGES[where]
    if schema.get("format") == "int32":
        low = INT32[0] if low is None else low
        high = INT32[1] if high is None else high
    if low is None and high is None:
        return []
    return [f"fields.number({literal(wire)}, {value}, {'Int.min' if low is None else low}..."
            f"{'Int.max' if high is None else high})"]


def array_rule(schema: dict, wire: str, value: str, where: str, patterns: Patterns) -> list[str]:
    low = schema.get("minItems", 0)
    high = schema.get("maxItems", overrides.DEFAULT_MAX_ITEMS)
    lines = [f"fields.count({literal(wire)}, {value}?.count, {low}...{high})"]
    items = schema["items"]
    if "$ref" in items:
        return lines + [f"fields.each({literal(wire)}, {value})"]
    inner = rule(items, wire, "element", where + "[]", patterns)
    if not inner:
        return lines
    return lines + [f"for element in {value} ?? [] where fields.wantsMore {{"] + ["    " + i for i in inner] + ["}"]
