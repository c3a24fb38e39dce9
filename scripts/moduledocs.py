"""Tables of inputs and outputs in the READMEs of Terraform modules, made from the modules themselves.

`python -m scripts.moduledocs` writes them between two marks of each README; `--check` writes nothing and fails
when a README is behind its module.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from factory_lake.module_interface import REPOSITORY, Input, Interface, ModuleInterfaceError, read_interface

BEGIN = "<!-- Made by `make docs` from the .tf files: begin -->"
END = "<!-- Made by `make docs` from the .tf files: end -->"


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
        ModuleInterfaceError: When the README or its marks are missing.
    """
    if not readme.exists():
        raise ModuleInterfaceError(f"{readme} does not exist: every module has a README")
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ModuleInterfaceError(f"{readme} must hold these two lines once each: {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def documented_folders(repository: Path) -> list[Path]:
    """The folders whose READMEs hold tables: every module."""
    return sorted(folder for folder in (repository / "modules").iterdir() if any(folder.glob("*.tf")))


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
    except ModuleInterfaceError as error:
        print(f"moduledocs: {error}", file=sys.stderr)
        return 1
    for readme in behind:
        print(f"moduledocs: {readme} {'is behind its module: make docs' if check else 'written'}")
    return 1 if check and behind else 0


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
