"""Doors beside the HTTP port: OTLP's own addresses, listeners of log lines, files that are followed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    Field,
    SecretStr,
    model_validator,
)

from pharos.config.written import (
    Address,
    DurationMs,
    FileParser,
    OwnPort,
    Pattern,
    Section,
    SizeBytes,
    TenantName,
    ZoneName,
    at_least_bytes,
    fault_text,
    is_loopback,
    split_address,
)


class Otlp(Section):
    """Where OTLP is taken beside the main address, by whom may write there too.

    `auto` is the standard port on loopback where it is free; `off` is nowhere.
    """

    grpc: OwnPort = Field(
        default="auto", description="Address for gRPC; `auto` is 127.0.0.1:4317 where it is free, or `off`."
    )
    http: OwnPort = Field(
        default="auto", description="Address for HTTP; `auto` is 127.0.0.1:4318 where it is free, or `off`."
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are named."""
        return tuple(one for one in (self.grpc, self.http) if one not in {"auto", "off"})


class Listener(Section):
    """A listener for log lines that is no HTTP."""

    tenant: TenantName = Field(
        default="default", description="The tenant whose lines these are: senders cannot name one."
    )
    insecure: bool = Field(
        default=False,
        description="Let everybody who reaches the address send, also from beyond loopback, where neither a"
        " key nor certificates of clients keep strangers out.",
    )


class Syslog(Listener):
    """Taking syslog messages (RFC 5424 and 3164); nothing listens unless an address is given."""

    tcp: Address | None = Field(default=None, description="Address for TCP, such as 127.0.0.1:5514.")
    udp: Address | None = Field(default=None, description="Address for UDP.")
    tls: Address | None = Field(default=None, description="Address for TLS, with the files of section tls.")
    zone: ZoneName = Field(
        default="UTC", description="The time zone of times without an offset, such as Europe/Berlin."
    )
    max_line: Annotated[SizeBytes, at_least_bytes("1KB")] = Field(
        default=1 << 20, description="What is kept of a message, 1KB at least; the rest is cut off."
    )

    @model_validator(mode="after")
    def _is_fenced(self) -> Self:
        for address in (self.tcp, self.udp):
            check_fence(address, is_fenced=self.insecure)
        return self


class Forward(Listener):
    """Taking what Fluentd and Fluent Bit forward; nothing listens unless an address is given."""

    listen: Address | None = Field(
        default=None, description="Address for TCP, and UDP for heartbeats, such as 127.0.0.1:24224."
    )
    tls: bool = Field(default=False, description="Whether TLS is spoken, with the files of section tls.")
    shared_key: SecretStr | None = Field(default=None, description="What senders must know.")
    shared_key_file: Path | None = Field(default=None, description="The file with it, instead of it.")

    @model_validator(mode="after")
    def _is_fenced(self) -> Self:
        if self.shared_key is not None and self.shared_key_file is not None:
            raise fault_text("shared_key and shared_key_file are two ways to say one thing; leave one out")
        has_key = self.shared_key is not None or self.shared_key_file is not None
        check_fence(self.listen, is_fenced=self.insecure or has_key)
        return self


def check_fence(address: str | None, *, is_fenced: bool) -> None:
    """Refuse an address that others reach where nothing keeps strangers out."""
    if address is not None and not is_fenced and not is_loopback(split_address(address)[0]):
        raise fault_text(
            f"{address} is reached by others, who are not asked who they are; `insecure: true` allows it"
        )


class FileSource(Section):
    """Files whose lines are taken as they are written."""

    paths: tuple[str, ...] = Field(
        min_length=1, description="Files by patterns, such as /var/log/*.log; `**` is any folders."
    )
    exclude: tuple[str, ...] = Field(default=(), description="Patterns of files that are left out.")
    parser: FileParser = Field(
        default="text",
        description="How lines are read: text, json, docker, cri; and what joins those that belong together:"
        " java, python, go or ruby; several with + between them, such as cri+java.",
    )
    start: Pattern = Field(
        default="",
        description="A regular expression that the first line of a record matches; others belong to the one"
        " before.",
    )
    attributes: dict[str, str] = Field(
        default={}, description="Attributes of all lines, such as {service.name: shop}."
    )
    tenant: TenantName = Field(default="default", description="The tenant whose lines these are.")
    oldest: DurationMs = Field(
        default=30 * 86_400_000,
        description="Lines whose own time is older have the time at which they were read, and theirs as the"
        " attribute log.time; 0 keeps every time.",
    )
    from_start: bool = Field(
        default=True,
        description="Whether files that are there at the first start are read from their beginning.",
    )
    max_line: Annotated[SizeBytes, at_least_bytes("1KB")] = Field(
        default=1 << 20, description="What is kept of a record, 1KB at least; the rest is cut off."
    )


class Tls(Section):
    """Serving over TLS; the files are read again when they change."""

    cert: Path | None = Field(default=None, description="The certificate and those above it, as PEM.")
    key: Path | None = Field(default=None, description="Its private key, as PEM.")
    client_ca: Path | None = Field(
        default=None, description="Clients must show a certificate that one of these authorities signed."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.cert is None) != (self.key is None) or (self.client_ca is not None and self.cert is None):
            raise fault_text("cert and key belong together, and client_ca needs both")
        return self
