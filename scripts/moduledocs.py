"""Tables of what a Terraform module requires, makes, takes and gives, for between two marks of its README."""

import re
from collections.abc import Iterator
from pathlib import Path

import hcl2

from factory_lake.module_interface import Input, Interface, ModuleInterfaceError, read_interface

BEGIN = "<!-- Made by `make docs` from the .tf files: begin -->"
END = "<!-- Made by `make docs` from the .tf files: end -->"

_REGISTRY = "https://registry.terraform.io/providers"
_BLOCK = re.compile(r'^(resource|data) "(\w+)" "(\w+)" \{', re.MULTILINE)
_CALL = re.compile(r'^module "(\w+)" \{\n(?:.*\n)??  source += "([^"]+)"', re.MULTILINE)


def render_parts(folder: Path) -> str:
    """The Markdown of what a module requires and of what it consists.

    Raises:
        ModuleInterfaceError: When it has no versions.tf.
    """
    versions = folder / "versions.tf"
    if not versions.exists():
        raise ModuleInterfaceError(f"{versions} does not exist: every module says which versions it requires")
    (terraform,) = hcl2.loads(versions.read_text(encoding="utf-8"))["terraform"]
    providers = {
        name: {key: str(value).strip('"') for key, value in provider.items()}
        for block in terraform.get("required_providers", ())
        for name, provider in block.items()
        if not name.startswith("__")
    }
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))
    required = str(terraform["required_version"]).strip('"')
    lines = ["## Requirements", "", "| name | version |", "|---|---|", f"| terraform | `{required}` |"]
    lines += [f"| {name} | `{provider['version']}` |" for name, provider in providers.items()]
    lines += _table("Providers", "name | source", (f"{name} | `{each['source']}`" for name, each in providers.items()))
    lines += _table(
        "Modules", "name | source", (f"`{name}` | `{source}`" for name, source in sorted(_CALL.findall(text)))
    )
    lines += _table("Resources", "name | type", sorted(_resources(text, providers)))
    return "\n".join(lines)


def _resources(text: str, providers: dict[str, dict[str, str]]) -> Iterator[str]:
    """A row for each block of a resource or a data source, with the provider's page on it."""
    for kind, type_, name in _BLOCK.findall(text):
        provider, _, page = type_.partition("_")
        shown = f"`{type_}.{name}`"
        if provider in providers:
            pages = "resources" if kind == "resource" else "data-sources"
            shown = f"[{shown}]({_REGISTRY}/{providers[provider]['source']}/latest/docs/{pages}/{page})"
        yield f"{shown} | {'resource' if kind == 'resource' else 'data source'}"


def _table(title: str, head: str, rows: Iterator[str] | list[str]) -> list[str]:
    found = list(rows)
    if not found:
        return []
    return ["", f"## {title}", "", f"| {head} |", "|---|---|", *(f"| {row} |" for row in found)]


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


def updated(page: Path, section: str, begin: str = BEGIN, end: str = END) -> str:
    """A page's text with the section between its marks.

    Raises:
        ModuleInterfaceError: When the page or its marks are missing.
    """
    if not page.exists():
        raise ModuleInterfaceError(f"{page} does not exist: every module has a README")
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ModuleInterfaceError(f"{page} must hold these two lines once each: {begin} and {end}")
    return f"{text.partition(begin)[0]}{begin}\n\n{section}\n\n{end}{text.partition(end)[2]}"


def readme(folder: Path) -> str:
    """The README of a module as it should be."""
    return updated(folder / "README.md", f"{render_parts(folder)}\n\n{render(read_interface(folder))}")


def documented_folders(repository: Path) -> list[Path]:
    """Every module: the folders whose READMEs hold tables."""
    return sorted(folder for folder in (repository / "modules").iterdir() if any(folder.glob("*.tf")))


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
