"""AWS Lambda entry point: settings and schema are read once, at the cold start."""

from __future__ import annotations

import os

from .batch import Transform
from .events import Context, FirehoseAnswer, FirehoseEvent
from .put_back import DataStream
from .settings import Settings

_settings = Settings.from_env(os.environ)
_stream = None if _settings.stream_name is None else DataStream(_settings.stream_name)
_transform = Transform(_settings, stream=_stream)


def handler(event: FirehoseEvent, context: Context) -> FirehoseAnswer:
    """Transform the records of a Firehose event; see ``Transform.answer``."""
    return _transform.answer(event, context.get_remaining_time_in_millis)
