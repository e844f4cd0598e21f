"""What travels on the socket between gateway and worker.

A frame is a head of 15 bytes (little-endian: length of what follows the head, number of the request, kind, extra) and
a payload. The gateway numbers its requests; an answer carries the number. `extra` of an answer is how many requests
were scored together. A payload with a head of its own begins with its length (4 bytes) and that much JSON.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEAD = struct.Struct("<IQBH")
LENGTH = struct.Struct("<I")
STATUS = struct.Struct("<H")

# what is asked
SCORE = 0  # payload: a JSON body, posted to the scoring address
HTTP = 1  # payload: head {method, path, query, headers}, body
INVOCATIONS = 2  # payload: a JSON body in a form of MLflow
INFER = 3  # payload: head {model, binary: bytes of JSON before the tensors, or null}, body of Open Inference v2

# what is answered
HELLO = 16  # payload: JSON; the first frame on a connection, once the model is loaded
JSON = 17  # payload: a JSON body
FULL = 18  # payload: head {status, headers}, body
ERROR = 19  # payload: status (2 bytes), JSON {code, message}


def frame(number: int, kind: int, payload: bytes, extra: int = 0) -> bytes:
    return HEAD.pack(len(payload), number, kind, extra) + payload


def with_head(head: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(head).encode()
    return LENGTH.pack(len(text)) + text + body


def split_head(payload: bytes) -> tuple[dict[str, Any], bytes]:
    """Raises ValueError for a payload that is not one."""
    size = LENGTH.unpack_from(payload)[0]
    return json.loads(payload[4 : 4 + size]), payload[4 + size :]
