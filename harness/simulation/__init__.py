"""Deterministic simulation: the real archiving code in thousands of fault histories, on a simulated AWS.

A history is data: what the cameras sent, when the function ran with which settings, what failed and when it
was killed, what the operator did. It is generated from a seed, run in simulated time, and checked by what is
in the bucket afterwards.
"""
