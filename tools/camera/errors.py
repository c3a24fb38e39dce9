"""What the commands say instead of a traceback."""

from __future__ import annotations


class InputError(ValueError):
    """Something given breaks a rule; the message names the place, the rule and the value, in one line."""
