"""A clip is stored as it was downloaded, or not at all."""

from __future__ import annotations

import base64
import struct
import zlib

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_BODY = b"a clip's bytes"


def _run(context: Context) -> None:
    s3, place = context.client("s3"), {"Bucket": context.shared(setups.bucket), "Key": "s3_checksum/clip.mp4"}
    right = base64.b64encode(struct.pack(">I", zlib.crc32(_BODY))).decode()
    wrong = base64.b64encode(struct.pack(">I", zlib.crc32(_BODY) ^ 1)).decode()
    try:
        s3.put_object(**place, Body=_BODY, ChecksumCRC32=wrong)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BadDigest", "InvalidRequest"):
            raise Differs(f"a body of another checksum is refused with {error.response['Error']['Code']}") from error
    else:
        raise Differs("a body is taken whose CRC32 is not the given one")
    if s3.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"])["KeyCount"]:
        raise Differs("a put that was refused has left an object")
    s3.put_object(**place, Body=_BODY, ChecksumCRC32=right)


PROBE = Probe(
    name="s3_checksum",
    belief="A put whose body does not have the given CRC32 is refused and leaves no object.",
    relied_on=("lambda_src/clip_fetch/archive.py", "lambda_src/clip_fetch/index.py"),
    source="Amazon S3 user guide, Checking object integrity for data uploads",
    usd=0.0001,
    run=_run,
)
