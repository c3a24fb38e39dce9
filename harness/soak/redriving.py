"""The redrive of valid messages that were rejected while something was out of order."""

import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.errors import RedriveError
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.lake import LaneClients, Settings, lanes, parts_of
from factory_lake.redrive.lines import ErrorLine, ErrorObject, list_objects, read_lines
from factory_lake.redrive.objects import ObjectRedrive, Options
from harness.lake.targets import Targets

# Object, line, and for a sample of a batch its place.
_WHERE = re.compile(r"(.+)#(\d+)(?:\.\d+)?")


def redrive(targets: Targets, wheres: Iterable[str]) -> int:
    """Redrive lines of error objects, and return how many.

    Args:
        targets: The lake.
        wheres: The lines as a reconciliation names them, `s3://bucket/key#line`, perhaps with a sample's place.

    Raises:
        RedriveError: When a line could not be redriven.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for where in wheres:
        if named := _WHERE.fullmatch(where):
            wanted[named[1]].add(int(named[2]))
    cloud, findings = targets.lake.cloud, Findings()
    clients = LaneClients(
        cloud.client("s3"),
        cloud.client("kinesis"),
        cloud.client("kinesis", attempts=1),
        cloud.client("logs"),
        cloud.client("lambda"),
    )
    run = str(uuid.uuid4())
    for names in lanes(targets.lake.outputs, targets.factories):
        objects = list_objects(clients.s3, names.bucket, names.factory, names.lane)
        work = ObjectRedrive(parts_of(names, clients, Settings()), Options(apply=True), findings, run)
        work.redrive((one for one in objects if str(one) in wanted), partial(_lines, clients, wanted))
    done, asked = findings.total(outcomes.REDRIVEN), sum(map(len, wanted.values()))
    if findings.problems or done != asked:
        raise RedriveError("redrive", "; ".join(findings.problems) or f"{done} of {asked} messages were redriven")
    return done


def _lines(clients: LaneClients, wanted: Mapping[str, Collection[int]], source: ErrorObject) -> Iterator[ErrorLine]:
    return (line for line in read_lines(clients.s3, source) if line.number in wanted[str(source)])
