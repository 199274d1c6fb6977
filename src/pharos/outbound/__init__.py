"""The one outgoing HTTP client: time-outs, bounded retry, no private addresses; odd answers read as Go does.

`client` is the door; `wire` sends, and is loaded for the first request; `framing` makes plain what odd
servers send before a strict parser sees it.
"""

from pharos.http_options import TLS_VERSIONS, HttpOptions, SecretText, TlsOptions
from pharos.outbound.client import Outbound
from pharos.outbound.request import Reply, Request, Retry, is_metadata_address, is_public_address, shown_url

__all__ = (
    "TLS_VERSIONS",
    "HttpOptions",
    "Outbound",
    "Reply",
    "Request",
    "Retry",
    "SecretText",
    "TlsOptions",
    "is_metadata_address",
    "is_public_address",
    "shown_url",
)
