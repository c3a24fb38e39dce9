"""S3 as it is not."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from tests.conformance.breaks import Break, IsOn


def _old_objects_are_written_over(is_on: IsOn) -> None:
    check = s3._check_put_preconditions

    def checked(headers: dict[str, str], existing: Any) -> Any:
        return None if is_on() and headers.get("if-match") else check(headers, existing)

    s3._check_put_preconditions = checked


BREAKS = [Break("s3_if_match", _old_objects_are_written_over)]
