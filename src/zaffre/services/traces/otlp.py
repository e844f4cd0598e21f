"""Spans as OpenTelemetry sends them (OTLP over HTTP, protocol buffers or JSON), and the form in which they are kept.

A body is the span's own protocol buffer, zstd-compressed: it comes back as it was sent. The library that reads them is
loaded with the first span: most servers never see one.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from zaffre.base.errors import InvalidRequest, TooLarge
from zaffre.base.limits import TRACKING_REQUEST_BYTES
from zaffre.store.traces import SpanRecord

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SPAN_TYPE, REQUEST_ID = "mlflow.spanType", "mlflow.traceRequestId"
_STATUS = ("UNSET", "OK", "ERROR")
_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Received:
    """A span of a request. `trace` is MLflow's trace_id; `attributes` are plain values; times are nanoseconds."""

    trace: str
    record: SpanRecord
    ended_ns: int
    attributes: dict[str, Any]

    @property
    def is_root(self) -> bool:
        return self.record.parent is None


def parse(body: bytes, content_type: str, encoding: str = "") -> list[Received]:
    """The spans of an ExportTraceServiceRequest. Raises `InvalidRequest`."""
    from google.protobuf.json_format import ParseDict, ParseError
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (PROTOBUF, JSON):
        raise _wrong(f"Invalid Content-Type: {content_type[:100]!r}. Expected: {PROTOBUF} or {JSON}")
    plain = _decompressed(body, encoding.strip().lower())
    request = ExportTraceServiceRequest()
    try:
        if kind == PROTOBUF:
            request.ParseFromString(plain)
        else:
            ParseDict(_with_base64_ids(orjson.loads(plain)), request, ignore_unknown_fields=True)
        return [_received(span) for group in request.resource_spans for scope in group.scope_spans
                for span in scope.spans]  # fmt: skip
    except (DecodeError, ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _wrong(f"Invalid OpenTelemetry format: {str(error)[:200]}") from None


def _decompressed(body: bytes, encoding: str) -> bytes:
    """No more than a request may have: what expands beyond it is refused before it is held."""
    if encoding in ("", "identity"):
        return body
    try:
        if encoding == "gzip":
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                plain = file.read(TRACKING_REQUEST_BYTES + 1)
        elif encoding == "deflate":
            plain = zlib.decompressobj().decompress(body, TRACKING_REQUEST_BYTES + 1)
        else:
            raise _wrong(f"Invalid Content-Encoding: {encoding[:100]!r}. Expected: gzip or deflate")
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(f"Invalid OpenTelemetry format: the body is not {encoding}: {error}") from None
    if len(plain) > TRACKING_REQUEST_BYTES:
        raise TooLarge(f"the request expands to more than {TRACKING_REQUEST_BYTES} bytes", hint="send it in parts")
    return plain


def _with_base64_ids(request: Any) -> Any:
    """OTLP writes ids in hexadecimal where the JSON form of protocol buffers has base64."""
    for group in request.get("resourceSpans", ()):
        for scope in group.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                for name in _IDS:
                    if given := span.get(name):
                        span[name] = base64.b64encode(binascii.unhexlify(given)).decode()
    return request


def _received(span: Any) -> Received:
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
        raise ValueError("a span has a trace_id of 16 bytes, a span_id and perhaps a parent_span_id of 8 bytes")
    if max(span.start_time_unix_nano, span.end_time_unix_nano) >= 2**63:
        raise ValueError("a time is beyond the year 2262")
    if "\0" in span.name:
        raise ValueError("the name of a span holds a NUL character")
    attributes = {item.key: _plain(item.value) for item in span.attributes}
    type_ = attributes.get(SPAN_TYPE)
    record = SpanRecord(
        span.span_id.hex(), span.parent_span_id.hex() or None, span.name,
        type_ if isinstance(type_, str) else None,
        _status(span),
        span.start_time_unix_nano, zstandard.ZstdCompressor(level=3).compress(span.SerializeToString()),
    )  # fmt: skip
    return Received(f"tr-{span.trace_id.hex()}", record, span.end_time_unix_nano, attributes)


def _status(span: Any) -> str:
    code = int(span.status.code)
    return _STATUS[code] if 0 <= code < len(_STATUS) else _STATUS[0]


def _plain(value: Any) -> Any:
    """The value of an attribute."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _plain(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case kind:
            return getattr(value, kind)


def spans(records: list[SpanRecord]) -> Iterator[Any]:
    """The protocol buffers of kept spans."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    unpack = zstandard.ZstdDecompressor()
    for record in records:
        yield Span.FromString(unpack.decompress(record.body))


def shown(records: list[SpanRecord]) -> list[dict[str, Any]]:
    """Spans in the JSON form of protocol buffers, as MLflow's API gives them."""
    from google.protobuf.json_format import MessageToDict

    return [MessageToDict(span, preserving_proto_field_name=True) for span in spans(records)]


def file_of(trace: str, records: list[SpanRecord]) -> bytes:
    """The spans as clients before 3.4 write and read them: a file `traces.json` among the artifacts of the trace."""
    from google.protobuf.json_format import MessageToDict

    kept = []
    for span in spans(records):
        held = {item.key: _plain(item.value) for item in span.attributes} | {REQUEST_ID: trace}
        shown = MessageToDict(span, preserving_proto_field_name=True)
        shown |= {
            "parent_span_id": shown.get("parent_span_id", ""),
            "start_time_unix_nano": span.start_time_unix_nano,
            "end_time_unix_nano": span.end_time_unix_nano or None,
            "status": {"code": f"STATUS_CODE_{_status(span)}", "message": span.status.message},
            "attributes": {key: orjson.dumps(value, default=str).decode() for key, value in held.items()},
            "events": [
                {"name": event.name, "time_unix_nano": event.time_unix_nano,
                 "attributes": {item.key: _plain(item.value) for item in event.attributes}}
                for event in span.events
            ],
        }  # fmt: skip
        kept.append(shown)
    return orjson.dumps({"spans": kept}, default=str)


def attributes_of(records: list[SpanRecord]) -> list[dict[str, Any]]:
    """The attributes of each span."""
    return [{item.key: _plain(item.value) for item in span.attributes} for span in spans(records)]


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="InvalidSpans", hint="https://opentelemetry.io/docs/specs/otlp/#otlphttp")
