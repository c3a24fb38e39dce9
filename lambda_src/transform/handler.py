"""AWS Lambda entry point: settings and schema are read once, at the cold start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .batch import Transform
from .events import Context, FirehoseAnswer, FirehoseEvent
from .settings import Settings

if TYPE_CHECKING:
    from .put_back import DataStream

_settings = Settings.from_env(os.environ)


def _data_stream() -> DataStream:
    from .put_back import DataStream  # the first samples that are put back, no cold start, compile it

    return DataStream(_settings.stream_name or "")  # configuration, which has none, puts nothing back


_transform = Transform(_settings, make_stream=_data_stream)


def handler(event: FirehoseEvent, context: Context) -> FirehoseAnswer:
    """Transform the records of a Firehose event; see ``Transform.answer``."""
    return _transform.answer(event, context.get_remaining_time_in_millis)
