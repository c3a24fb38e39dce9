"""The inputs and outputs of a Terraform module, read from its files."""

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The checkout: modules, schema files and packages are read from it.
REPOSITORY = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r'^(?P<kind>variable|output) "\w+" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)


class ModuleInterfaceError(Exception):
    """A module or its README lacks what this program needs; the message names the file and what it is."""


@dataclass(frozen=True)
class Input:
    """A variable.

    Attributes:
        type: Its type as HCL, on one line.
        default: Its default as HCL, or None when a value must be given.
    """

    name: str
    type: str
    default: str | None
    description: str


@dataclass(frozen=True)
class Output:
    """An output: its name and what it says of itself."""

    name: str
    description: str


@dataclass(frozen=True)
class Interface:
    """What a module takes and gives, each in alphabetical order."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]


def read_interface(folder: Path) -> Interface:
    """Read all `*.tf` of a module.

    Raises:
        ModuleInterfaceError: When a variable has no type, or a variable or output no description.
    """
    inputs: list[Input] = []
    outputs: list[Output] = []
    for file in sorted(folder.glob("*.tf")):
        for kind, name, body in _interface_blocks(file):
            if kind == "variable":
                inputs.append(_input(file, name, body))
            else:
                outputs.append(Output(name, _description(file, f'output "{name}"', body)))
    return Interface(
        tuple(sorted(inputs, key=lambda each: each.name)), tuple(sorted(outputs, key=lambda each: each.name))
    )


def _interface_blocks(file: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, name and parsed body of each variable and output.

    Nothing else is handed to the parser, which does not know every expression that resources use. A block
    ends where `terraform fmt` puts its last brace: at the beginning of a line.
    """
    # Here: most commands import this module for the folder alone.
    import hcl2

    for block in _BLOCK.finditer(file.read_text(encoding="utf-8")):
        ((quoted, body),) = hcl2.loads(block[0])[block["kind"]][0].items()
        yield block["kind"], quoted.strip('"'), body


def _input(file: Path, name: str, body: dict[str, Any]) -> Input:
    if "type" not in body:
        raise ModuleInterfaceError(f'{file}: variable "{name}" must have a type')
    default = _hcl(body["default"]) if "default" in body else None
    return Input(name, _hcl(body["type"]), default, _description(file, f'variable "{name}"', body))


def _description(file: Path, block: str, body: dict[str, Any]) -> str:
    if "description" not in body:
        raise ModuleInterfaceError(f"{file}: {block} must have a description")
    text = str(body["description"]).strip('"')
    heredoc = re.fullmatch(r"<<-(\w+)\n(.*?)\n\s*\1", text, re.DOTALL)
    return textwrap.dedent(heredoc[2]).strip() if heredoc else text.replace('\\"', '"')


def _hcl(value: object) -> str:
    """A parsed value as HCL on one line; the parser wraps expressions in `${}` and keeps quotes."""
    if isinstance(value, str):
        wrapped = re.fullmatch(r"\$\{(.*)\}", value, re.DOTALL)
        return wrapped[1] if wrapped else value
    if isinstance(value, dict):
        pairs = (f"{name} = {_hcl(each)}" for name, each in value.items() if name != "__is_block__")
        inside = ", ".join(pairs)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_hcl(each) for each in value)}]"
    return json.dumps(value)
