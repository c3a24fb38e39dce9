"""What all tests of the local cloud share."""

from hypothesis import settings

# A machine that does much else is no reason for a test to fail.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
