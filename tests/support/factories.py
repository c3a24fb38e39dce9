"""Settings of factories that tests apply: as few resources as the tests need, since each takes time."""

from __future__ import annotations

from typing import Any

from harness.lake.roots import alarm_names

#: Runs every minute, and cuts clips as soon as it can.
VIDEO: dict[str, Any] = {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"}


#: Half of a factory's resources are alarms.
NO_ALARMS: dict[str, Any] = {
    "alarms": {
        "messages": {"disabled": alarm_names("factory_pipeline")},
        "video": {"disabled": alarm_names("video_archiver")},
    }
}
