"""What every channel that calls by HTTP owes: one suite, over all of them."""

from __future__ import annotations

import copy
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from tests.notify.channels.opening import opened, settings_of
from tests.notify.fakes.receiver import Answer, Receiver, receiving
from tests.notify.messages import message_of

from pharos.errors import PharosError
from pharos.notify.channels import CHANNELS
from pharos.notify.message import Message, NotSentError, Sent
from pharos.outbound import SecretText

KINDS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("kinds.yaml").read_text())
STATUSES = [*range(200, 207), *range(300, 308), 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413]
STATUSES += [415, 418, 421, 422, 425, 426, 429, 431, 451, *range(500, 509), 510, 511, 520, 529, 599]
LATER = {408, 429}
NO_BODY = {204, 205, 304}

pytestmark = pytest.mark.parametrize(
    "case", KINDS, ids=[f"{one['kind']}{number}" for number, one in enumerate(KINDS)]
)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


def taking(case: dict[str, Any]) -> Answer:
    taken = case.get("taken", {})
    return Answer(taken.get("status", 200), taken.get("body", "").encode(), dict(taken.get("headers", {})))


async def sent(case: dict[str, Any], url: str, message: Message | None = None, **how: Any) -> Sent:
    values = settings_of(copy.deepcopy(case["values"]), url)
    async with opened(case["kind"], values, **how) as channel:
        return await channel.send(message or message_of(case.get("message")))


async def refused(case: dict[str, Any], url: str, message: Message | None = None, **how: Any) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        await sent(case, url, message, **how)
    for secret in case.get("secrets", []):
        assert secret not in caught.value.reason
    return caught.value


async def test_a_message_is_told(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(taking(case))
    found = await sent(case, receiver.url)
    assert len(receiver.taken) == case.get("requests", 1)
    assert found.answer
    for secret in case.get("secrets", []):
        assert secret not in found.answer
    assert receiver.taken[0].headers["User-Agent"] == "pharos-test"


async def test_a_resolve_is_told(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(taking(case))
    resolved = [{"labels": {"alertname": "DiskFull"}, "status": "resolved"}]
    # Who was told of the beginning, as the thread says.
    told = {"alerts": resolved, "thread": {"pharos.told": "1"}}
    await sent(case, receiver.url, message_of(told))
    assert receiver.taken


async def test_each_status_means_taken_later_or_never(case: dict[str, Any], receiver: Receiver) -> None:
    for status in STATUSES:
        answer = taking(case)
        answer.status = status
        if status in NO_BODY:
            answer.body = b""
        receiver.will(answer)
        if status < 300 and not (case.get("needs_body") and status in NO_BODY):
            await sent(case, receiver.url)
            continue
        error = await refused(case, receiver.url)
        if status >= 300:
            assert str(status) in error.reason
            assert error.may_retry == (status >= 500 or status in LATER | set(case.get("later", [])))


async def test_how_long_to_wait_is_taken_from_the_answer(case: dict[str, Any], receiver: Receiver) -> None:
    for text, seconds in (("17", 17.0), ("Tue, 14 Nov 2023 22:15:30 GMT", 70.0), ("soon", None)):
        receiver.will(Answer(429, headers={"Retry-After": text}))
        error = await refused(case, receiver.url)
        assert error.may_retry
        assert error.retry_after_s == seconds


async def test_who_is_not_there_is_tried_again(case: dict[str, Any]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        error = await refused(case, f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert error.may_retry


async def test_a_connection_closed_without_an_answer_is_tried_again(
    case: dict[str, Any], receiver: Receiver
) -> None:
    receiver.will(Answer(closes=True))
    assert (await refused(case, receiver.url)).may_retry


async def test_who_does_not_answer_in_time_is_tried_again(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(Answer(hangs=True))
    hurried = {**case, "values": {**case["values"], "timeout": 100}}
    error = await refused(hurried, receiver.url)
    assert error.may_retry
    assert "0.1s" in error.reason


async def test_an_endless_refusal_is_cut(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(Answer(400, b"no " * 100_000, trickles=True))
    error = await refused(case, receiver.url)
    assert not error.may_retry
    assert len(error.reason) < 600


async def test_secrets_in_an_answer_are_not_told(case: dict[str, Any], receiver: Receiver) -> None:
    said = f"no: {' '.join(case.get('secrets', []))} at {receiver.url}/hook/canary-path-secret".encode()
    receiver.will(Answer(400, said))
    await refused(case, receiver.url)


async def test_values_of_a_megabyte_are_told(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(taking(case))
    huge = {
        "labels": {"alertname": "Huge", "l": "x\U0001f468‍\U0001f469‍\U0001f467" * 200_000},
        "annotations": {
            "summary": "y" * 1_000_000,
            "description": "\ud800<!channel>\r\nBcc: all@example.com",
        },
    }
    await sent(case, receiver.url, message_of({"alerts": [huge] * 20}))
    assert receiver.taken
    assert all(len(one.body) <= 8 << 20 for one in receiver.taken)


async def test_a_group_of_many_alerts_is_told(case: dict[str, Any], receiver: Receiver) -> None:
    receiver.will(taking(case))
    many = [{"labels": {"alertname": "A", "instance": f"host-{number}"}} for number in range(500)]
    await sent(case, receiver.url, message_of({"alerts": many}))
    assert len(receiver.taken) == case.get("requests", 1)


async def test_failing_templates_keep_nobody_from_being_told(
    case: dict[str, Any], receiver: Receiver
) -> None:
    receiver.will(taking(case))
    if not case.get("content"):
        return
    content = dict.fromkeys(case.get("content", []), "{{ fail }}")
    await sent({**case, "values": {**case["values"], **content}}, receiver.url)
    assert any(b"the template failed" in one.body for one in receiver.taken)


async def test_private_addresses_are_not_called_for_a_tenant(
    case: dict[str, Any], receiver: Receiver
) -> None:
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
        error = await refused(case, url, allow_private=False)
        assert "private address" in error.reason
    assert not receiver.taken


async def test_files_of_the_server_are_not_read_for_a_tenant(case: dict[str, Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    for given in ({"url_file": str(secret)}, {"x": {"token": SecretText(path=str(secret))}}):
        with pytest.raises(PharosError, match="file of the server"):
            async with opened(case["kind"], {**case["values"], **given}, allow_private=False):
                pass


def test_all_channels_that_call_are_under_contract(case: dict[str, Any]) -> None:
    assert case["kind"] in CHANNELS
