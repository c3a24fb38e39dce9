"""How a diagnosis is printed: the cause first, then its evidence, where it is mended, and every check."""

from collections.abc import Iterator, Sequence

from factory_lake.boundary import DONE, FOUND
from factory_lake.doctor.model import CANNOT_TELL, Diagnosis
from factory_lake.output import Format, Table, emit

_COLUMNS = ("check", "verdict", "finding")
_PROSE = frozenset({"finding"})


def show(form: Format, diagnoses: Sequence[Diagnosis]) -> int:
    """Print diagnoses, and give the exit code."""
    if form == "table":
        first, *more = [_table(one) for one in diagnoses]
        emit(form, first, more=more)
    else:
        rows = [(one.subject, *row) for one in diagnoses for row in _rows(one)]
        table = Table(("subject", *_COLUMNS), rows, _PROSE)
        emit(form, table, document=[one.to_json() for one in diagnoses])
    return FOUND if any(one.causes for one in diagnoses) else DONE


def _table(diagnosis: Diagnosis) -> Table:
    return Table(_COLUMNS, _rows(diagnosis), _PROSE, title="\n".join(_summary(diagnosis)))


def _rows(diagnosis: Diagnosis) -> list[tuple[str, str, str]]:
    return [(one.check, one.verdict, one.sentence) for one in diagnosis.findings]


def _summary(diagnosis: Diagnosis) -> Iterator[str]:
    """The lines above the table."""
    causes = diagnosis.causes
    for at, cause in enumerate(causes):
        yield f"{'also' if at else diagnosis.subject}: {cause.sentence}"
        yield from (f"  evidence: {one}" for one in cause.evidence)
        yield f"  mend: {cause.mend}"
    if not causes:
        yield f"{diagnosis.subject}: Nothing is wrong, as far as can be told."
    unknown = sum(one.verdict == CANNOT_TELL for one in diagnosis.findings)
    if unknown:
        yield f"{unknown} of {len(diagnosis.findings)} checks cannot tell."
    yield from diagnosis.facts
    yield ""
