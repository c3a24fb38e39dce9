"""Customer-managed keys for a lake, with the key policy that docs/security.md shows."""

from __future__ import annotations

import re

from harness.lake.terraform import REPOSITORY
from localcloud import LocalCloud

STORES = ("buckets", "streams", "video", "logs", "functions")
_DOCUMENT = REPOSITORY / "docs" / "security.md"
_DOCUMENTED_ACCOUNT, _DOCUMENTED_NAME = "111122223333", "factory-lake-prod"


def documented_policy(cloud: LocalCloud, name: str) -> str:
    """The key policy of the document, for a lake of this name in the cloud's account."""
    block = re.search(r"<!-- key policy -->\n```json\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None, f"{_DOCUMENT} shows no key policy"
    return block[1].replace(_DOCUMENTED_ACCOUNT, cloud.account_id).replace(_DOCUMENTED_NAME, name)


def make_keys(cloud: LocalCloud, name: str) -> dict[str, str]:
    """A key of its own for each store, by the name that `kms_keys` has for it: ARNs."""
    kms = cloud.client("kms")
    policy = documented_policy(cloud, name)
    return {
        store: kms.create_key(Policy=policy, Description=f"{name} {store}")["KeyMetadata"]["Arn"] for store in STORES
    }
