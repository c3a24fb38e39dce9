"""Tables of inputs and outputs in the READMEs of Terraform modules, made from the modules themselves.

`python -m scripts.moduledocs` writes them between two marks of each README; `--check` writes nothing and fails
when a README is behind its module.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

REPOSITORY = Path(__file__).resolve().parents[1]
BEGIN = "<!-- Made by `make docs` from the .tf files: begin -->"
END = "<!-- Made by `make docs` from the .tf files: end -->"
_BLOCK = re.compile(r'^(?P<kind>variable|output) "\w+" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)


class ModuleDocsError(Exception):
    """A module or its README lacks what this program needs; the message names the file and what it is."""


@dataclass(frozen=True)
class Input:
    """A variable.

    Attributes:
        name: Its name.
        type: Its type as HCL, on one line.
        default: Its default as HCL, or None when a value must be given.
        description: What it says of itself, without indentation.
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
        ModuleDocsError: When a variable has no type, or a variable or output no description.
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


def render(interface: Interface) -> str:
    """The Markdown of an interface: two tables, then the inputs that are more than a value."""
    lines = ["## Inputs", "", "| name | type | default | description |", "|---|---|---|---|"]
    for each in interface.inputs:
        name = f"[`{each.name}`](#{each.name})" if _is_structured(each) else f"`{each.name}`"
        default = "required" if each.default is None else f"`{each.default}`"
        lines.append(f"| {name} | `{_short(each.type)}` | {default} | {_cell(_summary(each))} |")
    for each in filter(_is_structured, interface.inputs):
        details = each.description.removeprefix(_summary(each)).strip()
        lines += ["", f"### {each.name}", ""]
        lines += [details, ""] if details else []
        lines += ["```hcl", pretty_type(each.type), "```"]
    lines += ["", "## Outputs", "", "| name | description |", "|---|---|"]
    lines += [f"| `{output.name}` | {_cell(output.description)} |" for output in interface.outputs]
    return "\n".join(lines)


def pretty_type(text: str) -> str:
    """Lay a type that stands on one line out over several, one attribute a line."""
    open_brackets: list[str] = []
    lines = [""]
    for character in text:
        if character == "}":
            open_brackets.pop()
            lines.append(_indent(open_brackets) + character)
        elif character == "," and open_brackets[-1:] == ["{"]:
            lines.append(_indent(open_brackets))
        elif character == " " and not lines[-1].strip():
            continue
        else:
            lines[-1] += character
            if character in "({[":
                open_brackets.append(character)
            if character in ")]":
                open_brackets.pop()
            if character == "{":
                lines.append(_indent(open_brackets))
    # `{}` is an empty default, not an object without attributes.
    return re.sub(r"\{\s*\}", "{}", "\n".join(line.rstrip() for line in lines))


def updated(readme: Path, section: str) -> str:
    """A README's text with the section between its marks.

    Raises:
        ModuleDocsError: When the README or its marks are missing.
    """
    if not readme.exists():
        raise ModuleDocsError(f"{readme} does not exist: every module has a README")
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ModuleDocsError(f"{readme} must hold these two lines once each: {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def documented_folders(repository: Path) -> list[Path]:
    """The folders whose READMEs hold tables: every module, and the environment that is one."""
    modules = (folder for folder in (repository / "modules").iterdir() if any(folder.glob("*.tf")))
    return [*sorted(modules), repository / "modules" / "lake"]


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Write or check every README; the number of those behind is the exit code's reason."""
    parser = argparse.ArgumentParser(prog="python -m scripts.moduledocs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a README is behind")
    check: bool = parser.parse_args(arguments).check
    behind: list[Path] = []
    try:
        for folder in documented_folders(repository):
            readme = folder / "README.md"
            text = updated(readme, render(read_interface(folder)))
            if text != readme.read_text(encoding="utf-8"):
                behind.append(readme.relative_to(repository))
                if not check:
                    readme.write_text(text, encoding="utf-8")
    except ModuleDocsError as error:
        print(f"moduledocs: {error}", file=sys.stderr)
        return 1
    for readme in behind:
        print(f"moduledocs: {readme} {'is behind its module: make docs' if check else 'written'}")
    return 1 if check and behind else 0


def _interface_blocks(file: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, name and parsed body of each variable and output.

    Nothing else is handed to the parser, which does not know every expression that resources use. A block
    ends where `terraform fmt` puts its last brace: at the beginning of a line.
    """
    for block in _BLOCK.finditer(file.read_text(encoding="utf-8")):
        ((quoted, body),) = hcl2.loads(block[0])[block["kind"]][0].items()
        yield block["kind"], quoted.strip('"'), body


def _input(file: Path, name: str, body: dict[str, Any]) -> Input:
    if "type" not in body:
        raise ModuleDocsError(f'{file}: variable "{name}" must have a type')
    default = _hcl(body["default"]) if "default" in body else None
    return Input(name, _hcl(body["type"]), default, _description(file, f'variable "{name}"', body))


def _description(file: Path, block: str, body: dict[str, Any]) -> str:
    if "description" not in body:
        raise ModuleDocsError(f"{file}: {block} must have a description")
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


def _is_structured(each: Input) -> bool:
    return "object(" in each.type


def _short(text: str) -> str:
    return re.sub(r"object\(\{.*\}\)", "object", text)


def _summary(each: Input) -> str:
    return each.description.split("\n\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _indent(open_brackets: list[str]) -> str:
    return "  " * open_brackets.count("{")


if __name__ == "__main__":
    sys.exit(main())
