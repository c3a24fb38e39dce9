"""Cameras for the local cloud: what they see, how they send it, and how every frame of it is found again."""
