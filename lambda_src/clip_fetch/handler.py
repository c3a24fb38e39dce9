"""AWS Lambda entry point: a schedule's event in, a summary out.

Environment variables are described in ``settings.py``. The event may say ``{"shard": 0, "shards": 4}``; any
other content is ignored.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
import uuid
from typing import Any

from lambda_common.report import now_ms

from .archive import Cache
from .clients import make_clients
from .events import ScheduleEvent, Summary
from .report import Report
from .run import Dependencies, Timing, run
from .settings import Settings, Shard
from .spool import Spool
from .video import Endpoints

#: Part of the ephemeral storage that is left alone.
_SPARE = 0.95

_kept: Dependencies | None = None


def _dependencies(settings: Settings) -> Dependencies:
    """Return what the first run of a process makes: clients are slow to make, endpoints may be cached."""
    global _kept
    if _kept is None:
        folder = tempfile.gettempdir()
        _kept = Dependencies(
            clients=make_clients(settings.streams_at_once),
            endpoints=Endpoints(),
            cache=Cache.empty(),
            spool=Spool(folder, int(shutil.disk_usage(folder).free * _SPARE)),
        )
    return _kept


def handler(event: ScheduleEvent, context: Any) -> Summary:
    """Archive new footage of one shard of the factory's cameras; Lambda's remaining time is the deadline.

    Returns:
        The run's summary. A camera that failed is named in it and does not fail the invocation.

    Raises:
        SettingsError: A variable or the event breaks its rule.
        botocore.exceptions.ClientError: The streams cannot be listed.
    """
    settings = Settings.from_env(os.environ)
    shard = Shard.from_event(event if isinstance(event, dict) else {})
    timing = Timing.start(
        now_ms=now_ms,
        remaining_ms=context.get_remaining_time_in_millis,
        sleep=time.sleep,
        jitter=random.Random(),  # noqa: S311 - spreads retries
    )
    name = uuid.uuid4().hex
    return run(settings, shard, _dependencies(settings), timing, Report(settings, name), name)
