"""AWS Lambda entry point: a schedule's event in, a summary out.

Environment variables are described in ``settings.py``. The event may say ``{"shard": 0, "shards": 4}``; any
other content is ignored.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from typing import Any, Dict, Optional

from clip_fetch.clients import make_clients
from clip_fetch.pace import Pace
from clip_fetch.report import Report
from clip_fetch.run import Surroundings, run
from clip_fetch.settings import Settings, Shard
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints

#: Part of the ephemeral storage that is left alone.
_SPARE = 0.95

_around: Optional[Surroundings] = None


def _surroundings(settings: Settings) -> Surroundings:
    """Made by the first run of a process and kept: clients are slow to make, endpoints may be cached."""
    global _around
    if _around is None:
        folder = tempfile.gettempdir()
        _around = Surroundings(
            clients=make_clients(settings.streams_at_once),
            endpoints=Endpoints(),
            memo={},
            spool=Spool(folder, int(shutil.disk_usage(folder).free * _SPARE)),
        )
    return _around


def handler(event: Dict[str, Any], context: Any) -> Dict[str, Any]:
    """Archive new footage of one shard of the factory's cameras.

    Args:
        event: May hold ``shard`` and ``shards``.
        context: Lambda's context; its remaining time is the deadline.

    Returns:
        The run's summary. A camera that failed is named in it and does not fail the invocation.

    Raises:
        SettingsError: A variable or the event breaks its rule.
        botocore.exceptions.ClientError: The streams cannot be listed.
    """
    settings = Settings.from_env(os.environ)
    shard = Shard.from_event(event if isinstance(event, dict) else {})
    pace = Pace(
        now_ms=lambda: time.time_ns() // 1_000_000,
        remaining_ms=context.get_remaining_time_in_millis,
        sleep=time.sleep,
        jitter=random.Random(),  # noqa: S311 - spreads retries
    )
    name = uuid.uuid4().hex
    report = Report(sys.stdout, settings.log_level, settings.factory, name)
    return run(settings, shard, _surroundings(settings), pace, report, name)
