"""AWS Lambda entry point: settings and schema are read once, at the cold start."""

from __future__ import annotations

import os

from .batch import Transform
from .events import FirehoseAnswer, FirehoseEvent
from .settings import Settings

_transform = Transform(Settings.from_env(os.environ))


def handler(event: FirehoseEvent, context: object) -> FirehoseAnswer:  # noqa: ARG001 - Lambda passes it
    """Transform a batch of Firehose records; see ``Transform.answer``."""
    return _transform.answer(event)
