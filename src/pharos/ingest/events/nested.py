"""Values that hold others, as text: JSON of arrays and maps, base64 of bytes."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from opentelemetry.proto.common.v1 import common_pb2

from pharos.errors import Kind, PharosError
from pharos.ingest.events.wire import ARRAY, BYTES
from pharos.ingest.signals import Plain

_DEEP: Final = 64
"""So deep may values hold others: what JSON readers take, and protobuf's own limit of messages."""


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEP:
        raise PharosError(Kind.INVALID, f"a value holds others more than {_DEEP} levels deep")
    match value.WhichOneof("value"):
        case "array_value":
            return [_plain(one, depth + 1) for one in value.array_value.values]
        case "kvlist_value":
            return {pair.key: _plain(pair.value, depth + 1) for pair in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value":
            number: float = value.double_value
            # JSON has no word for these.
            return number if math.isfinite(number) else str(number)
        case None:
            return None
        case kind:
            return getattr(value, kind)


def nested_text(content: bytes, kind: int) -> bytes:
    """Return the text of an ArrayValue, a KeyValueList or of bytes. Raises PharosError(INVALID)."""
    if kind == BYTES:
        return base64.b64encode(content)
    try:
        if kind == ARRAY:
            values = common_pb2.ArrayValue.FromString(content).values
            return orjson.dumps([_plain(value, 1) for value in values])
        pairs = common_pb2.KeyValueList.FromString(content).values
        return orjson.dumps({pair.key: _plain(pair.value, 1) for pair in pairs})
    except DecodeError as exc:
        raise PharosError(Kind.INVALID, "a value is cut off, corrupt or too deep") from exc


def nested_texts(body: Plain, spans: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the texts of values, one behind the other, and where each ends.

    `spans` has rows of start, stop and kind. Raises PharosError(INVALID) for one that cannot be read.
    """
    texts: Sequence[bytes] = [
        nested_text(bytes(body[start:stop]), kind) for start, stop, kind in spans.tolist()
    ]
    ends = np.cumsum([len(one) for one in texts], dtype=np.int64)
    joined = b"".join(texts) or b"\0"
    return np.frombuffer(joined, np.uint8), ends if texts else np.zeros(1, np.int64)
