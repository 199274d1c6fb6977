"""What a request of OTLP metrics may take in memory, and what is remembered of those before it."""

from __future__ import annotations

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.ingest.frames import BODY_MAX_BYTES


class OtlpLimits(Struct, frozen=True):
    """Beyond these a request is refused; only what is remembered is forgotten instead."""

    messages: int = 2_000_000
    """Messages and attributes of a request: each takes up to a hundred times its bytes in memory."""
    body_bytes: int = BODY_MAX_BYTES
    """The remote write request that it becomes."""
    learned_bytes: int = 128 << 20
    """The labels of a request's new series."""
    remembered_bytes: int = 64 << 20
    """The labels of all series that are remembered when a request begins."""

    def too_many(self) -> PharosError:
        """Return the error of a request of more messages."""
        return too_many(self.messages)

    def too_long(self) -> PharosError:
        """Return the error of a request that becomes too long a body."""
        return PharosError(
            Kind.TOO_LARGE,
            f"the request's samples take more than {self.body_bytes >> 20} MiB with their labels",
            hint="send fewer data points in a request",
        )

    def too_much_text(self) -> PharosError:
        """Return the error of a request whose series have too long labels."""
        return PharosError(
            Kind.TOO_LARGE,
            f"the labels of the request's series take more than {self.learned_bytes >> 20} MiB",
            hint="send fewer data points in a request",
        )


def too_many(most: int) -> PharosError:
    """Return the error of a request of more messages than `most`."""
    return PharosError(
        Kind.TOO_LARGE,
        f"the request has more than {most} messages and attributes",
        hint="send fewer data points in a request",
    )
