"""The tables of docs/security.md, made from expected.toml and the probes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.access.gateways import VERBS, attempts
from harness.access.matrix import Permission, expected
from harness.access.principals import KINDS
from harness.access.probes import PROBES
from harness.lake.terraform import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "security.md"
_PLACE = re.compile(r"(<!-- table of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str) -> str:
    """The document with its tables as they should be.

    Raises:
        ValueError: It lacks the place of a table.
    """
    tables = {"roles": _roles, "calls": _calls, "gateways": _gateways}
    places = {match[2] for match in _PLACE.finditer(text)}
    if places != tables.keys():
        raise ValueError(f"{DOCUMENT.name} must have the tables {', '.join(tables)}, got {', '.join(sorted(places))}")
    return _PLACE.sub(lambda match: match[1] + "\n".join(tables[match[2]]()) + "\n" + match[3], text)


def _roles() -> Iterator[str]:
    """What each role may do."""
    yield "| role | may | on | of | why |"
    yield "|---|---|---|---|---|"
    lines = expected()
    for kind in KINDS:
        for first, group in _grouped([line for line in lines if line.role == kind]):
            role = f"`{kind}`" + (f" of {first.lane}" if first.lane else "")
            actions = ", ".join(f"`{line.action}`" for line in group)
            yield f"| {role} | {actions} | {first.on} | {', '.join(first.of)} | {first.why} |"


def _grouped(lines: Sequence[Permission]) -> Iterator[tuple[Permission, list[Permission]]]:
    groups: dict[tuple[str, str, tuple[str, ...], str], list[Permission]] = {}
    for line in lines:
        groups.setdefault((line.lane, line.on, line.of, line.why), []).append(line)
    for group in groups.values():
        yield group[0], group


def _calls() -> Iterator[str]:
    """Everything that is tried, by kind of resource, with the roles to which any of it is allowed."""
    yield "| on | tried | allowed to |"
    yield "|---|---|---|"
    allowed = expected()
    kinds = list(dict.fromkeys(probe.on for probe in PROBES))
    for on in kinds:
        actions = dict.fromkeys(probe.action for probe in PROBES if probe.on == on)
        holders = dict.fromkeys(f"`{line.role}`" for line in allowed if line.on == on)
        shown = ", ".join(f"`{action}`" for action in actions)
        yield f"| {on} | {shown} | {', '.join(holders) or 'no role'} |"


def _gateways() -> Iterator[str]:
    """What a gateway's identity may do."""
    lines = attempts()
    places = list(dict.fromkeys(line.to for line in lines))
    yield f"| client ID or topic | {' | '.join(VERBS)} |"
    yield f"|---|{'---|' * len(VERBS)}"
    verdicts = {(line.verb, line.to): "**yes**" if line.allowed else "no" for line in lines}
    for to in places:
        yield f"| {to} | {' | '.join(verdicts.get((verb, to), '') for verb in VERBS)} |"
