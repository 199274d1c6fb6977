"""`pharos template`: templates tried without a server, as amtool tries them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import Run

DATA = {"receiver": "r", "status": "firing", "alerts": [{"status": "firing", "labels": {"a": "<b>"}}]}


def test_a_template_is_run_over_data_with_files_of_templates(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text(
        '{{ define "x" }}{{ .Receiver }}: {{ range .Alerts }}{{ .Labels.a }}{{ end }}{{ end }}'
    )
    (tmp_path / "data.json").write_text(json.dumps(DATA))
    options = ("--template.glob", str(tmp_path / "*.tmpl"), "--template.data", str(tmp_path / "data.json"))
    text = ("--template.text", '{{ template "x" . }}')
    assert run("template", "render", *options, *text).out == "r: <b>\n"
    assert run("template", "render", *options, *text, "--template.type", "html").out == "r: &lt;b&gt;\n"
    assert json.loads(run("template", "render", *options, *text, "--json").out) == {"output": "r: <b>"}


def test_without_data_there_is_an_example(run: Run) -> None:
    ended = run("template", "render", "--text", '{{ template "slack.default.title" . }}')
    assert ended.out == "[FIRING:1] DiskFull (critical)\n"


def test_what_fails_is_told_with_its_place(run: Run) -> None:
    ended = run("template", "render", "--text", "{{ .Nothing }}")
    assert ended.code == 1
    assert "can't evaluate field Nothing" in ended.err


def test_files_are_checked_and_their_names_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text('{{ define "mine" }}x{{ end }}{{ define "__subject" }}y{{ end }}')
    ended = run("template", "check", str(tmp_path / "*.tmpl"))
    assert ended.out.splitlines() == ["__subject (replaces the default)", "a.tmpl", "mine"]
    (tmp_path / "b.tmpl").write_text("{{ if }}")
    ended = run("template", "check", str(tmp_path / "*.tmpl"))
    assert ended.code == 1
    assert "b.tmpl:1" in ended.err
