"""Whether a lake that stands does its work: `factory-lake canary` sends, films, and looks for it as users do.

What it leaves is marked (`marks`), so that views, named queries, `reconcile`, `coverage` and `report` leave it out.
"""
