"""What Lambda calls: settings and schema are read once, at the cold start."""

from __future__ import annotations

import os

from .batch import Transform
from .settings import Settings

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any

_transform = Transform(Settings.from_env(os.environ))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Transform a batch of Firehose records; see ``Transform.answer``."""
    return _transform.answer(event)
