"""The constants of the local cloud: one account in one region on the loopback interface."""

HOST = "127.0.0.1"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
ACCESS_KEY = "test"
"""The account's root user, as LocalStack's clients expect it."""
SECRET_KEY = "test"  # noqa: S105 - a fixed key of an emulator that only listens on loopback

PYTHONS = "LOCALCLOUD_PYTHONS"
"""The environment variable that names interpreters for Lambda functions, separated as those of PATH are."""

PLUGINS = "LOCALCLOUD_PLUGINS"
"""The environment variable that names modules to install in the cloud's processes, separated by commas."""

STATE_FILE = "cloud.json"
"""What a running cloud writes into its workdir once it is ready, and takes away when it stops in order."""
