"""Amazon SNS: to a topic, a telephone or an endpoint, by requests signed with version 4."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from yarl import URL

from pharos.notify.channels.calling import LATER, Call, Caller, Means, group_hash, taken
from pharos.notify.channels.sigv4 import Credentials, signed_headers
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, cut_bytes, one_line
from pharos.outbound import Reply

_VERSION: Final = "2010-03-31"
_TOPIC_BYTES: Final = 256 * 1024 - 16 * 1024
"""Attributes count too."""
_SMS_BYTES: Final = 1600
_SUBJECT: Final = 100
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
_CODE: Final = re.compile(rb"<Code>([A-Za-z.]{1,80})</Code>")
_TEXT: Final = re.compile(rb"<Message>([^<]{1,200})")
_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottledException", "Throttled", "KMSThrottling", "RequestExpired"}
)


class Sns:
    """Publishes."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        say = Wording(self._means.templates, message)
        fields = await built(message, lambda: self._fields(message, say))
        who, region = self._signer(fields.get("TopicArn", "") or fields.get("TargetArn", ""))
        url = URL(
            say.exact(self._values.text("api_url"), "api_url") or f"https://sns.{region}.amazonaws.com/"
        )
        body = urlencode(sorted(fields.items())).encode()
        headers = signed_headers(
            who, region, "sns", url, body, content_type=_FORM, now_ms=self._means.clock.now_ms()
        )
        try:
            reply = await self._caller.call(
                Call(str(url), body, content_type=_FORM, headers=headers, later=LATER, detail=_said)
            )
        except NotSentError as exc:
            if any(code in exc.reason for code in _THROTTLED):
                raise NotSentError(exc.reason, may_retry=True, retry_after_s=exc.retry_after_s) from None
            raise
        return Sent(taken(reply))

    def _signer(self, arn: str) -> tuple[Credentials, str]:
        part = self._values.part("sigv4")
        if part.has("role_arn") or not part.has("access_key"):
            raise NotSentError(
                "sigv4 needs access_key and secret_key; roles and profiles are not taken", may_retry=False
            )
        places = arn.split(":")
        region = part.text("region") or (places[3] if len(places) > 3 else "")
        if not re.fullmatch(r"[a-z0-9-]{1,40}", region):
            raise NotSentError("sigv4 names no region, and the ARN has none", may_retry=False)
        return Credentials(part.text("access_key"), part.secret("secret_key")), region

    def _fields(self, message: Message, say: Wording) -> dict[str, str]:
        values = self._values
        fields = {"Action": "Publish", "Version": _VERSION}
        to = {"TopicArn": "topic_arn", "PhoneNumber": "phone_number", "TargetArn": "target_arn"}
        for name, given in to.items():
            if found := say.exact(values.text(given), given):
                fields[name] = found
        whole = say.text(values.text("message")) or "(no details)"
        is_sms = "PhoneNumber" in fields
        fields["Message"] = cut_bytes(whole, _SMS_BYTES if is_sms else _TOPIC_BYTES)
        if subject := one_line(say.text(values.text("subject"))):
            # Subjects are ASCII, and start with a letter, digit or sign.
            fields["Subject"] = subject.encode("ascii", "replace").decode()[:_SUBJECT]
        attributes = {name: say.text(str(one)) for name, one in values.pairs("attributes").items()}
        if fields["Message"] != whole:
            attributes["truncated"] = "true"
        for number, (name, one) in enumerate(sorted(attributes.items()), 1):
            entry = f"MessageAttributes.entry.{number}"
            fields[f"{entry}.Name"] = name
            fields[f"{entry}.Value.DataType"] = "String"
            fields[f"{entry}.Value.StringValue"] = cut(one, 1000) or "-"
        if fields.get("TopicArn", "").endswith(".fifo"):
            fields["MessageGroupId"] = group_hash(message)
            fields["MessageDeduplicationId"] = re.sub(r"[^A-Za-z0-9_-]", "_", message.key)[:128]
        return fields


def _said(reply: Reply) -> str:
    code, text = _CODE.search(reply.body), _TEXT.search(reply.body)
    parts = [found[1].decode(errors="replace") for found in (code, text) if found is not None]
    return one_line(": ".join(parts))
