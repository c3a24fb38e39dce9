"""What a check finds, and what could not be learned."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, TypeVar

T = TypeVar("T")

Verdict: TypeAlias = Literal["ok", "cause", "cannot tell"]
OK: Verdict = "ok"
CAUSE: Verdict = "cause"
CANNOT_TELL: Verdict = "cannot tell"


@dataclass(frozen=True)
class Unknown:
    """What could not be read, and why: a sentence's end, as `iot:DescribeThing is not allowed`."""

    reason: str


Known: TypeAlias = T | Unknown


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Attributes:
        check: Its name, which does not change.
        sentence: What it found, in one sentence.
        evidence: Where that can be seen.
        mend: The page and heading that say how to mend it.
        is_certain: Whether the evidence is this gateway's own. What AWS counts for the whole account is not.
    """

    check: str
    verdict: Verdict
    sentence: str
    evidence: tuple[str, ...] = ()
    mend: str = ""
    is_certain: bool = True


@dataclass(frozen=True)
class Diagnosis:
    """Everything about one subject.

    Attributes:
        subject: Whom it is about.
        facts: What is good to know whatever the causes are.
    """

    subject: str
    findings: tuple[Finding, ...]
    facts: tuple[str, ...] = ()

    @property
    def causes(self) -> list[Finding]:
        """What is wrong: first what is certain, in the order of the checks."""
        return sorted((one for one in self.findings if one.verdict == CAUSE), key=lambda one: not one.is_certain)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "subject": self.subject,
            "causes": [one.check for one in self.causes],
            "facts": list(self.facts),
            "findings": [asdict(one) for one in self.findings],
        }


def reasons(values: Iterable[object]) -> str:
    """Why facts are missing, in words."""
    found = [value.reason for value in values if isinstance(value, Unknown)]
    return "; ".join(dict.fromkeys(found))


def listed(names: Sequence[str]) -> str:
    """Names in words."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "none"
