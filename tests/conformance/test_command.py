"""The command leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factory_lake.cli import main
from factory_lake.clients import Clients
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Ledger, Place
from factory_lake.conformance.resources import KINDS, PREFIX, delete, underscored
from factory_lake.lake import open_lake
from localcloud import LocalCloud

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("conformance"), pytest.mark.timeout(300)]

#: Slow enough to be met in the middle, quick enough to be seen to the end.
_FAMILIES = ("--only", "s3", "--only", "iam", "--only", "lambda")


#: Whatever there is in the account, by calls of the test's own: what the kit looks for is a part of it.
_LISTINGS = {
    "s3": ("list_buckets", "Buckets", "Name"),
    "iam": ("list_roles", "Roles", "RoleName"),
    "lambda": ("list_functions", "Functions", "FunctionName"),
    "logs": ("describe_log_groups", "logGroups", "logGroupName"),
    "kinesis": ("list_streams", "StreamNames", ""),
    "firehose": ("list_delivery_streams", "DeliveryStreamNames", ""),
    "iot": ("list_topic_rules", "rules", "ruleName"),
    "glue": ("get_databases", "DatabaseList", "Name"),
    "athena": ("list_work_groups", "WorkGroups", "Name"),
}


def _everything(cloud: LocalCloud) -> list[tuple[str, str]]:
    return sorted(
        (service, item[name] if name else item)
        for service, (operation, member, name) in _LISTINGS.items()
        for item in getattr(cloud.client(service), operation)()[member]
    )


def _begin(cloud: LocalCloud, out: Path) -> subprocess.Popen[str]:
    """A run that is under way: it has noted several resources, and made one at least."""
    before = _everything(cloud)
    command = [sys.executable, "-m", "factory_lake.cli", "conformance", "--local", str(cloud.workdir)]
    # A shell has its background jobs ignore Ctrl-C, which a process passes on to those that it starts.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*command, "--out", str(out), *_FAMILIES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    ends = time.monotonic() + 200
    while len(set(_everything(cloud)) - set(before)) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.02)
    return process


def test_a_whole_run_writes_its_report_and_leaves_nothing(
    breakable: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _everything(breakable)
    names = ("--only", "s3_race", "--only", "kinesis")
    assert main(["conformance", "--local", str(breakable.workdir), "--out", str(tmp_path), *names]) == 0
    said = capsys.readouterr()
    assert "5 probes: 5 held, 0 differ, 0 could not tell; 0 resources left" in said.out
    assert "5/5 " in said.err  # standard error is no terminal: a line a probe
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary.pop("usd_estimate") > 0
    assert summary == {"probes": 5, "held": 5, "differ": 0, "could_not_tell": 0, "leftovers": 0}
    assert breakable.account_id not in (tmp_path / "report.md").read_text()
    assert _everything(breakable) == before
    assert list(Ledger.all_in(tmp_path)) == []


def test_what_a_killed_run_has_left_is_deleted_by_clean(
    breakable: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _everything(breakable)
    process = _begin(breakable, tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert _everything(breakable) != before
    assert main(["conformance", "clean", "--local", str(breakable.workdir), "--out", str(tmp_path)]) == 0
    assert ", 0 left" in capsys.readouterr().out
    assert _everything(breakable) == before
    assert main(["conformance", "clean", "--local", str(breakable.workdir), "--out", str(tmp_path)]) == 0
    assert "nothing is left" in capsys.readouterr().out


def test_clean_finds_what_a_run_of_another_machine_has_left(breakable: LocalCloud, tmp_path: Path) -> None:
    before = _everything(breakable)
    process = _begin(breakable, tmp_path / "there")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = set(_everything(breakable)) - set(before)
    assert left
    assert main(["conformance", "clean", "--local", str(breakable.workdir), "--out", str(tmp_path / "here")]) == 0
    assert _everything(breakable) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_about_to_be_made_and_is_not_there_counts_as_deleted(
    kind: str, breakable: LocalCloud, tmp_path: Path
) -> None:
    lake, ledger = open_lake(breakable.workdir), Ledger(tmp_path / "none", "none", Place(breakable.region, "", ""))
    name = f"{PREFIX}none-none"
    context = Context(Clients(lake), ledger, "aws", local=lake.local)
    delete(context, kind, underscored(name) if kind in ("database", "iot_rule") else name)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_deletes_what_it_made_and_says_so(
    breakable: LocalCloud, tmp_path: Path, stop: signal.Signals
) -> None:
    before = _everything(breakable)
    process = _begin(breakable, tmp_path)
    os.kill(process.pid, stop)
    _, said = process.communicate(timeout=250)
    assert process.returncode == 130, said
    assert "stopping: what was made is being deleted" in said
    assert "deleted, 0 resources left" in said
    assert _everything(breakable) == before


def test_what_is_kept_is_there_until_clean(
    breakable: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _everything(breakable)
    place = ["--local", str(breakable.workdir), "--out", str(tmp_path)]
    assert main(["conformance", *place, "--only", "s3_race", "--keep"]) == 0
    assert f"kept: `factory-lake conformance clean --local {breakable.workdir}" in capsys.readouterr().err
    assert len(_everything(breakable)) == len(before) + 1
    assert main(["conformance", "clean", *place]) == 0
    assert _everything(breakable) == before
