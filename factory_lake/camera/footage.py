"""Footage that no camera films: grey H.264 pictures in Matroska, as PutMedia takes it, made without an encoder.

A fragment is one cluster. Its first frame is a key frame whose macroblocks hold their samples as they are (I_PCM);
its other frames repeat it (every macroblock is skipped). So a fragment has some kilobytes, decodes in every player,
and the grey tells which one it is.

Sources: ITU-T H.264 7.3 and ISO/IEC 14496-15 5.3.3 for the pictures, RFC 9559 for Matroska, the developer guide's page
on PutMedia for what the service asks of a stream.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: PutMedia takes no longer fragments (API reference).
MAX_FRAGMENT_MS = 20_000
#: The greys that a picture may have: black and white of video, which never look like a start code.
DARKEST, BRIGHTEST = 16, 235

_MACROBLOCK = 16
_BASELINE = bytes((66, 0xC0, 30))  # profile, constraint flags, level 3.0
_SPS, _PPS, _KEY_SLICE, _SLICE, _FILLER = 0x67, 0x68, 0x65, 0x41, 0x0C
_FRAME_NUMBERS = 16
_APPLICATION = b"factory-lake"


@dataclass(frozen=True)
class Fragment:
    """What PutMedia takes as one fragment.

    Attributes:
        start_ms: Producer timestamp of its first frame, epoch milliseconds.
        length_ms: Playback duration, that of its last frame included.
        grey: Of its pictures.
        cluster: The Matroska cluster.
    """

    start_ms: int
    length_ms: int
    grey: int
    cluster: bytes


@dataclass(frozen=True)
class Filming:
    """How footage is made; what two of different sizes film has different codec private data.

    Attributes:
        width: Of the pictures; a multiple of 16.
        height: Of the pictures; a multiple of 16.
        frame_ms: How long each frame is shown.
        is_declared: Whether there is codec private data, without which nothing decodes.
    """

    width: int = 64
    height: int = 48
    frame_ms: int = 200
    is_declared: bool = True

    def __post_init__(self) -> None:
        if self.width % _MACROBLOCK or self.height % _MACROBLOCK or min(self.width, self.height) < _MACROBLOCK:
            raise ValueError(f"pictures are of whole macroblocks of {_MACROBLOCK}, got {self.width}x{self.height}")

    @property
    def head(self) -> bytes:
        """What goes before the first fragment of a call: one segment without an end, with one track."""
        ebml = _element("4282", b"matroska") + _number("4287", 2) + _number("4285", 2)
        info = _number("2AD7B1", 1_000_000) + _element("4D80", _APPLICATION) + _element("5741", _APPLICATION)
        track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _element("86", b"V_MPEG4/ISO/AVC")
        track += _element("63A2", self._codec_private()) if self.is_declared else b""
        track += _number("23E383", self.frame_ms * 1_000_000)
        track += _element("E0", _number("B0", self.width) + _number("BA", self.height))
        segment = bytes.fromhex("18538067" + "01" + 7 * "FF")
        return (
            _element("1A45DFA3", ebml)
            + segment
            + _element("1549A966", info)
            + _element("1654AE6B", _element("AE", track))
        )

    def fragment(self, start_ms: int, frames: int, *, grey: int | None = None, padding: int = 0) -> Fragment:
        """Film one fragment.

        Args:
            start_ms: Producer timestamp, epoch milliseconds.
            frames: How many.
            grey: Of the pictures; goes by the start where none is given.
            padding: Bytes that do nothing, for large fragments.
        """
        length_ms = frames * self.frame_ms
        if not 0 < length_ms <= MAX_FRAGMENT_MS:
            raise ValueError(f"a fragment lasts at most {MAX_FRAGMENT_MS} ms, got {length_ms}")
        shade = DARKEST + start_ms // 1000 % (BRIGHTEST - DARKEST + 1) if grey is None else grey
        blocks = _block(0, True, self._key_frame(shade) + (_nal(_FILLER, b"\xff" * padding) if padding else b""))
        for index in range(1, frames):
            blocks += _block(index * self.frame_ms, False, self._repeated_frame(index))
        return Fragment(start_ms, length_ms, shade, _element("1F43B675", _number("E7", start_ms) + blocks))

    def film(self, start_ms: int, duration_ms: int, *, fragment_ms: int = 2000) -> Iterator[Fragment]:
        """Film for so long, in fragments of that length; what is left at the end is one fragment more."""
        for at_ms in range(start_ms, start_ms + duration_ms, fragment_ms):
            rest_ms = min(fragment_ms, start_ms + duration_ms - at_ms)
            yield self.fragment(at_ms, max(1, rest_ms // self.frame_ms))

    @property
    def _macroblocks(self) -> int:
        return self.width * self.height // _MACROBLOCK**2

    def _codec_private(self) -> bytes:
        """The decoder's configuration (avcC), NAL units with lengths of four bytes."""
        across, down = self.width // _MACROBLOCK - 1, self.height // _MACROBLOCK - 1
        # Numbers of frames have 4 bits, pictures are shown in decoding order (type 2), one is referred to.
        sequence = _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0" + _ue(across) + _ue(down) + "1" + "1" + "0" + "0"
        sps = _unit(_SPS, _BASELINE + _ended(sequence))
        # CAVLC, one slice group, one reference, no weights, no offsets; slices say that they are not deblocked.
        pps = _unit(_PPS, _ended(_ue(0) + _ue(0) + "0" + "0" + _ue(0) + _ue(0) + _ue(0) + "000" + 3 * _ue(0) + "100"))
        sets = b"\xe1" + len(sps).to_bytes(2, "big") + sps + b"\x01" + len(pps).to_bytes(2, "big") + pps
        return b"\x01" + _BASELINE + b"\xff" + sets

    def _key_frame(self, grey: int) -> bytes:
        if not DARKEST <= grey <= BRIGHTEST:
            raise ValueError(f"a grey is in {DARKEST}..{BRIGHTEST}, got {grey}")
        header = _ue(0) + _ue(7) + _ue(0) + "0000" + _ue(0) + "00" + _ue(0) + _ue(1)
        samples = bytes([grey]) * _MACROBLOCK**2 + b"\x80" * (_MACROBLOCK**2 // 2)
        first, others = _packed(header + _ue(25)) + samples, _packed(_ue(25)) + samples
        return _nal(_KEY_SLICE, first + others * (self._macroblocks - 1) + b"\x80")

    def _repeated_frame(self, index: int) -> bytes:
        number = f"{index % _FRAME_NUMBERS:04b}"
        header = _ue(0) + _ue(5) + _ue(0) + number + "0" + "0" + "0" + _ue(0) + _ue(1)
        return _nal(_SLICE, _ended(header + _ue(self._macroblocks)))


def _ue(value: int) -> str:
    """Bits of an unsigned Exp-Golomb code; of signed ones, only 0 is used, which has the same."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _ended(bits: str) -> bytes:
    return _packed(bits + "1")


def _packed(bits: str) -> bytes:
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big")


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit; three bytes that would look like a start code get one between them."""
    return bytes([kind]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def _nal(kind: int, payload: bytes) -> bytes:
    """A NAL unit with its length before it."""
    unit = _unit(kind, payload + b"\x80" if kind == _FILLER else payload)
    return len(unit).to_bytes(4, "big") + unit


def _element(kind: str, content: bytes) -> bytes:
    return bytes.fromhex(kind) + (len(content) | 1 << 28).to_bytes(4, "big") + content


def _number(kind: str, value: int) -> bytes:
    return _element(kind, value.to_bytes(max(1, -(-value.bit_length() // 8)), "big"))


def _block(at_ms: int, is_key: bool, frame: bytes) -> bytes:
    return _element("A3", struct.pack(">BhB", 0x81, at_ms, 0x80 if is_key else 0) + frame)
