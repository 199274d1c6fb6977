"""The built page: what a browser is told with it to fetch beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from pharos.api.http import page as pages

BROWSER = Headers({"accept": "text/html"})


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    (tmp_path / "index.html").write_text("<html></html>")
    beside = {"/": ["/home.js"], "/logs": ["/logs.js", "/table.js"], "/traces/": ["/trace.js"]}
    (tmp_path / "beside.json").write_text(json.dumps(beside))
    return tmp_path


@pytest.mark.parametrize(
    ("path", "links"),
    [
        ("", "</home.js>; rel=modulepreload"),
        ("logs", "</logs.js>; rel=modulepreload, </table.js>; rel=modulepreload"),
        ("traces/0123abc", "</trace.js>; rel=modulepreload"),
        ("traces", None),
        ("logs/other", None),
        ("nowhere", None),
    ],
)
def test_a_page_names_the_scripts_of_its_address(built: Path, path: str, links: str | None) -> None:
    response = pages.page(path, BROWSER)
    assert response.status_code == 200
    assert response.headers.get("link") == links


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_a_page_is_answered_without_what_is_beside_it(built: Path, text: str | None) -> None:
    (built / "beside.json").unlink()
    if text is not None:
        (built / "beside.json").write_text(text)
    response = pages.page("logs", BROWSER)
    assert response.status_code == 200
    assert "link" not in response.headers


def test_every_page_of_the_build_names_scripts_that_are_there() -> None:
    beside = json.loads((pages.STATIC / "beside.json").read_bytes())
    assert {"/", "/explore", "/logs", "/traces", "/traces/", "/d/"} <= beside.keys()
    for files in beside.values():
        assert files
        assert all((pages.STATIC / name.removeprefix("/")).is_file() for name in files)
