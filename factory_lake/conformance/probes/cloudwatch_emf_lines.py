"""What the functions count, they print: the lake's own alarms watch metrics that CloudWatch makes of log lines."""

from __future__ import annotations

from clip_fetch.report import UNITS
from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Probe
from lambda_common.report import Report

_CLIPS, _FRAGMENTS = 3.0, 36.0


def _run(context: Context) -> None:
    name, _ = context.shared(measures.function)
    factory = {"Factory": context.name("emf")}
    camera = {**factory, "Camera": "press-1"}
    lines: list[str] = []
    values = {"Clips": _CLIPS, "Fragments": _FRAGMENTS}
    # As the archiver prints them: for the camera, and for its factory.
    Report("INFO", factory, measures.NAMESPACE, lines.append).metrics(
        camera, {each: (value, UNITS[each]) for each, value in values.items()}, (("Factory", "Camera"), ("Factory",))
    )
    measures.invoke(context, name, lines=lines)
    measures.expect_metrics(
        context,
        *(
            (Metric(measures.NAMESPACE, each, dimensions), value.__eq__)
            for each, value in values.items()
            for dimensions in (camera, factory)
        ),
    )


PROBE = Probe(
    name="cloudwatch_emf_lines",
    belief=(
        "A line in the embedded metric format, printed by a function that logs JSON, becomes metrics, one for each of"
        " its sets of dimensions."
    ),
    relied_on=("lambda_src/lambda_common/report.py", "modules/video_archiver/alarms.tf"),
    source="Amazon CloudWatch user guide, Specification: Embedded metric format; Lambda developer guide, JSON logs",
    usd=0.005,
    run=_run,
)
