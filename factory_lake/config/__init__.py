"""Configuration in force: what each gateway's settings were at a moment, what changed between two, and since when."""
