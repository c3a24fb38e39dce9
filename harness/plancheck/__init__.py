"""Checkov over real plans of the environments; every finding is fixed, or explained at its resource.

An explanation is checkov's own comment inside the resource's block:

    # checkov:skip=CKV_AWS_144: why this is as it is

A finding without one fails the check, and so does a comment whose finding is gone.
"""
