"""Settings of factories that tests apply: as few resources as the tests need, since each takes time."""

from __future__ import annotations

from typing import Any

import hcl2

from harness.lake.terraform import REPOSITORY

#: Runs every minute, and cuts clips as soon as it can.
VIDEO: dict[str, Any] = {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"}


def _alarm_names(module: str) -> list[str]:
    """The alarms that a module has."""
    content = hcl2.loads((REPOSITORY / "modules" / module / "alarms.tf").read_text(encoding="utf-8"))
    return [name for local in content["locals"] for name in local.get("alarm_descriptions", ())]


#: Half of a factory's resources are alarms.
NO_ALARMS: dict[str, Any] = {
    "alarms": {
        "messages": {"disabled": _alarm_names("factory_pipeline")},
        "video": {"disabled": _alarm_names("video_archiver")},
    }
}
