"""Pages with one section a release, the newest first: CHANGELOG.md and docs/upgrading.md.

A section begins with ``## 1.2.3 - 2026-01-31`` (https://keepachangelog.com; the date may be missing), and what no
release has yet stands under ``## Unreleased``. Brackets around the name are accepted.
"""

import re
from typing import NamedTuple

UNRELEASED = "Unreleased"
#: The kinds of change that Keep a Changelog knows.
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

_HEADING = re.compile(r"^## \[?(?P<name>[^\]\s]+)\]?(?P<rest>.*)$")
_FENCE = "```"


class Section(NamedTuple):
    """What a page says of one release.

    Attributes:
        name: The release's version, or `Unreleased`.
        date: What follows the name and ` - ` in the heading; not checked, and empty when there is nothing.
        body: Everything below the heading, without blank lines around it.
    """

    name: str
    date: str
    body: str


def sections(text: str) -> list[Section]:
    """Return a page's sections, in its order; what stands above the first is none's."""
    found: list[tuple[str, str, list[str]]] = []
    fenced = False
    for line in text.splitlines():
        heading = None if fenced else _HEADING.match(line)
        if heading:
            found.append((heading["name"], heading["rest"].strip().removeprefix("- "), []))
        elif found:
            found[-1][2].append(line)
        fenced ^= line.startswith(_FENCE)
    return [Section(name, date, "\n".join(lines).strip()) for name, date, lines in found]


def moved(text: str, version: str, date: str = "") -> str:
    """Return the page with what was unreleased under the version, and an empty section above it.

    Args:
        text: A page with a section `Unreleased`.
        version: The release that takes over its content.
        date: Goes into the new heading, if given.
    """
    heading = f"## {version} - {date}" if date else f"## {version}"
    return re.sub(rf"^(## \[?{UNRELEASED}\]?)[ \t]*$", rf"\1\n\n{heading}", text, count=1, flags=re.MULTILINE)
