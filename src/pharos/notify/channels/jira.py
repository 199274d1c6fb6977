"""Jira: an issue for each group, found again by a label, changed and moved as the group goes on."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from yarl import URL

from pharos.notify.channels.calling import Call, Caller, Means, group_hash, json_call, json_of, kept, taken
from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, one_line
from pharos.outbound import Reply

_SUMMARY: Final = 255
_DESCRIPTION: Final = 32_767
_DONE: Final = "done"
_HEADERS: Final = {"Accept-Language": "en"}


class Jira:
    """Keeps issues of one project."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)
        self._base = values.text("api_url").rstrip("/")

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        say = Wording(self._means.templates, message)
        project = say.exact(self._values.text("project"), "project")
        label = f"ALERT{{{group_hash(message)}}}"
        is_firing = message.status is Status.FIRING
        issue = await self._find(project, label, is_firing=is_firing)
        if issue is None:
            if not is_firing:
                return Sent("no issue of this group is open")
            made = await built(message, lambda: self._fields(say, project, label, is_new=True))
            return Sent(await self._create(made))
        path = f"issue/{quote(str(issue.get('key', '')), safe='')}"
        fields = await built(message, lambda: self._fields(say, project, label, is_new=False))
        reply = await self._caller.call(
            json_call(
                f"{self._base}/{path}", {"fields": fields}, method="PUT", headers=_HEADERS, detail=_said
            )
        )
        await self._move(path, issue, is_firing=is_firing)
        return Sent(f"{taken(reply)}, issue {one_line(str(issue.get('key', '')))}")

    async def _create(self, fields: dict[str, Any]) -> str:
        reply = await self._caller.call(
            json_call(f"{self._base}/issue", {"fields": fields}, headers=_HEADERS, detail=_said)
        )
        key = one_line(str(json_of(reply).get("key", "")))
        return f"{taken(reply)}, issue {key}" if key else taken(reply)

    async def _find(self, project: str, label: str, *, is_firing: bool) -> dict[str, Any] | None:
        values = self._values
        conditions = []
        if resolution := values.text("wont_fix_resolution"):
            conditions.append(f"resolution != {_quoted(resolution)}")
        minutes = values.number("reopen_duration") // 60_000
        if is_firing and values.text("reopen_transition") and minutes > 0:
            conditions.append(f"(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m)")
        else:
            conditions.append("statusCategory != Done")
        conditions += [f"project={_quoted(project)}", f"labels={_quoted(label)}"]
        jql = f"{' and '.join(conditions)} order by status ASC,resolutiondate DESC"
        asked = {"fields": ["status"], "jql": jql, "maxResults": 2}
        reply = await self._caller.call(json_call(self._search(), asked, headers=_HEADERS, detail=_said))
        issues = json_of(reply).get("issues")
        if not isinstance(issues, list):
            raise NotSentError("answered a search with what is no list of issues", may_retry=True)
        return issues[0] if issues and isinstance(issues[0], dict) else None

    def _search(self) -> str:
        """Return where issues are searched: Jira Cloud has moved it, Data Center has not."""
        kind = self._values.text("api_type", "auto")
        host = URL(self._base).host or ""
        if kind == "cloud" or (kind == "auto" and host.endswith("atlassian.net")):
            return f"{self._base}/search/jql".replace("/2/", "/3/", 1)
        return f"{self._base}/search"

    def _fields(self, say: Wording, project: str, label: str, *, is_new: bool) -> dict[str, Any]:
        values = self._values
        found: dict[str, Any] = {
            "project": {"key": project},
            "issuetype": {"name": say.exact(values.text("issue_type"), "issue_type")},
        }
        if priority := say.text(values.text("priority")):
            found["priority"] = {"name": priority}
        summary, is_updated = self._part("summary")
        if is_new or is_updated:
            found["summary"] = cut(one_line(say.text(summary)), _SUMMARY)
        description, is_updated = self._part("description")
        if is_new or is_updated:
            found["description"] = self._described(cut(say.text(description), _DESCRIPTION))
        labels, is_updated = self._labels()
        if is_new or is_updated:
            found["labels"] = sorted([*(say.text(one).replace(" ", "_") for one in labels), label])
        return {**found, **say.filled(values.pairs("fields"))}

    def _part(self, name: str) -> tuple[str, bool]:
        """Return a template, and whether it is filled in again when the issue is changed."""
        found = self._values.raw(name)
        if not isinstance(found, dict):
            return self._values.text(name), True
        part = self._values.part(name)
        return part.text("template"), part.flag("enable_update", default=True)

    def _labels(self) -> tuple[tuple[str, ...], bool]:
        found = self._values.raw("labels")
        if not isinstance(found, dict):
            return self._values.texts("labels"), True
        part = self._values.part("labels")
        return part.texts("values"), part.flag("enable_update", default=True)

    def _described(self, text: str) -> Any:
        """Return a description: version 3 of the API wants a document, which a template may write itself."""
        if not self._base.endswith("/3"):
            return text
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text or "-"}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    async def _move(self, path: str, issue: dict[str, Any], *, is_firing: bool) -> None:
        """Open an issue again that was done, or have one done; where the settings name no way, it stays."""
        category = _at(issue, "fields", "status", "statusCategory", "key")
        wanted = self._values.text("reopen_transition" if is_firing else "resolve_transition")
        if category is None or (category == _DONE) != is_firing or not wanted:
            return
        url = f"{self._base}/{path}/transitions"
        reply = await self._caller.call(Call(url, b"", method="GET", headers=_HEADERS, detail=_said))
        ways = json_of(reply).get("transitions")
        for way in ways if isinstance(ways, list) else []:
            if isinstance(way, dict) and way.get("name") == wanted:
                moved = {"transition": kept({"id": str(way.get("id", ""))})}
                await self._caller.call(json_call(url, moved, headers=_HEADERS, detail=_said))
                return
        raise NotSentError(f"the issue has no transition {wanted!r}", may_retry=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _at(found: Any, *names: str) -> Any:
    for name in names:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _said(reply: Reply) -> str:
    said = json_of(reply)
    messages = said.get("errorMessages")
    named = said.get("errors")
    parts = [str(one) for one in messages] if isinstance(messages, list) else []
    parts += [f"{name}: {one}" for name, one in named.items()] if isinstance(named, dict) else []
    return cut(one_line("; ".join(parts)), 200)
