"""Contract of the control plane, over boto3: streams, tags, retention, requests, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.settings import ACCESS_KEY, SECRET_KEY
from localcloud.testing.footage import TestStream, film, repeatedly, selector
from localcloud.testing.producer import Producer, PutMediaError
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud


@pytest.fixture
def video(cloud: LocalCloud) -> Any:
    return cloud.client("kinesisvideo")


def info_of(video: Any, stream: TestStream) -> Any:
    return video.describe_stream(StreamName=stream.name)["StreamInfo"]


class TestStreams:
    """What becomes of a stream."""

    def test_a_stream_is_described_as_it_was_created(self, cloud: LocalCloud, video: Any) -> None:
        stream = TestStream.create(
            cloud, hours=7, MediaType="video/h264", DeviceName="press-cam", KmsKeyId="alias/video"
        )
        info = info_of(video, stream)
        assert info["StreamARN"].startswith(f"arn:aws:kinesisvideo:eu-central-1:000000000000:stream/{stream.name}/")
        assert info["StreamARN"].rsplit("/")[-1] == str(round(info["CreationTime"].timestamp() * 1000))
        assert {key: info[key] for key in ("Status", "DataRetentionInHours", "MediaType", "DeviceName")} == {
            "Status": "ACTIVE",
            "DataRetentionInHours": 7,
            "MediaType": "video/h264",
            "DeviceName": "press-cam",
        }
        assert info["KmsKeyId"] == "alias/video"
        assert video.describe_stream(StreamARN=info["StreamARN"])["StreamInfo"] == info

    def test_without_a_key_it_has_the_services_own(self, stream: TestStream, video: Any) -> None:
        assert info_of(video, stream)["KmsKeyId"].endswith(":alias/aws/kinesisvideo")

    def test_a_name_is_taken_once(self, stream: TestStream, video: Any) -> None:
        with refused("ResourceInUseException"):
            video.create_stream(StreamName=stream.name)

    def test_names_are_listed_by_prefix_and_page(self, video: Any) -> None:
        for camera in ("a", "b", "c", "d"):
            video.create_stream(StreamName=f"paged_camera_{camera}")
        video.create_stream(StreamName="paged_station2_a")
        condition = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "paged_camera_"}
        first = video.list_streams(StreamNameCondition=condition, MaxResults=3)
        second = video.list_streams(StreamNameCondition=condition, MaxResults=3, NextToken=first["NextToken"])
        names = [[info["StreamName"][-1] for info in page["StreamInfoList"]] for page in (first, second)]
        assert names == [["a", "b", "c"], ["d"]]
        assert "NextToken" not in second

    def test_an_update_needs_the_latest_version(self, stream: TestStream, video: Any) -> None:
        version = info_of(video, stream)["Version"]
        video.update_stream(StreamName=stream.name, CurrentVersion=version, MediaType="video/h265")
        info = info_of(video, stream)
        assert info["MediaType"] == "video/h265"
        assert info["Version"] != version
        with refused("VersionMismatchException"):
            video.update_stream(StreamName=stream.name, CurrentVersion=version, MediaType="video/h264")

    def test_retention_goes_up_and_down_by_a_difference(self, stream: TestStream, video: Any) -> None:
        for operation, hours, result in (("INCREASE", 3, 27), ("DECREASE", 20, 7)):
            video.update_data_retention(
                StreamName=stream.name,
                CurrentVersion=info_of(video, stream)["Version"],
                Operation=f"{operation}_DATA_RETENTION",
                DataRetentionChangeInHours=hours,
            )
            assert info_of(video, stream)["DataRetentionInHours"] == result
        with refused("InvalidArgumentException"):
            video.update_data_retention(
                StreamName=stream.name,
                CurrentVersion=info_of(video, stream)["Version"],
                Operation="DECREASE_DATA_RETENTION",
                DataRetentionChangeInHours=8,
            )

    def test_a_deleted_stream_is_gone_with_its_footage(self, stream: TestStream, video: Any) -> None:
        stream.put(0)
        folders = list((stream.cloud.workdir / "kinesisvideo" / "streams").glob(f"{stream.name}-*"))
        arn = stream.arn
        with refused("VersionMismatchException"):
            video.delete_stream(StreamARN=arn, CurrentVersion="v9")
        video.delete_stream(StreamARN=arn)
        with refused("ResourceNotFoundException"):
            video.describe_stream(StreamName=stream.name)
        assert [folder.exists() for folder in folders] == [False]

    def test_a_stream_made_anew_is_another(self, stream: TestStream, video: Any) -> None:
        old = stream.arn
        video.delete_stream(StreamARN=old)
        video.create_stream(StreamName=stream.name, DataRetentionInHours=1)
        assert stream.arn != old
        with refused("ResourceNotFoundException"):
            video.describe_stream(StreamARN=old)

    def test_the_data_endpoint_serves_archived_media(self, stream: TestStream, video: Any) -> None:
        stream.put(0)
        for name in ("LIST_FRAGMENTS", "GET_CLIP", "GET_MEDIA_FOR_FRAGMENT_LIST"):
            endpoint = video.get_data_endpoint(StreamName=stream.name, APIName=name)["DataEndpoint"]
            assert endpoint == stream.cloud.endpoint

    @pytest.mark.parametrize("call", ["describe_stream", "list_tags_for_stream"])
    def test_a_stream_takes_five_control_calls_a_second(self, stream: TestStream, video: Any, call: str) -> None:
        with refused("ClientLimitExceededException"):
            repeatedly(lambda: getattr(video, call)(StreamName=stream.name))


class TestTags:
    """TagStream and UntagStream."""

    def test_they_are_added_replaced_and_removed(self, cloud: LocalCloud, video: Any) -> None:
        stream = TestStream.create(cloud, Tags={"line": "1", "station": "krakow"})
        video.tag_stream(StreamName=stream.name, Tags={"line": "2", "owner": "plant"})
        video.untag_stream(StreamARN=stream.arn, TagKeyList=["station", "nobody"])
        assert video.list_tags_for_stream(StreamName=stream.name)["Tags"] == {"line": "2", "owner": "plant"}

    def test_a_stream_has_at_most_fifty(self, cloud: LocalCloud, video: Any) -> None:
        stream = TestStream.create(cloud, Tags={f"k{n}": "" for n in range(50)})
        with refused("TagsPerResourceExceededLimitException"):
            video.tag_stream(StreamName=stream.name, Tags={"one": "more"})


class TestRequests:
    """Requests that an SDK would not let through."""

    @pytest.mark.parametrize(
        ("path", "request_", "names"),
        [
            ("/describeStream", {"StreamName": "s", "Colour": "red"}, "Colour"),
            ("/describeStream", {"StreamName": "no spaces allowed"}, "StreamName"),
            ("/describeStream", {"StreamName": "s" * 257}, "StreamName"),
            ("/describeStream", {}, "StreamName"),
            ("/createStream", {"StreamName": "s", "DataRetentionInHours": "5"}, "DataRetentionInHours"),
            ("/createStream", {"StreamName": "s", "DataRetentionInHours": 87_601}, "87600"),
            ("/listStreams", {"MaxResults": 10_001}, "MaxResults"),
            (
                "/updateDataRetention",
                {"StreamName": "s", "CurrentVersion": "1", "Operation": "GROW", "DataRetentionChangeInHours": 1},
                "Operation",
            ),
            ("/getClip", {"StreamName": "s"}, "ClipFragmentSelector"),
            ("/listFragments", {"StreamName": "s", "MaxResults": 1001}, "MaxResults"),
        ],
    )
    def test_a_request_that_the_model_does_not_allow_is_refused(
        self, cloud: LocalCloud, path: str, request_: dict[str, Any], names: str
    ) -> None:
        status, kind, message = _call(cloud, path, request_)
        assert (status, kind) == (400, "InvalidArgumentException")
        assert names in message

    def test_an_operation_that_is_not_there_says_so(self, cloud: LocalCloud) -> None:
        assert _call(cloud, "/getHLSStreamingSessionURL", {})[:2] == (404, "UnknownOperationException")


def _call(cloud: LocalCloud, path: str, request: dict[str, Any]) -> tuple[int, str, str]:
    signed = AWSRequest("POST", cloud.endpoint + path, data=json.dumps(request).encode())
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "kinesisvideo", cloud.region).add_auth(signed)
    answer = urllib3.request("POST", cloud.endpoint + path, body=signed.data, headers=dict(signed.headers))
    kind = answer.headers.get("x-amzn-ErrorType", "").split(":")[0]
    return answer.status, kind, answer.json().get("Message", "")


class TestAccess:
    """A caller may do what its policies say, on the streams that they name."""

    @pytest.fixture
    def reader(self, cloud: LocalCloud) -> Iterator[dict[str, Any]]:
        """A role that may read the streams of one station."""
        iam = cloud.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        policy = {
            "Effect": "Allow",
            "Action": ["kinesisvideo:ListFragments", "kinesisvideo:GetClip", "kinesisvideo:GetDataEndpoint"],
            "Resource": "arn:aws:kinesisvideo:*:*:stream/test_stream_*/*",
        }
        role = iam.create_role(RoleName="video-reader", AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName="video-reader", PolicyName="read", PolicyDocument=_document(policy))
        yield cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        iam.delete_role_policy(RoleName="video-reader", PolicyName="read")
        iam.delete_role(RoleName="video-reader")

    def test_what_a_policy_names_is_allowed_and_nothing_else(
        self, cloud: LocalCloud, stream: TestStream, reader: dict[str, Any], video: Any
    ) -> None:
        stream.put(0)
        video.create_stream(StreamName="foreign_stream", DataRetentionInHours=1)
        media = cloud.client("kinesis-video-archived-media", reader)
        limited = cloud.client("kinesisvideo", reader)
        chosen = selector(stream.begin_ms, stream.begin_ms + 1)
        assert media.list_fragments(StreamName=stream.name, FragmentSelector=chosen)["Fragments"]
        assert media.get_clip(StreamARN=stream.arn, ClipFragmentSelector=chosen)["Payload"].read()
        assert limited.get_data_endpoint(StreamName=stream.name, APIName="GET_CLIP")
        refusals: list[Callable[[], Any]] = [
            lambda: media.list_fragments(StreamName="foreign_stream", FragmentSelector=chosen),
            lambda: media.get_media_for_fragment_list(StreamName=stream.name, Fragments=["1"]),
            lambda: limited.describe_stream(StreamName=stream.name),
            lambda: limited.delete_stream(StreamARN=stream.arn),
            lambda: limited.list_streams(),
            lambda: limited.create_stream(StreamName="test_stream_of_a_reader"),
        ]
        for call in refusals:
            with refused("AccessDeniedException", "is not authorized to perform: kinesisvideo:") as caught:
                call()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        video.delete_stream(StreamARN=video.describe_stream(StreamName="foreign_stream")["StreamInfo"]["StreamARN"])

    def test_footage_is_put_by_who_may_put_it(
        self, cloud: LocalCloud, stream: TestStream, reader: dict[str, Any]
    ) -> None:
        producer = Producer(cloud.client("kinesisvideo", reader), stream.name)
        with pytest.raises(PutMediaError, match="AccessDeniedException"):
            producer.put([film(stream.begin_ms).document], 0)

    def test_a_wrong_signature_is_refused(self, cloud: LocalCloud, stream: TestStream, reader: dict[str, Any]) -> None:
        forged = cloud.client("kinesisvideo", {**reader, "SecretAccessKey": "wrong"})
        with pytest.raises(ClientError) as caught:
            forged.get_data_endpoint(StreamName=stream.name, APIName="GET_CLIP")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    def test_conditions_on_a_streams_tags_hold(self, cloud: LocalCloud) -> None:
        mine = TestStream.create(cloud, Tags={"team": "a"})
        theirs = TestStream.create(cloud, Tags={"team": "b"})
        iam = cloud.client("iam")
        policy = {
            "Effect": "Allow",
            "Action": "kinesisvideo:DescribeStream",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
        }
        iam.create_user(UserName="team-a")
        iam.put_user_policy(UserName="team-a", PolicyName="tags", PolicyDocument=_document(policy))
        key = iam.create_access_key(UserName="team-a")["AccessKey"]
        user = cloud.client("kinesisvideo", key)
        assert user.describe_stream(StreamName=mine.name)
        with refused("AccessDeniedException"):
            user.describe_stream(StreamName=theirs.name)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
