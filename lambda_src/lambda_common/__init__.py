"""What both functions share: settings from environment variables, log lines and metrics.

``scripts.package`` puts this package into each function's zip, beside the function's own.
"""
