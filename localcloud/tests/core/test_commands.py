"""A user's mistake ends each command in one line with exit code 2, before anything is started or asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.__main__ import main as localcloud
from localcloud.firehose.__main__ import main as firehose
from localcloud.server import main as server

_COMMANDS: dict[str, Callable[[list[str]], object]] = {
    "localcloud": localcloud,
    "python -m localcloud.firehose": firehose,
    "python -m localcloud.server": server,
}
_FOLDER = "argument --workdir: must be a folder or the path of a new one, got"
_PORT = "must be a port from 0 to 65535, got"
_SECONDS = "argument --timeout: must be a number of seconds from 0 on, got"
_PYTHON = "argument --python: must be a Python interpreter with boto3 beside it, got"


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("localcloud", "", ": the following arguments are required: command"),
        ("localcloud", "begin", ": argument command: invalid choice: 'begin' (choose from "),
        ("localcloud", "stop now", ": unrecognized arguments: now"),
        ("localcloud", "start --port http", f" start: argument --port: {_PORT} 'http'"),
        ("localcloud", "start --port 65536", f" start: argument --port: {_PORT} '65536'"),
        ("localcloud", "start --mqtt-port=-1", f" start: argument --mqtt-port: {_PORT} '-1'"),
        ("localcloud", "start --workdir file", f" start: {_FOLDER} 'file'"),
        ("localcloud", "start --python file", f" start: {_PYTHON} file"),
        ("localcloud", "start --python /no/python", f" start: {_PYTHON} /no/python"),
        ("localcloud", "status --workdir file/in/it", f" status: {_FOLDER} 'file/in/it'"),
        ("localcloud", "flush --timeout soon", f" flush: {_SECONDS} 'soon'"),
        ("localcloud", "flush --timeout nan", f" flush: {_SECONDS} 'nan'"),
        ("localcloud", "flush --timeout=-1", f" flush: {_SECONDS} '-1'"),
        ("python -m localcloud.firehose", "--workdir .", ": the following arguments are required: --endpoint, "),
        ("python -m localcloud.server", "--workdir file", f": {_FOLDER} 'file'"),
        ("python -m localcloud.server", "--workdir . --port 65536", f": argument --port: {_PORT} '65536'"),
    ],
)
def test_a_mistake_is_named_in_one_line(
    command: str,
    arguments: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(SystemExit) as ended:
        _COMMANDS[command](arguments.split())
    printed, complaint = capsys.readouterr()
    assert (ended.value.code, printed) == (2, "")
    assert complaint.startswith(f"{command}{said}")
    assert complaint.count("\n") == 1
