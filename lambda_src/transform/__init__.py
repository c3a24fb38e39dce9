"""The Firehose transform of both lanes: every message becomes one line of its table, or goes back as it came.

It needs nothing but the standard library and runs on Python 3.8 to 3.13. A cold start compiles every module
from source, because Lambda mounts packages read-only, so imports are few.
"""
