"""Outages whose truth is known: what a coverage says of them is judged by the log of who caused them.

They have a factory of their own, on which nothing else acts, so every gap in it is one that was made. The modules:

- `log` is what the injector writes down: each outage's window, subjects and the state that is expected of them;
- `gateway` samples on a grid of times, `kinds` are the outages of its messages, `footage` those of cameras;
- `judge` compares a coverage with the log, and knows nothing of how a coverage comes about;
- `run` does one after the other, for the soak and for the demonstration.
"""
