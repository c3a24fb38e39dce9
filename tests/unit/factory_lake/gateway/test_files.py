import base64
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_lake.gateway.errors import ConfigurationError, FileError
from factory_lake.gateway.files import Defaults, Outgoing, by_source, read_json, read_jsonl, read_messages
from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.mqtt import MAX_PAYLOAD

SOURCES = [
    Source(factory, gateway, lane)
    for factory, gateway in (("lyon", "press-shop"), ("krakow", "line-2"), ("krakow", "line-1"))
    for lane in LANES
]
FIRST = Source("krakow", "line-1", "measurements")
SAMPLE = b'{"deviceID":"d","tagName":"t","timestamp":1772600000000,"value":1.50}'


def read(tmp_path: Path, content: bytes, name: str = "mine.jsonl", **defaults: str) -> list[Outgoing]:
    path = tmp_path / name
    path.write_bytes(content)
    return read_messages(path, Defaults(SOURCES, **defaults))  # type: ignore[arg-type]  # lanes come as texts here


def fails(tmp_path: Path, content: bytes, name: str = "mine.jsonl") -> str:
    """The error of such a file, without its path."""
    with pytest.raises(FileError) as error:
        read(tmp_path, content, name)
    assert str(error.value).startswith(str(tmp_path / name))
    return str(error.value).removeprefix(str(tmp_path / name)).removeprefix(":")


def test_a_plain_message_needs_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, SAMPLE + b"\n") == [Outgoing(FIRST, SAMPLE, 1)]


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b'{"deviceID":',
        b"\xff\xfd",
        b"[1,2]",
        b"null",
        b'"message"',
        b'  { "a" : 1 }  ',
        b'{"message":1}x',
        b'{"a":1}{"a":2}',
        b"[" * 5000,
        b'{"value":' + b"9" * 5000 + b"}",
        b'{"deviceID":"d","message":"LoopEdge would never","value":1}',
        b'{"lane":"measurements","value":1}',
    ],
)
def test_whatever_is_no_envelope_goes_out_as_it_stands(tmp_path: Path, line: bytes) -> None:
    """The lake judges messages, this program does not."""
    assert [message.payload for message in read(tmp_path, line + b"\n")] == [line]


def test_line_ends_blank_lines_and_marks_are_not_part_of_messages(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + SAMPLE + b"\r\n\r\n   \n" + SAMPLE
    messages = read(tmp_path, content)
    assert [(message.payload, message.line) for message in messages] == [(SAMPLE, 1), (SAMPLE, 4)]


def test_unicode_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    line = '{"a":"x\u2028y\u0085z\x0b"}'.encode()
    assert [message.payload for message in read(tmp_path, line)] == [line]


@pytest.mark.parametrize(
    ("envelope", "source"),
    [
        (b'{"message":{}}', FIRST),
        (b'{"lane":"configuration","message":{}}', Source("krakow", "line-1", "configuration")),
        (b'{"gateway":"line-2","message":{}}', Source("krakow", "line-2", "measurements")),
        (b'{"factory":"lyon","message":{}}', Source("lyon", "press-shop", "measurements")),
        (
            b'{"message":{},"lane":"configuration","gateway":"press-shop","factory":"lyon"}',
            Source("lyon", "press-shop", "configuration"),
        ),
    ],
)
def test_an_envelope_says_whose_message_it_is(tmp_path: Path, envelope: bytes, source: Source) -> None:
    (message,) = read(tmp_path, envelope)
    assert (message.source, message.payload) == (source, b"{}")


@pytest.mark.parametrize(
    "message",
    [
        b'{"value":1.50,"big":123456789012345678901234567890,"x":1E400}',
        '{ "a" : "\\u00e9 é \\" } ]", "b":[1, {"c":null}] }'.encode(),
        b'{"a":1,"a":2}',
        b'"a text"',
        b"NaN",
        b"1.0",
    ],
)
def test_a_message_in_an_envelope_keeps_its_spelling(tmp_path: Path, message: bytes) -> None:
    envelope = b' { "lane" :"measurements", "message" : ' + message + b" } "
    assert read(tmp_path, envelope)[0].payload == message


@given(payload=st.binary(min_size=1, max_size=50))
def test_any_bytes_fit_into_an_envelope(payload: bytes) -> None:
    envelope = json.dumps({"message_base64": base64.b64encode(payload).decode()}).encode()
    (message,) = read_jsonl(Path("mine.jsonl"), envelope, Defaults(SOURCES))
    assert message.payload == payload


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"message":{},"lanes":"x"}', "an envelope has no key 'lanes', only factory, gateway, lane, message"),
        (b'{"message":{},"message_base64":""}', "either message or message_base64, not both"),
        (b'{"message":{},"message":{}}', "each key only once"),
        (b'{"message_base64":"?"}', "message_base64 must be base64"),
        (b'{"message_base64":7}', "message_base64 must be base64"),
        (b'{"message":{},"lane":"clips"}', "lane must be measurements or configuration, got 'clips'"),
        (b'{"message":{},"gateway":7}', "gateway must be a text"),
        (b'{"message":{},"gateway":"line-9"}', "the lake has no gateway */line-9; it has krakow/line-1"),
        (b'{"message":{},"factory":"lyon","gateway":"line-1"}', "the lake has no gateway lyon/line-1"),
    ],
)
def test_a_wrong_envelope_is_named_by_line_and_rule(tmp_path: Path, line: bytes, complaint: str) -> None:
    error = fails(tmp_path, SAMPLE + b"\n" + line.replace(b"{}", b'{"secret":1}', 1) + b"\n")
    assert error.startswith("2: ")
    assert "secret" not in error
    assert complaint in error


def test_defaults_of_the_user(tmp_path: Path) -> None:
    content = SAMPLE + b'\n{"factory":"krakow","message":{}}\n{"gateway":"line-1","message":{}}\n'
    sources = [message.source for message in read(tmp_path, content, factory="lyon", lane="configuration")]
    assert sources == [
        Source("lyon", "press-shop", "configuration"),
        Source("krakow", "line-1", "configuration"),
        Source("krakow", "line-1", "configuration"),
    ]


def test_a_default_gateway_stays_in_its_factory(tmp_path: Path) -> None:
    sources = [
        message.source
        for message in read(
            tmp_path, SAMPLE + b'\n{"factory":"lyon","message":{}}', factory="krakow", gateway="line-2"
        )
    ]
    assert sources == [Source("krakow", "line-2", "measurements"), Source("lyon", "press-shop", "measurements")]


def test_a_gateway_of_several_factories_needs_its_factory() -> None:
    sources = [Source("krakow", "line-1", "measurements"), Source("lyon", "line-1", "measurements")]
    with pytest.raises(ConfigurationError, match=r"line-1 is in several factories \(krakow, lyon\)"):
        Defaults(sources).source(None, "line-1", None)
    assert Defaults(sources).source("lyon", "line-1", None) == sources[1]


def test_too_large_for_aws_iot(tmp_path: Path) -> None:
    assert len(read(tmp_path, b"x" * MAX_PAYLOAD)[0].payload) == MAX_PAYLOAD
    error = fails(tmp_path, SAMPLE + b"\n" + b"x" * (MAX_PAYLOAD + 1))
    assert error == f"2: a message may have at most {MAX_PAYLOAD} bytes (AWS IoT's limit), has {MAX_PAYLOAD + 1}"


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        (b"", "mine.jsonl", " holds no message"),
        (b"\n\n", "mine.jsonl", " holds no message"),
        (b"timestamp,tag,value\n", "mine.csv", " holds no message"),
        (gzip.compress(SAMPLE, mtime=0), "mine.jsonl.gz", " must be text, is compressed with gzip"),
        (b"x", "mine.xlsx", " must end in .jsonl, .ndjson, .json or .csv, ends in '.xlsx'"),
    ],
)
def test_files_without_messages(tmp_path: Path, content: bytes, name: str, complaint: str) -> None:
    assert fails(tmp_path, content, name) == complaint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read: No such file"):
        read_messages(tmp_path / "none.jsonl", Defaults(SOURCES))


MARKS = {
    "utf-8": "\ufeff".encode(),
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\x00\x00",
    "utf-32-be": b"\x00\x00\xfe\xff",
}


@pytest.mark.parametrize("marked", [True, False], ids=["mark", "no mark"])
@pytest.mark.parametrize("encoding", MARKS)
def test_other_encodings_of_unicode_become_utf8(tmp_path: Path, encoding: str, marked: bool) -> None:
    mark = MARKS[encoding] if marked else b""
    line = '{"tagName":"Füllstand","value":1.50}'
    content = mark + f"{line}\r\n{line}\r\n".encode(encoding)
    for name in ("mine.jsonl", "mine.json"):
        messages = read(tmp_path, content, name)
        assert [(message.payload, message.line) for message in messages] == [(line.encode(), 1), (line.encode(), 2)]
    table = "timestamp,tag,value\n1772600000000,Füllstand,1.50\n"
    (message,) = read(tmp_path, mark + table.encode(encoding), "mine.csv")
    assert json.loads(message.payload)["tagName"] == "Füllstand"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe{\x00}", " must be UTF-8, UTF-16 or UTF-32, begins as UTF-16 and goes on otherwise"),
        # what `>>` of Windows PowerShell does to a file
        (
            SAMPLE + b"\r\n" + SAMPLE.decode().encode("utf-16-le"),
            "2: must be text of one encoding, holds a NUL byte (message_base64 takes any)",
        ),
        (gzip.compress(SAMPLE, mtime=0), " must be text, is compressed with gzip"),
        (b"PK\x03\x04...", " must be text, is a ZIP archive or a workbook"),
    ],
)
@pytest.mark.parametrize("name", ["mine.jsonl", "mine.ndjson", "mine.json", "mine.csv"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, complaint: str, name: str) -> None:
    assert fails(tmp_path, content, name) == complaint


INDENTED = json.dumps(json.loads(SAMPLE), indent=2).encode()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (INDENTED, [1]),
        (INDENTED.replace(b"\n", b"\r\n"), [1]),
        (INDENTED.replace(b"\n", b"\r"), [1]),
        (INDENTED + b"\n\n" + INDENTED + b"\n", [1, 8]),
        (INDENTED + INDENTED, [1, 6]),
        (b"[\n" + SAMPLE + b",\n\n" + SAMPLE + b"\n]\n", [2, 4]),
        (b"[" + SAMPLE + b",\n " + SAMPLE + b"]", [1, 2]),
        (json.dumps([json.loads(SAMPLE)] * 2, indent="\t").encode(), [2, 8]),
    ],
)
@pytest.mark.parametrize("name", ["mine.json", "mine.jsonl", "mine.ndjson"])
def test_documents_over_several_lines_are_one_message_each(
    tmp_path: Path, content: bytes, lines: list[int], name: str
) -> None:
    """Whatever the file is called; each keeps its spelling."""
    messages = read(tmp_path, content, name)
    assert [message.line for message in messages] == lines
    for message in messages:
        assert json.loads(message.payload) == json.loads(SAMPLE)
        assert message.payload in content


@given(
    objects=st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.integers() | st.lists(st.booleans())), min_size=1
    ),
    indent=st.sampled_from([0, 2, "\t"]),
    in_array=st.booleans(),
)
def test_indented_json_is_read_however_it_is_written(
    objects: list[dict[str, object]], indent: int | str, in_array: bool
) -> None:
    content = "\n".join(
        json.dumps(each, indent=indent, ensure_ascii=False) for each in ([objects] if in_array else objects)
    )
    for reader in (read_json, read_jsonl):
        messages = list(reader(Path("mine"), content.encode(), Defaults(SOURCES)))
        assert [json.loads(message.payload) for message in messages] == objects


@pytest.mark.parametrize(
    "content",
    [
        b"[" + SAMPLE + b"," + SAMPLE + b"]",
        SAMPLE + SAMPLE,
        SAMPLE + b"\n" + SAMPLE,
        b" [ ] [" + SAMPLE + b"] " + SAMPLE,
    ],
)
def test_json_is_read_document_by_document(tmp_path: Path, content: bytes) -> None:
    assert [message.payload for message in read(tmp_path, content, "mine.json")] == [SAMPLE, SAMPLE]


def test_elements_of_an_array_may_be_envelopes(tmp_path: Path) -> None:
    content = b'[\n  {"gateway": "line-2", "message": {"value": 1.50}},\n  {"value": 2}\n]'
    assert [(message.source.gateway, message.payload) for message in read(tmp_path, content, "mine.json")] == [
        ("line-2", b'{"value": 1.50}'),
        ("line-1", b'{"value": 2}'),
    ]
    assert fails(tmp_path, content.replace(b"gateway", b"gate"), "mine.json").startswith("2: an envelope has no key")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not JSON", "1: must be JSON: Expecting value"),
        (SAMPLE + b"\n" + b'{"value":', "2: must be JSON: Expecting value"),
        (SAMPLE + b',\n{"value":1},\n', "1: no comma may stand between documents"),
        (b"[" + SAMPLE + b",\n" + SAMPLE, "2: must be JSON: Expecting ',' delimiter"),
        (b"[\n1772600000000,\n21.5]", "2: each message must be a JSON object"),
        (b'"text"', "1: each message must be a JSON object"),
        (b"[" * 100_000, "1: must not be nested so deeply"),
        (b'{"a":"\xff"}', "1: must be UTF-8"),
        (b"[]", " holds no message"),
        (b" \r\n", " holds no message"),
    ],
)
def test_json_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    assert fails(tmp_path, content, "mine.json").startswith(complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (SAMPLE + b",\n" + SAMPLE + b",\n", "1: must be one message a line, or JSON: no comma may stand between"),
        (b"[" + SAMPLE + b",\n" + SAMPLE + b",\n", "3: must be one message a line, or JSON: must be JSON: "),
        (b'{\n  "a": 1,\n  "b": tru\n}\n', "3: must be one message a line, or JSON: must be JSON: "),
        (SAMPLE + b'\n{\n  "a": "\xff"\n}\n', "3: must be one message a line, or JSON: must be UTF-8"),
        (b"[\n1,\n2\n]", "2: each message must be a JSON object"),
    ],
)
def test_pieces_of_documents_are_no_lines(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Each line would be rejected, or worse: taken."""
    assert fails(tmp_path, content).startswith(complaint)


def test_lines_may_end_in_carriage_returns_alone(tmp_path: Path) -> None:
    messages = read(tmp_path, SAMPLE + b"\rnot JSON\r")
    assert [(message.payload, message.line) for message in messages] == [(SAMPLE, 1), (b"not JSON", 2)]
    rows = b"timestamp,tag,value\r1772600000000,t,1\r1772600000001,t,2\r"
    assert [message.line for message in read(tmp_path, rows, "mine.csv")] == [2, 3]


def csv(tmp_path: Path, *rows: str, heading: str = "timestamp,tag,value") -> list[dict[str, object]]:
    content = "\n".join([heading, *rows]).encode()
    return [json.loads(message.payload) for message in read(tmp_path, content, "furnace.csv")]


def test_csv_rows_become_loopedge_messages(tmp_path: Path) -> None:
    (sample,) = csv(tmp_path, "1772600000000,temperature,21.5")
    assert {key: sample[key] for key in sample if key not in ("deviceID", "registerId")} == {
        "datatype": "float64",
        "description": "",
        "deviceName": "furnace",
        "metadata": {},
        "success": True,
        "tagName": "temperature",
        "timestamp": 1772600000000,
        "value": 21.5,
    }


@pytest.mark.parametrize(
    ("cell", "datatype", "spelled"),
    [
        ("21", "int64", "21"),
        ("21.50", "float64", "21.50"),
        ("-1E-7", "float64", "-1E-7"),
        ("18446744073709551617", "int64", "18446744073709551617"),
        ("true", "bool", "true"),
        ("FALSE", "bool", "false"),
        ("0042", "string", '"0042"'),
        ("NaN", "string", '"NaN"'),
        ("1_000", "string", '"1_000"'),
        ("1.2.3", "string", '"1.2.3"'),
        ("E5", "string", '"E5"'),
        ('" x "', "string", '" x "'),
        ("", "float64", "null"),
    ],
)
def test_csv_values_keep_their_digits(tmp_path: Path, cell: str, datatype: str, spelled: str) -> None:
    content = f"timestamp,tag,value\n1772600000000,t,{cell}\n".encode()
    (message,) = read(tmp_path, content, "furnace.csv")
    assert message.payload.decode().endswith(f'"value":{spelled}}}')
    assert json.loads(message.payload)["datatype"] == datatype


@pytest.mark.parametrize(
    ("cell", "milliseconds"),
    [
        ("1772600000000", 1772600000000),
        ("2026-03-04T04:53:20Z", 1772600000000),
        ("2026-03-04T04:53:20", 1772600000000),
        ("2026-03-04 05:53:20.250+01:00", 1772600000250),
        ("2026-03-04", 1772582400000),
        ("1772600000", 1772600000000),
        ("1772600000.5", 1772600000500),
        ("1772600000.123987", 1772600000123),
        ("1772600000123987", 1772600000123),
        ("1772600000123987654", 1772600000123),
    ],
)
def test_csv_timestamps(tmp_path: Path, cell: str, milliseconds: int) -> None:
    assert csv(tmp_path, f"{cell},t,1")[0]["timestamp"] == milliseconds


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_columns_may_be_separated_otherwise(tmp_path: Path, delimiter: str) -> None:
    rows = ("timestamp,tag,value", "1772600000000,t,21.50")
    content = "\n".join(row.replace(",", delimiter) for row in rows).encode()
    (message,) = read(tmp_path, content, "furnace.csv")
    assert json.loads(message.payload)["value"] == 21.5
    decimal_comma = content.replace(b"21.50", b"21,50")
    assert fails(tmp_path, decimal_comma, "furnace.csv").startswith("2: value is a number that JSON spells otherwise")


def test_text_that_looks_like_a_number_is_told_by_its_datatype(tmp_path: Path) -> None:
    (sample,) = csv(tmp_path, '1772600000000,size,"1,5",string', heading="timestamp,tag,value,datatype")
    assert (sample["value"], sample["datatype"]) == ("1,5", "string")


def test_csv_columns_in_any_order_and_optional_ones(tmp_path: Path) -> None:
    content = (
        "value,gateway,factory,device,tag,success,timestamp,description,datatype\n"
        "7,press-shop,lyon,Press 9,strokes,FALSE,1772600000000,Hübe,uint32\n"
        "8,,,,strokes,,1772600000000,,\n"
    ).encode()
    first, second = read(tmp_path, content, "mine.csv")
    assert first.source == Source("lyon", "press-shop", "measurements")
    assert second.source == FIRST
    fields = json.loads(first.payload)
    assert [fields[key] for key in ("deviceName", "success", "description", "datatype")] == [
        "Press 9",
        False,
        "Hübe",
        "uint32",
    ]
    assert json.loads(second.payload)["deviceName"] == "mine"


def test_csv_tags_keep_their_register(tmp_path: Path) -> None:
    one, two, other = csv(tmp_path, "1772600000000,a,1", "1772600000001,a,2", "1772600000001,b,2")
    assert one["registerId"] == two["registerId"] != other["registerId"]
    assert one["deviceID"] == other["deviceID"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("tag,value\n", "1: the heading must name timestamp, tag, value; timestamp is missing"),
        ("timestamp,tag,value,unit\n", "1: the heading has 'unit'; known are timestamp"),
        ("timestamp,tag,value,tag\n", "1: the heading names a column twice"),
        ("timestamp,tag,value\n1772600000000,t\n", "2: the heading has 3 columns, this row 2"),
        (
            "timestamp,tag,value\n1772600000000,t,1\nyesterday,t,1\n",
            "3: timestamp must be epoch seconds (10 digits), milliseconds (13), microseconds (16) or "
            "nanoseconds (19), or ISO 8601, for example 2026-03-04T05:06:07Z",
        ),
        *(
            (f"timestamp,tag,value\n{cell},t,1\n", "2: timestamp must be epoch seconds (10 digits)")
            for cell in (
                "987654321",
                "0987654321",
                "-1772600000000",
                "17726000000",
                "1772600000000.5",
                "1.7726E+12",
                "20260304",
                "20260304050607",
                "46085.2",
                "04.03.2026 05:06",
            )
        ),
        *(
            (f'timestamp,tag,value\n1772600000000,t,"{cell}"\n', "2: value is a number that JSON spells otherwise")
            for cell in ("44,18", "1.234,5", "1,000", "1,234.5", "1 000", "1'000", "+5", ".5", "5.", "-,5", "1,5e3")
        ),
        ("timestamp,tag,value\n1772600000000,,1\n", "2: tag must not be empty"),
        ("timestamp,tag,value,success\n1772600000000,t,1,yes\n", "2: success must be true or false"),
        ("timestamp,tag,value,gateway\n1772600000000,t,1,line-9\n", "2: the lake has no gateway */line-9"),
        ('timestamp,tag,value\n1772600000000,t,"1\n', "2: must be CSV"),
        (b"timestamp,tag,value\n1772600000000,t,1\n1772600000000,F\xfcllstand,1\n", "3: must be UTF-8"),
    ],
)
def test_csv_errors_are_named_by_line_and_rule(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    content = content.encode() if isinstance(content, str) else content
    assert fails(tmp_path, content, "mine.csv").startswith(complaint)


def test_blank_csv_rows_are_passed_over(tmp_path: Path) -> None:
    assert len(csv(tmp_path, "", "1772600000000,t,1", ",,", "1772600000000,t,2")) == 2


def test_the_order_of_each_source_is_kept(tmp_path: Path) -> None:
    content = b"\n".join(b'{"gateway":"line-%d","message":%d}' % (1 + number % 2, number) for number in range(6))
    assert by_source(read(tmp_path, content)) == {
        Source("krakow", "line-1", "measurements"): [b"0", b"2", b"4"],
        Source("krakow", "line-2", "measurements"): [b"1", b"3", b"5"],
    }
