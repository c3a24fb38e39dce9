"""Keep the beliefs in docs/fidelity.md as the probes have them, and docs/conformance.md's figures.

`make docs` writes what is between ``<!-- beliefs -->`` or ``<!-- probes -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from factory_lake.conformance.catalog import all_probes
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.report import cell, estimate
from scripts.package import ROOT

PAGES = (ROOT / "docs" / "fidelity.md", ROOT / "docs" / "conformance.md")
_PLACE = re.compile(r"(<!-- (beliefs|probes) -->\n).*?(<!-- end -->)", re.DOTALL)
#: Families as headings; the probes of another one are under its own name.
_HEADINGS = {
    "athena": "Athena and Glue",
    "cloudwatch": "CloudWatch",
    "events": "EventBridge",
    "firehose": "Firehose",
    "iam": "IAM",
    "iot": "IoT Core",
    "kinesis": "Kinesis Data Streams",
    "kvs": "Kinesis Video Streams",
    "lambda": "Lambda",
    "s3": "S3",
}


def rendered(page: str) -> str:
    """A page with its generated parts as the probes are."""
    sections = {"beliefs": _beliefs, "probes": _figures}
    return _PLACE.sub(lambda place: f"{place[1]}\n{sections[place[2]](all_probes())}\n{place[3]}", page)


def _beliefs(probes: Sequence[Probe]) -> str:
    """One table a family."""
    parts = []
    for family, group in groupby(probes, lambda probe: probe.family):
        rows = "".join(
            f"| {cell(probe.belief)} | `{probe.name}` | {', '.join(f'`{path}`' for path in probe.relied_on)} |\n"
            for probe in group
        )
        parts.append(
            f"### {_HEADINGS.get(family, family)}\n\n| belief | probe | relied on by |\n|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def _figures(probes: Sequence[Probe]) -> str:
    """How many there are, and what they cost."""
    families = [(family, list(group)) for family, group in groupby(probes, lambda probe: probe.family)]
    rows = "".join(
        f"| `{family}` | {_HEADINGS.get(family, family)} | {len(group)} | {estimate(group):.3f} |\n"
        for family, group in families
    )
    total = f"| | all | {len(probes)} | {estimate(probes):.3f} |\n"
    return f"| family | of | probes | USD at most |\n|---|---|--:|--:|\n{rows}{total}"
