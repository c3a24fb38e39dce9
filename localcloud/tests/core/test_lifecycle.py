"""A local cloud starts whole, can be found, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud import FlushError, LocalCloud, StartError
from localcloud.processes import end_group_of, is_running

pytestmark = pytest.mark.cloud

PATIENCE = 30.0


def processes() -> list[tuple[int, str]]:
    """Group and command line of every live process."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pgid=,stat=,command="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
    return [(int(row[0]), row[2]) for row in rows if not row[1].startswith("Z")]


def members_of(group: int) -> list[str]:
    """Command lines of the live processes in a process group."""
    return [command for of_group, command in processes() if of_group == group]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def test_a_handle_attaches_to_a_running_cloud(cloud: LocalCloud) -> None:
    attached = LocalCloud.attach(cloud.workdir)
    assert attached.endpoint == cloud.endpoint
    assert attached.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{cloud.account_id}:root"
    assert json.loads((cloud.workdir / "cloud.json").read_text())["pid"] == cloud.pid


def test_a_second_cloud_in_one_workdir_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(StartError, match=f"already runs at {cloud.endpoint}"):
        LocalCloud.start(cloud.workdir)
    assert LocalCloud.attach(cloud.workdir).client("sts").get_caller_identity()


def test_there_is_nothing_to_attach_to_where_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no local cloud runs here"):
        LocalCloud.attach(tmp_path)


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"core\.log:\n.*127\.0\.0\.1:{port} cannot be listened on"):
            LocalCloud.start(tmp_path, port=port)
    assert not [command for _, command in processes() if str(tmp_path) in command]


def test_an_interpreter_that_does_not_run_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=f"LOCALCLOUD_PYTHONS: .* got {tmp_path}/python"):
        LocalCloud.start(tmp_path, pythons=[tmp_path / "python"])


def test_everything_listens_on_loopback_alone(cloud: LocalCloud) -> None:
    addresses = _addresses_of_this_machine()
    port = int(cloud.endpoint.rpartition(":")[2])
    reachable = [(a, p) for a in addresses for p in (port, cloud.mqtt_port) if _accepts(a, p)]
    assert reachable == []
    assert _accepts("127.0.0.1", port)
    assert _accepts("127.0.0.1", cloud.mqtt_port)


def test_stop_ends_the_whole_process_group_and_can_be_repeated(tmp_path: Path) -> None:
    cloud = LocalCloud.start(tmp_path)
    assert members_of(cloud.pid)
    cloud.stop()
    cloud.stop()
    assert members_of(cloud.pid) == []
    assert not (tmp_path / "cloud.json").exists()


def test_a_cloud_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = """
        import pathlib, sys, time
        from localcloud import LocalCloud
        print(LocalCloud.start(pathlib.Path(sys.argv[1])).pid, flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        group = int(starter.stdout.readline())
        assert members_of(group)
        starter.kill()
        starter.wait()
    try:
        wait_until(lambda: members_of(group) == [])
    finally:
        end_group_of(group, marker=str(tmp_path))


def test_a_process_id_that_was_used_again_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as bystander:
        try:
            assert end_group_of(bystander.pid, marker="/no/such/workdir") is False
            assert bystander.poll() is None
            assert is_running(bystander.pid, marker="sleep 600")
        finally:
            bystander.kill()


def test_the_command_line_starts_reports_and_stops(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "localcloud", *arguments, "--workdir", str(tmp_path)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "no local cloud runs here" in run("status").stderr
    assert run("start", "--port", "0", "--mqtt-port", "0").returncode == 0
    pid = LocalCloud.attach(tmp_path).pid
    try:
        status = json.loads(run("status").stdout)
        assert LocalCloud.attach(tmp_path).client("s3").list_buckets()["Buckets"] == []
        assert status["engine"]["state"] == "running"
        assert status["pid"] == pid
        assert run("flush").returncode == 0
        assert run("stop").returncode == 0
        assert members_of(pid) == []
        assert run("stop").returncode == 1
    finally:
        end_group_of(pid, marker=str(tmp_path))


def test_the_engine_can_be_killed_and_started(cloud: LocalCloud) -> None:
    before = cloud.firehose.describe()
    cloud.firehose.kill()
    assert cloud.firehose.describe() == {"state": "killed"}
    with pytest.raises(FlushError, match="not running"):
        cloud.flush()
    cloud.firehose.start()
    after = cloud.firehose.describe()
    assert after["state"] == "running"
    assert after["pid"] != before["pid"]
    cloud.flush()


def test_an_engine_that_dies_is_not_started_again_behind_ones_back(cloud: LocalCloud) -> None:
    os.kill(cloud.firehose.describe()["pid"], signal.SIGKILL)
    wait_until(lambda: cloud.firehose.describe()["state"] == "died")
    with pytest.raises(FlushError, match="died"):
        cloud.flush()
    cloud.firehose.start()
    cloud.flush()


def test_the_environment_replaces_the_users_own_aws_settings(cloud: LocalCloud) -> None:
    given = cloud.environment({"AWS_PROFILE": "plant", "AWS_ENDPOINT_URL_S3": "http://elsewhere", "PATH": "/bin"})
    assert given["PATH"] == "/bin"
    assert given["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"}.isdisjoint(given)
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    ran = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == cloud.account_id


def test_localstacks_own_client_reaches_it(cloud: LocalCloud) -> None:
    script = textwrap.dedent("""
        import localstack_client.session
        session = localstack_client.session.Session()
        print(session.client("sts").get_caller_identity()["Account"])
        session.client("s3").create_bucket(Bucket="made-by-localstack-client")
    """)
    settings = {"PATH": os.environ["PATH"], "LOCALSTACK_HOST": cloud.environment()["LOCALSTACK_HOST"]}
    ran = subprocess.run([sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == cloud.account_id
    assert cloud.client("s3").head_bucket(Bucket="made-by-localstack-client")


def _addresses_of_this_machine() -> list[str]:
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses the outward interface, sends nothing
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    # Another address of the loopback network is as foreign to a socket that is bound to 127.0.0.1.
    return sorted({*map(str, found), "127.0.0.2"} - {"127.0.0.1"})


def _accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_plugin_is_installed_in_the_core_and_in_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noted.py").write_text(
        "import os, pathlib, sys\n\n\ndef install():\n"
        "    name = 'engine' if 'localcloud.core' not in sys.modules else 'core'\n"
        "    (pathlib.Path(os.environ['LOCALCLOUD_WORKDIR']) / name).touch()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalCloud.start(tmp_path / "cloud", plugins=["noted"]) as cloud:
        assert (cloud.workdir / "core").exists()
        assert (cloud.workdir / "engine").exists()
