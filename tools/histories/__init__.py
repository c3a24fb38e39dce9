"""Fault histories: simulated cameras, a simulated AWS and the real archiving code, run by the thousand.

A history is data: what the cameras sent, when the function ran with which settings, what failed and when it
was killed, what the operator did. It is drawn from a seed, played in simulated time, and judged by what lies
in the bucket afterwards.
"""

import sys

from tools.package import SOURCES

# The Lambda functions are packages of their own, not parts of this one.
if str(SOURCES) not in sys.path:
    sys.path.append(str(SOURCES))
