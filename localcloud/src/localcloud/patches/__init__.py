"""Corrections of MiniStack in memory, one module per service.

Each module has ``install(app)``, which gets the imported ``ministack.app``. Its docstring names every
function it replaces, what was wrong with it, and the AWS document that says so. MiniStack is pinned; a new
version means going through them again.
"""
