"""The operations: names, methods, paths, parameters, bodies and statuses."""

from . import overrides
from .reading import HEADER, Contract, identifier, literal

PER_FILE = 40


def files(contract: Contract, supplements: dict[str, Contract]) -> dict[str, str]:
    """Cases and table of all operations: those of the contract, then those of each supplement."""
    operations = contract.operations
    groups = {f"{n:02}": operations[i:i + PER_FILE] for n, i in enumerate(range(0, len(operations), PER_FILE), start=1)}
    groups.update({name: supplement.operations for name, supplement in supplements.items()})
    cases = "\n".join(f"    case {identifier(o['id'])} = {literal(o['id'])}" for o in operations)
    for name, supplement in supplements.items():
        cases += f"\n\n    // {name}: for APIG clients only."
        cases += "".join(f"\n    case {identifier(o['id'])} = {literal(o['id'])}" for o in supplement.operations)
    joined = " + ".join(f"part{n}" for n in groups)
    out = {
        "ContractOperation.swift": HEADER + f"""
/// Every operation of the contract ({len(operations)}) and of its supplements; the raw value is its operationId.
public enum ContractOperation: String, CaseIterable, Sendable, Hashable {{
{cases}
}}
""",
        "OperationTable.swift": HEADER + f"""
enum OperationTable {{
    /// Shapes in the order of `ContractOperation.allCases`.
    static let shapes: [OperationShape] = {joined}
}}
""",
    }
    for name, group in groups.items():
        rows = "".join(shape(o) for o in group)
        file = f"OperationTable{name}.swift" if name.isdigit() else f"{name}OperationTable.swift"
        out[file] = HEADER + f"\nextension OperationTable {{\n    static let part{name}: [OperationShape] = [\n{rows}    ]\n}}\n"
    return out


def shape(operation: dict) -> str:
    body = ".none"
    if operation["body"] == "multipart":
        body = ".multipart"
    elif operation["body"] == "json":
        body = f".json(required: {'true' if operation['body_required'] else 'false'})"
    lines = [
        "        OperationShape(",
        f"            .{identifier(operation['id'])}, .{operation['method'].lower()}, {literal(operation['path'])},",
        f"            body: {body}, status: {operation['status']}, "
        f"answers: {'true' if operation['answer'] else 'false'}, query: [",
    ]
    lines += [f"                {query(operation['id'], p)}," for p in operation["query"]]
    return "\n".join(lines + ["            ]),"]) + "\n"


def query(operation: str, parameter: dict) -> str:
    name, schema = parameter["name"], parameter["schema"]
    required = bool(parameter.get("required")) and f"{operation}.{name}" not in overrides.OPTIONAL_QUERY
    where = f"{literal(name)}, required: {'true' if required else 'false'}"
    kind = "integer" if name in overrides.PAGING else schema.get("type")
    if kind == "integer":
        low = str(schema["minimum"]) if "minimum" in schema else "Int.min"
        high = str(schema["maximum"]) if "maximum" in schema else "Int.max"
        default = schema.get("default")
        if name == "limit" and "maximum" not in schema:
            low, high, default = "1", "500", 20
        if name == "offset" and "maximum" not in schema:
            default = 0
        return f".integer({where}, {low}...{high}, default: {'nil' if default is None else default})"
    if kind == "boolean":
        return f".flag({where})"
    assert kind == "string" and "enum" not in schema and "pattern" not in schema, (operation, name)
    return f".text({where}, length: {schema.get('minLength', 0)}...{schema.get('maxLength', 1024)})"
