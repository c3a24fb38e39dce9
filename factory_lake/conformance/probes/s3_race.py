"""Two runs of the archiver may put the same clip at one moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_WRITERS = 8
_LOSES = {"PreconditionFailed", "ConditionalRequestConflict"}


def _run(context: Context) -> None:
    s3, place = context.client("s3"), {"Bucket": context.shared(setups.bucket), "Key": "s3_race/clip.mp4"}

    def put(writer: int) -> str:
        try:
            s3.put_object(**place, Body=f"{writer}".encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(_WRITERS) as pool:
        codes = list(pool.map(put, range(_WRITERS)))
    winners = [writer for writer, code in enumerate(codes) if not code]
    if len(winners) != 1 or not set(codes) <= {"", *_LOSES}:
        raise Differs(f"{len(winners)} of {_WRITERS} puts are taken; the others: {sorted(set(codes) - {''})}")
    found = s3.get_object(**place)["Body"].read()
    if found != f"{winners[0]}".encode():
        raise Differs(f"writer {winners[0]} alone was told that its put is taken; the object is that of {found!r}")


PROBE = Probe(
    name="s3_race",
    belief="Of conditional puts of one key at one moment exactly one is taken; the others get 412 or 409.",
    relied_on=("lambda_src/clip_fetch/archive.py", "lambda_src/clip_fetch/errors.py"),
    source="Amazon S3 user guide, Conditional write behavior",
    usd=0.0002,
    run=_run,
)
