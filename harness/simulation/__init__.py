"""Fault histories: simulated cameras, a simulated AWS and the real archiving code, run by the thousand.

A history is data: what the cameras sent, when the function ran with which settings, what failed and when it
was killed, what the operator did. It is drawn from a seed, played in simulated time, and judged by what lies
in the bucket afterwards.
"""
