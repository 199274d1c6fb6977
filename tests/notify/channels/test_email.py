"""E-mail against a real mail server: TLS, logging in, refusals, threads, and headers that stay whole."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.notify.channels.opening import opened
from tests.notify.fakes.smtp import Mails, certificate, mailing
from tests.notify.fakes.templates import FakeTemplates
from tests.notify.messages import message_of

from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.outbound import SecretText, TlsOptions
from pharos.secret import Secret


def values(mails: Mails, **more: Any) -> dict[str, Any]:
    return {
        "to": "a@example.com",
        "from": "Pharos <pharos@example.org>",
        "smarthost": mails.address,
        "require_tls": False,
        "html": "<p>{{ .CommonAnnotations.summary }}</p>",
        "headers": {"Subject": "{{ .CommonAnnotations.summary }}"},
        **more,
    }


async def sent(given: dict[str, Any], message: Message | None = None, **how: Any) -> Sent:
    async with opened("email", given, **how) as channel:
        return await channel.send(message or message_of())


async def refused(given: dict[str, Any], message: Message | None = None, **how: Any) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        await sent(given, message, **how)
    return caught.value


async def test_a_letter_has_text_and_html() -> None:
    async with mailing() as mails:
        found = await sent(values(mails))
    sender, to, _ = mails.taken[0]
    assert (sender, to) == ("pharos@example.org", ["a@example.com"])
    letter = mails.letter()
    assert letter["Subject"] == "Disk of db-1 is full"
    assert letter["From"] == "Pharos <pharos@example.org>"
    assert letter["X-Priority"] == "1"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "FIRING  DiskFull" in text.get_content()
    assert "Acknowledge: http://pharos:8080/api/alerting/links/tok1" in text.get_content()
    assert html.get_content().strip() == "<p>Disk of db-1 is full</p>"
    assert found.answer == "OK queued as 1"
    assert found.thread == {"first": letter["Message-ID"], "last": letter["Message-ID"]}


async def test_letters_of_a_group_stand_in_one_thread() -> None:
    async with mailing() as mails:
        first = await sent(values(mails))
        second = await sent(values(mails), message_of({"key": "m2", "thread": dict(first.thread)}))
        again = await sent(values(mails), message_of({"key": "m2", "thread": dict(first.thread)}))
        await sent(values(mails), message_of({"key": "m3", "group_key": "other"}))
    one, two, two_again, other = (mails.letter(number) for number in range(4))
    root = one["References"]
    assert two["References"] == f"{root} {one['Message-ID']}"
    assert two["In-Reply-To"] == one["Message-ID"]
    assert two["Message-ID"] == two_again["Message-ID"] != one["Message-ID"]
    assert other["References"] != root
    assert second.thread == again.thread == {"first": one["Message-ID"], "last": two["Message-ID"]}


async def test_threads_end_with_the_day_where_the_settings_say_so() -> None:
    daily = {"threading": {"enabled": True, "thread_by_date": "daily"}}
    day_ms = 86_400_000
    async with mailing() as mails:
        first = await sent(values(mails, **daily))
        later = {"key": "m2", "thread": dict(first.thread), "now_ms": message_of().now_ms + day_ms}
        second = await sent(values(mails, **daily), message_of(later))
    assert mails.letter(1)["References"].split()[0] != mails.letter(0)["References"].split()[0]
    assert second.thread["first"] == second.thread["last"]


async def test_nothing_breaks_out_of_a_header() -> None:
    hostile = "full\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u2028\ud800"
    alert = {"labels": {"alertname": "A\nX: y", "severity": "info"}, "annotations": {"summary": hostile}}
    headers = {
        "Subject": "{{ .CommonAnnotations.summary }}",
        "X-Own": "{{ .CommonAnnotations.summary }}",
        "Content-Type": "text/evil",
        "Bad Name": "x",
    }
    async with mailing() as mails:
        await sent(values(mails, headers=headers), message_of({"alerts": [alert]}))
    assert mails.taken[0][1] == ["a@example.com"]
    letter = mails.letter()
    assert letter["Bcc"] is None
    assert letter["Subject"].startswith("full Bcc: victim@example.com <script>")
    assert letter["X-Own"].startswith("full Bcc:")
    assert letter.get_content_type() == "multipart/alternative"
    html = letter.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


@pytest.mark.parametrize("to", ["", "nobody", "a@b\r\nRCPT TO:<x@y>", "a b@c.d", "@x.y", "é@x.y", "a@-"])
async def test_what_is_no_address_is_refused(to: str) -> None:
    async with mailing() as mails:
        error = await refused(values(mails, to=to))
        assert not error.may_retry
        assert not mails.taken


async def test_an_address_may_come_from_a_label() -> None:
    alert = {"labels": {"alertname": "A", "owner": "Ann <ann@bücher.example>, b@example.com"}}
    async with mailing() as mails:
        await sent(values(mails, to="{{ .CommonLabels.owner }}"), message_of({"alerts": [alert]}))
    assert mails.taken[0][1] == ["ann@xn--bcher-kva.example", "b@example.com"]


async def test_who_refuses_for_now_is_tried_again_alone() -> None:
    async with mailing() as mails:
        mails.refused = {"b@example.com": "450 later"}
        given = values(mails, to="a@example.com, b@example.com")
        async with opened("email", given) as channel:
            with pytest.raises(NotSentError, match="1 of 2 addresses refused: 450") as caught:
                await channel.send(message_of())
            assert caught.value.may_retry
            mails.refused = {}
            await channel.send(message_of())
    assert [to for _, to, _ in mails.taken] == [["a@example.com"], ["b@example.com"]]


async def test_who_refuses_for_good_keeps_nobody_else_from_being_told() -> None:
    async with mailing() as mails:
        mails.refused = {"b@example.com": "550 nobody"}
        found = await sent(values(mails, to="a@example.com, b@example.com"))
        assert found.answer.endswith("1 of 2 addresses refused: 550")
        error = await refused(values(mails, to="b@example.com"))
        assert not error.may_retry


@pytest.mark.parametrize(
    ("answer", "may_retry"), [("451 disk", True), ("552 too large", False), ("421 bye", True)]
)
async def test_codes_mean_later_or_never(answer: str, may_retry: bool) -> None:
    async with mailing() as mails:
        mails.data_answer = answer
        error = await refused(values(mails))
        assert error.may_retry is may_retry
        assert answer[:3] in error.reason


async def test_a_server_that_is_not_there_or_silent_is_tried_again() -> None:
    async with mailing() as mails:
        mails.hangs = True
        assert (await refused(values(mails, timeout=200))).may_retry
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        mails.address = f"127.0.0.1:{nobody.getsockname()[1]}"
        error = await refused(values(mails))
    assert error.may_retry
    assert "connection refused" in error.reason


@pytest.mark.parametrize("is_implicit", [False, True])
async def test_tls_and_a_login(tmp_path: Path, is_implicit: bool) -> None:
    context = certificate(tmp_path)
    trusted = TlsOptions(ca_path=str(tmp_path / "cert.pem"))
    login = {"auth_username": "u", "auth_password": SecretText(inline=Secret("right")), "tls_config": trusted}
    how: Any = {"implicit": context} if is_implicit else {"starttls": context, "needs_login": True}
    async with mailing(**how) as mails:
        given = values(mails, **login, require_tls=True, force_implicit_tls=is_implicit)
        await sent(given)
        assert len(mails.taken) == 1
        error = await refused({**given, "tls_config": TlsOptions()})
        assert error.may_retry
        if not is_implicit:
            assert mails.logins[0][1:] == ("u", "right")
            wrong = SecretText(inline=Secret("canary-wrong"))
            error = await refused({**given, "auth_password": wrong})
            assert not error.may_retry
            assert "535" in error.reason
            assert "canary" not in error.reason


async def test_a_server_without_tls_is_refused_where_tls_is_required() -> None:
    async with mailing() as mails:
        error = await refused(values(mails, require_tls=True))
        assert "offers no STARTTLS" in error.reason
        assert not mails.taken


async def test_private_servers_are_not_called_for_a_tenant() -> None:
    async with mailing() as mails:
        for address in (mails.address, mails.address.replace("127.0.0.1", "localhost")):
            error = await refused(values(mails, smarthost=address), allow_private=False)
            assert "private address" in error.reason
            assert not error.may_retry


async def test_templates_that_fail_and_values_of_a_megabyte_keep_nobody_from_being_told() -> None:
    huge = {"labels": {"alertname": "A", "l": "x" * 1_000_000}, "annotations": {"summary": "y" * 1_000_000}}
    async with mailing() as mails:
        given = values(mails, html="{{ fail }}", text="{{ fail }}", headers={"Subject": "{{ fail }}"})
        await sent(given, message_of({"alerts": [huge] * 10}), templates=FakeTemplates())
    assert len(mails.taken[0][2]) < 2_000_000
    assert "[FIRING:10] DiskFull" in mails.letter()["Subject"]


async def test_a_picture_of_what_fires_stands_at_the_end_and_of_what_is_over_none() -> None:
    fires = message_of()
    fires = replace(fires, links=replace(fires.links, picture="https://pharos/api/pictures/link/a?b=1&c=2"))
    given = {"html": "<html><body><p>x</p></body></html>"}
    async with mailing() as mails:
        await sent(values(mails, **given), fires)
        await sent(values(mails, **given), replace(fires, key="k2", status=Status.RESOLVED))
        first, second = mails.letter(0), mails.letter(1)
    for letter, count in ((first, 1), (second, 0)):
        html = letter.get_body(("html",))
        assert html is not None
        text = html.get_content()
        assert text.count('<img src="https://pharos/api/pictures/link/a?b=1&amp;c=2"') == count
        assert text.strip().endswith("</body></html>")
