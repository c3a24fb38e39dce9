"""What was redriven, written down beside the error objects with conditional writes.

Before a batch is sent, its lines are written down as pending; the next write, or the last, makes them
redriven. So a crash leaves one batch in doubt, never more, and says which. Two runs cannot both work on an
object: whoever writes second meets the other's ETag and stops.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from factory_lake.reconcile.redriven import Redriven, record_key
from factory_lake.redrive.errors import BusyError, DamagedError
from factory_lake.redrive.lines import ErrorObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class Checkpoints:
    """The records of redriven lines."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def read(self, source: ErrorObject) -> tuple[Redriven, str | None]:
        """An object's record and its ETag; an empty one and None where there is none yet.

        Raises:
            DamagedError: When what lies there is no record, or not of this object.
        """
        key = record_key(source.key)
        try:
            answer = self._s3.get_object(Bucket=source.bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return Redriven(source.key, source.etag), None
        place = f"s3://{source.bucket}/{key}"
        try:
            record = Redriven.from_bytes(answer["Body"].read())
        except ValueError as error:
            raise DamagedError(place, str(error)) from error
        if (record.object, record.etag) != (source.key, source.etag):
            raise DamagedError(place, f"must be the record of {source} with ETag {source.etag}")
        return record, answer["ETag"]

    def write(self, source: ErrorObject, record: Redriven, etag: str | None) -> str:
        """Store a record in the place of the one with this ETag, or of none.

        Returns:
            Its ETag.

        Raises:
            BusyError: When another run wrote in between.
        """
        key, body = record_key(source.key), record.to_bytes()
        try:
            if etag is None:
                answer = self._s3.put_object(Bucket=source.bucket, Key=key, Body=body, IfNoneMatch="*")
            else:
                answer = self._s3.put_object(Bucket=source.bucket, Key=key, Body=body, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _LOST_RACE:
                raise
            # boto3 repeats a put whose answer was lost, and then meets its own object.
            stored, stored_etag = self.read(source)
            if stored == record and stored_etag is not None:
                return stored_etag
            raise BusyError(source, f"another redrive works on it (run {stored.run or 'unknown'})") from error
        return answer["ETag"]
