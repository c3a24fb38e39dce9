"""Matroska is taken apart without trust in what a producer sends."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.localcloud.kinesisvideo.footage import film, frames_of, padded
from tools.localcloud.kinesisvideo import matroska
from tools.localcloud.kinesisvideo.media import decoding_times, is_readable

START = 1_700_000_000_000


def test_a_row_of_documents_is_a_row_of_clusters() -> None:
    footage = [film(START, 0), film(START + 1000, 5, audio=True), film(START + 2000, 10, width=192)]
    found = list(matroska.clusters(b"".join(fragment.document for fragment in footage)))
    assert [cluster.time_ms for cluster in found] == [START, START + 1000, START + 2000]
    assert [len(cluster.tracks) for cluster in found] == [1, 2, 1]
    assert [frames_of(cluster.document) for cluster in found] == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, 13, 14],
    ]


def test_one_document_of_many_clusters_has_as_many_fragments() -> None:
    document = film(START, 0).document
    cluster = next(matroska.clusters(document)).document
    header = cluster[: cluster.index(matroska.CLUSTER.to_bytes(4, "big"))]
    body = cluster[len(header) :]
    found = list(matroska.clusters(header + body * 3))
    assert [piece.document for piece in found] == [cluster] * 3


def test_codec_private_data_is_read() -> None:
    (cluster,) = matroska.clusters(film(START, audio=True).document)
    assert [track.codec_id for track in cluster.tracks] == ["V_MPEG4/ISO/AVC", "A_AAC"]
    assert cluster.tracks[0].private[0] == 1  # configurationVersion, ISO/IEC 14496-15
    (without,) = matroska.clusters(matroska.without_codec_private(film(START, audio=True).document))
    assert [track.private for track in without.tracks] == [b"", b""]
    with pytest.raises(matroska.MatroskaError, match="no track has codec private data"):
        matroska.without_codec_private(without.document)


def test_blanking_codec_private_data_leaves_all_else_as_it_was() -> None:
    document = film(START).document
    blanked = matroska.without_codec_private(document)
    assert len(blanked) == len(document)
    (before,), (after,) = matroska.clusters(document), matroska.clusters(blanked)
    assert [bytes(frame.data) for frame in after.frames] == [bytes(frame.data) for frame in before.frames]
    assert after.length_ms == before.length_ms


@given(st.integers(0, 100_000))
def test_a_cut_stream_is_refused_or_ends_before_the_cut(position: int) -> None:
    document = film(START).document
    cut = document[: position % len(document)]
    begins = document.index(matroska.CLUSTER.to_bytes(4, "big"))
    try:
        found = list(matroska.clusters(cut))
    except matroska.MatroskaError:
        return
    assert not found or len(cut) > begins


@given(st.integers(0, 100_000), st.integers(0, 255))
def test_a_damaged_stream_never_raises_anything_else(position: int, value: int) -> None:
    damaged = bytearray(film(START).document)
    damaged[position % len(damaged)] = value
    with contextlib.suppress(matroska.MatroskaError):
        for cluster in matroska.clusters(bytes(damaged)):
            is_readable(cluster)


def element(id_: int, body: bytes) -> bytes:
    """An EBML element with a size of eight bytes."""
    return id_.to_bytes((id_.bit_length() + 7) // 8, "big") + (len(body) | 1 << 56).to_bytes(8, "big") + body


def with_cluster(body: bytes) -> bytes:
    """A document whose only cluster has this body."""
    whole = next(matroska.clusters(film(START).document)).document
    return whole[: whole.index(matroska.CLUSTER.to_bytes(4, "big"))] + element(matroska.CLUSTER, body)


TIME = element(matroska.TIMESTAMP, b"\x05")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "has no timestamp"),
        (TIME + element(matroska.SIMPLE_BLOCK, b""), "shorter than its header"),
        (TIME + element(matroska.SIMPLE_BLOCK, b"\x81\x00\x00"), "shorter than its header"),
        (TIME + element(matroska.SIMPLE_BLOCK, b"\x81\x00\x00\x02\x01frames"), "laced"),
        (TIME + element(matroska.BLOCK_GROUP, b""), "has no block"),
        (TIME + element(matroska.BLOCK_GROUP, TIME)[:-1], "cut off"),
    ],
)
def test_a_cluster_that_breaks_the_rules_is_refused(body: bytes, rule: str) -> None:
    with pytest.raises(matroska.MatroskaError, match=rule):
        list(matroska.clusters(with_cluster(body)))


def test_a_block_group_tells_how_long_its_frame_lasts() -> None:
    block = element(matroska.BLOCK, b"\x81\x00\x00\x80frame")
    group = element(matroska.BLOCK_GROUP, block + element(matroska.BLOCK_DURATION, b"\x03\xe8"))
    (cluster,) = matroska.clusters(with_cluster(TIME + group))
    assert (cluster.time_ms, cluster.length_ms, cluster.last_frame_ms) == (5, 1000, 1000)
    assert bytes(cluster.frames[0].data) == b"frame"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_matroska_never_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(matroska.MatroskaError):
        list(matroska.clusters(data))


def test_filler_data_is_a_frame_that_parses() -> None:
    (cluster,) = matroska.clusters(padded(film(START).document, 100_000))
    assert is_readable(cluster)
    assert 95_000 < len(cluster.document) < 105_000


@pytest.mark.parametrize(
    ("shown", "decoded"),
    [
        ([0, 40, 80], [0, 40, 80]),
        ([0, 120, 40, 80], [-40, 0, 40, 80]),
        ([0, 160, 80, 40, 120], [-80, -40, 0, 40, 80]),
        ([], []),
    ],
)
def test_no_frame_is_shown_before_it_is_decoded(shown: list[int], decoded: list[int]) -> None:
    assert decoding_times(shown) == decoded
    assert all(before <= after for before, after in zip(decoded, shown, strict=True))
