"""Who may do what in a lake: every role, every action that it might misuse, every place, really tried.

`principals` finds the roles of an applied lake, `places` what can be reached in it, `probes` are the calls,
`matrix` makes them with each role's session, and `expected.toml` is the one table of what they must answer.
`table` shows it in docs/security.md.
"""
