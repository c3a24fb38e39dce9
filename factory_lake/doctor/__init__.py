"""`factory-lake doctor`: why a gateway is silent, and whether a lake can be applied.

Facts are collected first (`collecting`, `watching`, `plans`), and pure functions judge them (`gateway_checks`,
`lake_checks`): each gives one finding, with its evidence and the heading that says how to mend it.
"""
