"""Checks as they are declared: read, refused with the field at fault, secrets hidden and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.document import FaultsError
from pharos.errors import PharosError
from pharos.health.check import HIDDEN, read_check
from pharos.health.files import load_checks
from pharos.health.secrets import with_secrets, without_secrets

CASES = yaml.safe_load((Path(__file__).parent / "cases/documents.yaml").read_text())


@pytest.mark.parametrize("document", CASES["good"], ids=lambda one: str(one["type"]))
def test_a_good_check_is_taken(document: dict[str, Any]) -> None:
    assert read_check(document).name == document["name"]


@pytest.mark.parametrize(("document", "told"), CASES["bad"])
def test_a_fault_names_its_field(document: dict[str, Any], told: str) -> None:
    with pytest.raises(PharosError) as raised:
        read_check(document)
    assert raised.value.message.startswith(f"check: {told}") or told in raised.value.message


def test_a_file_names_every_fault_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "checks.yml"
    path.write_text(
        "checks:\n"
        "- {name: a, type: tcp, host: a, port: 1}\n"
        "- {name: b, type: tcp, host: b}\n"
        "- {name: a, type: icmp, host: a}\n"
        "other: 1\n"
    )
    with pytest.raises(FaultsError) as raised:
        load_checks([str(path)])
    lines = [str(one).removeprefix(str(path)) for one in raised.value.faults]
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5"]
    assert "port: it is missing" in lines[0]
    assert "declared twice" in lines[1]


@pytest.mark.parametrize(
    ("depends", "told"), [("[nobody]", "there is no check nobody"), ("[b]", "depends on itself")]
)
def test_what_depends_on_what_is_not_there_or_in_a_round_is_refused(
    tmp_path: Path, depends: str, told: str
) -> None:
    path = tmp_path / "checks.yml"
    path.write_text(
        f"checks:\n- {{name: a, type: icmp, host: a, depends_on: {depends}}}\n"
        "- {name: b, type: icmp, host: b, depends_on: [a]}\n"
    )
    with pytest.raises(FaultsError) as raised:
        load_checks([str(path)])
    assert told in str(raised.value)


SECRET = {
    "name": "a",
    "type": "http",
    "url": "https://a.example.com/",
    "headers": {"X-Key": "open sesame"},
    "bearer_token": "open sesame",
    "basic_auth": {"username": "me", "password": "open sesame"},
}


def test_secrets_are_shown_to_nobody_and_kept() -> None:
    shown = without_secrets(SECRET)
    assert "open sesame" not in str(shown)
    assert shown["headers"] == {"X-Key": HIDDEN}
    assert with_secrets(shown, SECRET) == SECRET
    assert (
        with_secrets({**shown, "url": "https://a.example.com/other"}, SECRET)["bearer_token"] == "open sesame"
    )


def test_secrets_do_not_go_with_a_check_to_another_address() -> None:
    for url in ("https://evil.example.com/", "http://a.example.com/", "https://a.example.com:444/"):
        with pytest.raises(PharosError, match="another address"):
            with_secrets({**without_secrets(SECRET), "url": url}, SECRET)
    with pytest.raises(PharosError, match="there is no secret yet"):
        with_secrets(without_secrets(SECRET), None)


def test_a_fault_does_not_tell_a_secret() -> None:
    with pytest.raises(PharosError) as raised:
        read_check({**SECRET, "headers": {"X-Key": "open sesame\n"}})
    assert "sesame" not in str(raised.value)
