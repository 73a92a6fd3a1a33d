"""Wire types: one Codable structure for each schema, every property optional."""

from . import overrides
from .reading import HEADER, Contract, chunks, identifier, literal


def swift_type(schema: dict, where: str) -> str:
    if where in overrides.PROPERTY_TYPES:
        return overrides.PROPERTY_TYPES[where]
    if "$ref" in schema:
        return "Wire." + schema["$ref"].rsplit("/", 1)[-1]
    kind = schema.get("type")
    if kind == "string":
        return "[UInt8]" if schema.get("format") == "binary" else "String"
    if kind == "integer":
        return "Int"
    if kind == "number":
        return "Double"
    if kind == "boolean":
        return "Bool"
    if kind == "array":
        return f"[{swift_type(schema['items'], where + '[]')}]"
    if kind == "object" and "properties" not in schema:
        values = schema.get("additionalProperties")
        return f"[String: {swift_type(values, where + '{}')}]" if isinstance(values, dict) else "JSONValue"
    raise ValueError(f"{where}: no Swift type for {schema}")


def structure(name: str, schema: dict) -> str:
    if not schema.get("properties"):
        return f"    public typealias {name} = JSONValue\n\n"
    properties = [
        (wire, identifier(wire), swift_type(child, f"{name}.{wire}"))
        for wire, child in (schema.get("properties") or {}).items()
    ]
    aliased = {w: overrides.ALIASES[f"{name}.{w}"] for w, _, _ in properties if f"{name}.{w}" in overrides.ALIASES}
    lines = [f"    public struct {name}: Codable, Sendable, Equatable {{"]
    lines += [f"        public var {swift}: {kind}?" for _, swift, kind in properties]
    lines += ["", "        public init("]
    lines += [
        f"            {swift}: {kind}? = nil{',' if i + 1 < len(properties) else ''}"
        for i, (_, swift, kind) in enumerate(properties)
    ]
    lines += ["        ) {"]
    lines += [f"            self.{swift} = {swift}" for _, swift, _ in properties]
    lines += ["        }", "", "        enum CodingKeys: String, CodingKey {"]
    for wire, swift, _ in properties:
        plain = swift.strip("`")
        lines.append(f"            case {swift}" + ("" if plain == wire else f" = {literal(wire)}"))
    lines += ["        }"]
    if aliased or name in overrides.LIST_OF_ONE:
        lines += lenient_decoding(properties, aliased, name in overrides.LIST_OF_ONE)
    lines += ["    }", ""]
    return "\n".join(lines) + "\n"


def lenient_decoding(properties, aliased, list_of_one) -> list[str]:
    lines = [""]
    if aliased:
        lines += ["        enum OtherSpelling: String, CodingKey {"]
        for wire, others in aliased.items():
            lines += [f"            case {identifier('other ' + wire)} = {literal(others[0])}"]
        lines += ["        }", ""]
    lines += ["        public init(from decoder: any Decoder) throws {"]
    if list_of_one:
        lines += [
            "            if var list = try? decoder.unkeyedContainer() {",
            "                self = list.isAtEnd ? Self() : try list.decode(Self.self)",
            "                return",
            "            }",
        ]
    lines += ["            let values = try decoder.container(keyedBy: CodingKeys.self)"]
    if aliased:
        lines += ["            let others = try decoder.container(keyedBy: OtherSpelling.self)"]
    for wire, swift, kind in properties:
        line = f"            self.{swift} = try values.decodeIfPresent({kind}.self, forKey: .{swift})"
        if wire in aliased:
            lines += [line, f"                ?? others.decodeIfPresent({kind}.self, forKey: .{identifier('other ' + wire)})"]
        else:
            lines += [line]
    return lines + ["        }"]


def files(contract: Contract, prefix: str = "") -> dict[str, str]:
    components = set((contract.document.get("components") or {}).get("schemas", {}))
    named = [(n, structure(n, s)) for n, s in sorted(contract.schemas.items()) if n in components]
    bodies = [(n, structure(n, s)) for n, s in sorted(contract.schemas.items()) if n not in components]
    out = {}
    for part, entries in (("Schemas", named), ("Bodies", bodies)):
        for number, (first, text) in enumerate(chunks(entries), start=1):
            out[f"{prefix}Wire{part}{number:02}.swift"] = (
                HEADER + f"// Contract schemas from {first} on.\n\nextension Wire {{\n" + text.rstrip("\n") + "\n}\n")
    aliases = "".join(
        f"    public typealias {name} = Wire.{target}\n"
        for name, target in sorted(contract.alias_of.items()))
    if not aliases:
        return out
    out[f"{prefix}WireAliases.swift"] = (
        HEADER + "// Bodies of operations that share a shape.\n\nextension Wire {\n" + aliases + "}\n")
    return out
