"""A fake that is called through a `StrictClient` takes and gives only what the service's model has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.strict import ModelMismatchError, StrictClient


class Fake:
    """Two of S3's operations, of which one answers as S3 never would."""

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        return {"ETag": arguments["Key"]}

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Bdoy": b""}


S3 = StrictClient("s3", Fake())


def test_a_call_that_the_model_has_reaches_the_fake() -> None:
    assert S3.put_object(Bucket="b", Key="k", Body=b"x", IfNoneMatch="*") == {"ETag": "k"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"Bucket": "b", "Key": "k", "IfNoneMatched": "*"}, 'Unknown parameter in input: "IfNoneMatched"'),
        ({"Bucket": "b"}, 'Missing required parameter in input: "Key"'),
        ({"Bucket": "b", "Key": 7}, "Invalid type for parameter Key"),
    ],
)
def test_a_request_that_the_model_does_not_have_fails(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelMismatchError, match=rf"s3\.PutObject: request: {problem}"):
        S3.put_object(**arguments)


def test_an_answer_that_the_model_does_not_have_fails() -> None:
    with pytest.raises(ModelMismatchError, match=r's3\.GetObject: answer: Unknown parameter in input: "Bdoy"'):
        S3.get_object(Bucket="b", Key="k")


def test_an_operation_that_the_service_does_not_have_fails() -> None:
    with pytest.raises(ModelMismatchError, match="s3 has no operation put_objekt"):
        _ = S3.put_objekt


def test_no_code_that_survives_failures_of_aws_survives_a_mismatch() -> None:
    assert not issubclass(ModelMismatchError, Exception)
