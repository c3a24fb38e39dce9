"""Explanations of findings, read from the comments in resource blocks."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.plancheck.findings import Block, Finding, Scan

# A block ends where `terraform fmt` puts its last brace: at the beginning of a line.
_BLOCK = re.compile(r'^resource "(?P<type>\w+)" "(?P<name>\w+)" \{\n.*?^\}', re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"checkov:skip=(?P<check>\w+)(?P<reason>.*)")


@dataclass(frozen=True, order=True)
class Explanation:
    """A comment that says why a check may fail.

    Attributes:
        file: Relative to the repository.
        line: Counted from 1.
        check: Checkov's ID of the check.
        block: The resource block that holds it, or None outside of any.
        reason: What it says; empty when it says nothing.
    """

    file: str
    line: int
    check: str
    block: Block | None
    reason: str


def explanations(repository: Path) -> Iterator[Explanation]:
    """Every explanation in the configurations of a repository."""
    for file in sorted((*repository.glob("modules/*/*.tf"), *repository.glob("environments/*/*.tf"))):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(repository).as_posix()
        folder = file.parent.relative_to(repository).as_posix()
        blocks = list(_BLOCK.finditer(text))
        for comment in _COMMENT.finditer(text):
            holders = [
                Block(folder, f"{block['type']}.{block['name']}")
                for block in blocks
                if block.start() < comment.start() < block.end()
            ]
            yield Explanation(
                file=name,
                line=text.count("\n", 0, comment.start()) + 1,
                check=comment["check"],
                block=holders[0] if holders else None,
                reason=comment["reason"].removeprefix(":").strip(),
            )


def complaints(scan: Scan, explained: Iterable[Explanation]) -> list[str]:
    """What is wrong: findings that nothing explains, and explanations of nothing.

    An explanation holds for every resource that its block makes, in every environment. A block that makes
    none in any (of cameras, where no factory has one) may be explained: no plan was checked.
    """
    explained = list(explained)
    known = {(each.check, each.block) for each in explained if each.reason}
    found = {(each.check, each.block) for each in scan.findings}
    unexplained: dict[tuple[str, Block], list[Finding]] = {}
    for finding in scan.findings:
        if (finding.check, finding.block) not in known:
            unexplained.setdefault((finding.check, finding.block), []).append(finding)
    return [
        *(
            f"{block.folder}: {block.resource} fails {check} ({group[0].title}), "
            f"{', '.join(sorted(f'{each.environment}: {each.address}' for each in group))}; "
            f"fix it, or say why in its block: # checkov:skip={check}: <reason>"
            for (check, block), group in unexplained.items()
        ),
        *(
            f"{each.file}:{each.line}: checkov:skip={each.check} must give a reason behind a colon, got none"
            for each in explained
            if not each.reason
        ),
        *(
            f"{each.file}:{each.line}: checkov:skip={each.check} explains nothing: "
            f"{'that check does not fail there' if each.block else 'it is in no resource block'}; delete it"
            for each in explained
            if each.block is None or (each.block in scan.planned and (each.check, each.block) not in found)
        ),
    ]
