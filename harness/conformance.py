"""`make conformance`: the conformance kit against a local cloud, which must behave as AWS is believed to.

With `--record` it writes factory_lake/conformance/permissions.json besides: what the kit's caller was allowed.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.boundary import DONE
from factory_lake.conformance import policy
from factory_lake.conformance.cli import conformance_on
from factory_lake.conformance.resources import PREFIX, TAG, underscored
from harness.commands import run_app
from harness.lake.local import LAMBDA_PYTHONS, describe
from harness.permissions.kinds import NEEDLESS
from harness.permissions.rehearsal import ANYTHING, Actor
from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.cloud import FlushError

PERMISSIONS = Path(policy.__file__).with_name("permissions.json")
_FOLDER = Path("build/conformance")
_FLUSH_SECONDS = 2.0
#: Where the names of a run begin in an ARN: what follows is of that run alone.
_OWN = re.compile(rf"({re.escape(TAG)}/[a-z0-9-]+/|{re.escape(PREFIX)}|{re.escape(underscored(PREFIX))}).*")
#: AWS IoT gives certificates their IDs.
_IDS = re.compile(r"^(cert/)[0-9a-f]{64}$")


def command(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this probe, or this family; may be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report goes.")] = _FOLDER,
    record: Annotated[
        bool, typer.Option("--record", help="Write what the kit's caller is allowed into its permissions.json.")
    ] = False,
) -> int:
    """Start a local cloud, run the probes against it and stop it."""
    with LocalCloud.start(out / "cloud", pythons=LAMBDA_PYTHONS) as cloud, delivering_early(cloud):
        if not record:
            return conformance_on(describe(cloud, cloud.workdir, {}), only or (), out)
        caller = Actor.user(cloud, "recorded", [ANYTHING]).credentials
        key = {"access_key_id": caller["AccessKeyId"]}
        cloud.control("POST", "authorizations", key)
        code = conformance_on(describe(cloud, cloud.workdir, {}, caller=caller), only or (), out)
        found = cloud.control("DELETE", "authorizations", key)["authorizations"]
    if code == DONE:
        PERMISSIONS.write_text(json.dumps(by_pattern(found, cloud), indent=2) + "\n", encoding="utf-8")
        print(f"{PERMISSIONS}  written")
    return code


def by_pattern(authorizations: Iterable[Sequence[str]], cloud: LocalCloud) -> dict[str, list[str]]:
    """Actions by the patterns of the ARNs that they were allowed on, of any run in any account and region."""
    found: dict[str, set[str]] = {}
    for action, arn in authorizations:
        if action not in NEEDLESS:
            found.setdefault(_pattern(arn, cloud), set()).add(action)
    return {pattern: sorted(found[pattern]) for pattern in sorted(found)}


def _pattern(arn: str, cloud: LocalCloud) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    *_, region, account, resource = parts
    resource = _IDS.sub(r"\1*", _OWN.sub(r"\1*", resource)).replace(f"/{cloud.region}/", "/{region}/")
    place = ["{region}" if region else "", "{account}" if account else ""]
    return ":".join(["arn", "{partition}", parts[2], *place, resource])


@contextmanager
def delivering_early(cloud: LocalCloud) -> Iterator[None]:
    """Do every other second what takes a minute or more on AWS: deliver, evaluate the alarms, fire schedules."""
    ends, events = threading.Event(), cloud.client("events")

    def deliver() -> None:
        while not ends.wait(_FLUSH_SECONDS):
            # A stream that is being deleted, or whose role does not work, is the probes' business.
            with suppress(FlushError):
                cloud.flush(timeout=_FLUSH_SECONDS)
            cloud.control("POST", "alarms")
            for rule in events.list_rules(NamePrefix=PREFIX)["Rules"]:
                with suppress(CallError):  # it was deleted meanwhile
                    cloud.control("POST", "schedules/fire", {"rule": rule["Name"]})

    thread = threading.Thread(target=deliver, name="delivering")
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.conformance"))
