"""Run benchmarks: `python -m bench [SECTION] [--quick]`; a section is one of `report.SECTIONS`, or all."""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench import (
    boards,
    dashboards,
    disk,
    freshness,
    health,
    histograms,
    ingest,
    isolation,
    judgement,
    live,
    machine,
    paging,
    query,
    rollouts,
    rules,
    runs,
    soak,
    tenants,
    tokens,
    wide,
)
from bench.client import QueryError
from bench.events import sections as events
from bench.events.isolation import EventReader, write_events, write_runs
from bench.query import Dataset
from bench.report import SECTIONS, SERVERS, Row, Section, keep, print_section, to_markdown
from bench.servers import NotInstalledError, Pharos, Server, VictoriaMetrics, installed, stop_all

ROOT = Path(__file__).resolve().parent.parent
NAN = float("nan")


class Run:
    """One call of the program: which servers, how long, and where progress is said."""

    def __init__(
        self, kinds: dict[type[Server], str], quick: bool, console: Console, minutes: float = 0.0
    ) -> None:
        self.kinds, self.quick, self.console = kinds, quick, console
        self.minutes = minutes or (2.0 if quick else 15.0)

    def say(self, text: str) -> None:
        """Print a line of progress."""
        self.console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}", highlight=False)

    def tokens(self) -> Section:
        """Measure what it costs to look who asks."""
        section = Section("tokens", "Small requests, without users and with a token")
        result = tokens.measure(*((1, 3, 200) if self.quick else (7, 40, 100)))
        section.rows += result.rows()
        section.rows += tokens.layer_rows(2_000 if self.quick else 20_000)
        section.notes += result.notes()
        for where, took_ms in tokens.revocations_ms(5 if self.quick else 50).items():
            title = f"a revoked token still opened something, {where}"
            for part, value in (("p50", statistics.median(took_ms)), ("at most", max(took_ms))):
                section.rows.append(Row(f"{title}, {part}", "ms", {"Pharos": value}, compared=False))
        return section

    def judgement(self) -> Section:
        """Measure how fast series are scored for anomalies."""
        return judgement.section(10_000, 60 if self.quick else 400)

    def rollouts(self) -> Section:
        """Measure how soon one stage of a rollout tells a slower version, and how often it is wrong."""
        return rollouts.section(40 if self.quick else 1_000)

    def ingest(self) -> Section:
        """Measure remote write."""
        section = Section("ingest", "Remote write, as fast as the server takes it")
        duration = 6 if self.quick else 30
        for case in ingest.QUICK if self.quick else ingest.CASES:
            found: dict[str, ingest.Result] = {}
            for kind in self.kinds:
                try:
                    result = found[kind.name] = ingest.measure(kind, case, duration)
                except (RuntimeError, OSError, QueryError) as error:
                    section.notes.append(f"{kind.name}, {case}: {error}")
                    continue
                self.say(
                    f"{kind.name}: {case}: {result.outcome.rate:,.0f} samples/s, generator used "
                    f"{result.outcome.cpu_s / result.outcome.elapsed_s:.1%} of one core"
                )
                if not result.complete:
                    section.notes.append(
                        f"{kind.name}, {case}: {result.outcome.acknowledged:,} samples acknowledged, "
                        f"{result.count.samples:,} readable"
                    )
            section.rows += _ingest_rows(case, found)
        return section

    def query(self) -> Section:
        """Measure queries, and dashboards while samples come in."""
        title = "Queries over 10,000 series of a day and 100,000 series of two hours, at 15 s"
        section = Section("query", title)
        # An hour more than the longest range, for ranges that move.
        held = Dataset(
            10_000, 3.0 if self.quick else 25.0, 1.5 if self.quick else 2.0, int(time.time()) // 15 * 15
        )
        servers = self._loaded(section, held)
        runs, budget = (4, 6.0) if self.quick else (15, 15.0)
        self.say("queries")
        result = query.compare(servers, query.QUERIES, held.end_s, runs, budget)
        section.rows += _query_rows(result)
        section.notes.append(
            f"{held.samples:,} samples in each server; answers compared point by point: "
            f"{result.agreements} of {result.agreements + len(result.disagreements)} agree."
        )
        for peer in SERVERS[1:]:
            for cached, how in ((False, "evaluated anew"), (True, "refreshed")):
                least, where = result.least_ratio(peer, cached=cached)
                if where:
                    section.notes.append(
                        f"Heavy queries {how} take {peer} at least {least:.1f} times as long: {where}."
                    )
        section.notes += result.disagreements
        for server in servers:
            exact, all_points = query.exact_points(server, held)
            section.notes.append(
                f"{server.name}: {exact:,} of {all_points:,} full-precision values came back exactly."
            )
        section.rows += self._dashboards(servers, held.end_s, section)
        for server in servers:
            server.stop()
        return section

    def wide(self) -> Section:
        """Measure questions over a million series of one metric, after a restart."""
        series = 20_000 if self.quick else 1_000_000
        section = Section("wide", f"One metric of {series:,} series with eight labels, after a restart")
        found: dict[str, wide.Result] = {}
        for kind in self.kinds:
            self.say(f"{kind.name}: {series:,} series")
            try:
                found[kind.name] = wide.measure(kind, series)
            except (RuntimeError, OSError, QueryError) as error:
                section.notes.append(f"{kind.name}: {error}")
        section.rows += _wide_rows(found)
        section.notes += [f"{name}: {failure}" for name, one in found.items() for failure in one.failures]
        return section

    def histograms(self) -> Section:
        """Measure queries over native histograms, which VictoriaMetrics does not take by remote write."""
        series, hours = (100, 1.2) if self.quick else (300, 1.5)
        title = f"Queries over {series:,} native histograms with {histograms.BUCKETS} buckets, at 15 s"
        section = Section("histograms", title)
        end_s = int(time.time()) // 15 * 15
        servers: list[Server] = []
        for kind in (kind for kind in self.kinds if kind is not VictoriaMetrics):
            server = kind()
            try:
                server.start()
                histograms.load(server, series, int(hours * 240), end_s)
            except (RuntimeError, OSError, QueryError) as error:
                section.notes.append(f"{server.name}, loading: {error}")
                server.stop()
                continue
            self.say(f"{server.name}: loaded {series * int(hours * 240):,} histograms")
            servers.append(server)
        runs, budget = (4, 20.0) if self.quick else (10, 40.0)
        result = query.compare(servers, histograms.QUERIES, end_s, runs, budget, histograms.SPOT)
        section.rows += _query_rows(result)
        section.notes.append(
            f"Counts and sums compared point by point: {result.agreements} of"
            f" {result.agreements + len(result.disagreements)} answers agree."
            " VictoriaMetrics takes no native histograms by remote write."
        )
        section.notes += result.disagreements
        for server in servers:
            server.stop()
        return section

    def _loaded(self, section: Section, held: Dataset) -> list[Server]:
        """Return the servers that started and took all of the input; why another did not is noted."""
        loaded = []
        for kind in self.kinds:
            server = kind()
            try:
                server.start()
                self.say(f"{server.name}: loading {held.samples:,} samples")
                took = query.load(server, held)
            except (RuntimeError, OSError, QueryError) as error:
                section.notes.append(f"{server.name}, loading: {error}")
                server.stop()
                continue
            settled = server.settle(20 if self.quick else 90)
            self.say(f"{server.name}: loaded in {took:.0f} s, quiet after {settled:.0f} s")
            loaded.append(server)
        return loaded

    def _dashboards(self, servers: list[Server], end: int, section: Section) -> list[Row]:
        found = {}
        for server in servers:
            self.say(f"{server.name}: 16 dashboard clients while 100,000 samples/s come in")
            found[server.name] = dashboards.measure(
                server, 20_000 if self.quick else 100_000, 5 if self.quick else 25, end
            )
        title = "16 dashboards, 100 series of 1 h, 100,000 samples/s coming in"
        rows = []
        for name, where in (("alone", title), ("beside", "the same, 2 more clients asking too much")):
            phases: dict[str, dashboards.Phase] = {
                server: getattr(one, name) for server, one in found.items()
            }
            failed = [f"{server}, {where}: {one.timing.failure}" for server, one in phases.items()]
            section.notes += [failure for failure in failed if not failure.endswith(": ")]
            for part in (50, 95):
                waited = {server: one.timing.percentile(part) * 1e3 for server, one in phases.items()}
                rows.append(Row(f"{where}: p{part}", "ms", waited))
            cores = {server: one.cpu_cores for server, one in phases.items()}
            rows.append(Row(f"{where}: cores used", "cores", cores))
        for part in (50, 100):
            refused = {name: one.beside.refused.percentile(part) * 1e3 for name, one in found.items()}
            rows.append(
                Row(f"too much is refused after, {'p50' if part == 50 else 'longest'}", "ms", refused)
            )
        for name, one in found.items():
            section.notes.append(
                f"{name}: of what asked too much, {len(one.beside.refused.runs)} refused, "
                f"{one.beside.answered} answered. {one.beside.refused.failure}"
            )
        rate = {name: one.outcome.rate for name, one in found.items()}
        rows.append(
            Row("samples/s taken meanwhile", "samples/s", rate, higher_is_better=True, compared=False)
        )
        return rows

    def freshness(self) -> Section:
        """Measure acknowledged to visible."""
        section = Section("freshness", "From acknowledged to visible, 100,000 samples/s coming in")
        found = {}
        for kind in self.kinds:
            self.say(f"{kind.name}: a probe every 100 ms")
            try:
                result = found[kind.name] = freshness.measure(
                    kind, 20_000 if self.quick else 100_000, 6 if self.quick else 30
                )
            except (RuntimeError, OSError, QueryError) as error:
                section.notes.append(f"{kind.name}: {error}")
                continue
            if result.missing or result.write.failure:
                section.notes.append(
                    f"{kind.name}: {result.missing} probes never seen {result.write.failure}"
                )
        for part in (50, 99):
            values = {name: one.visible.percentile(part) * 1e3 for name, one in found.items()}
            section.rows.append(Row(f"acknowledged to visible, p{part}", "ms", values))
        for part in (50, 99):
            values = {name: one.write.percentile(part) * 1e3 for name, one in found.items()}
            section.rows.append(Row(f"write of one sample, p{part}", "ms", values))
        section.rows.append(Row("cores used", "cores", {name: one.cpu_cores for name, one in found.items()}))
        rates = {name: one.outcome.rate for name, one in found.items()}
        section.rows.append(Row("samples/s taken", "samples/s", rates, higher_is_better=True, compared=False))
        section.notes.append(
            "An instant query asks for the probe every few milliseconds; its own time is included."
        )
        return section

    def paging(self) -> Section:
        """Measure how soon who is to be told of alerts is told."""
        section = Section("paging", "From an alert to its page; rules every second, group_wait of a second")
        found: dict[str, paging.Result] = {}
        alerts, probes = (500, 5) if self.quick else (paging.ALERTS, 30)
        for kind in (one for one in self.kinds if one is not VictoriaMetrics):
            self.say(f"{kind.name}: {alerts:,} alerts at once, {probes} samples")
            try:
                found[kind.name] = paging.measure(kind, alerts, probes)
            except (RuntimeError, OSError, QueryError, NotInstalledError) as error:
                section.notes.append(f"{kind.name}: {error}")
        section.rows += paging.rows(found, alerts)
        section.notes.append(
            "In the column of Prometheus: with Alertmanager, which keeps alerts in memory only."
        )
        return section

    def live(self) -> Section:
        """Measure the live feed."""
        clients, many, seconds = (50, 100, 5.0) if self.quick else (500, 2_000, 60.0)
        section = Section("live", "The live feed; a query every 200 ms for all clients")
        found = live.measure(clients, many, seconds, self.say)
        section.rows = live.rows(found)
        section.notes += found.failures
        section.notes.append("The clients run in one process on the same machine, and share its cores.")
        return section

    def dashboards(self) -> Section:
        """Measure dashboards, each answered whole by one request."""
        section = Section(
            "dashboards", "A dashboard of 30 panels, two queries each, 20,000 samples/s coming in"
        )
        found = boards.measure(10.0 if self.quick else 60.0, self.say)
        section.rows = boards.rows(found)
        section.notes += [one.failure for one in (found.first, found.refreshed) if one.failure]
        return section

    def doors(self) -> Section:
        """Measure what takes log lines and spans."""
        return events.doors(quick=self.quick, say=self.say)

    def searches(self) -> Section:
        """Measure searches for lines and spans."""
        return events.searches(quick=self.quick, say=self.say)

    def rules(self) -> Section:
        """Measure what rules cost."""
        section = Section("rules", "Rules every 15 s over 10,000 series; vmalert beside VictoriaMetrics")
        for count in (200,) if self.quick else (1000, 5000):
            found: dict[str, rules.Result] = {}
            for kind in self.kinds:
                self.say(f"{kind.name}: {count:,} rules")
                try:
                    found[kind.name] = rules.measure(kind, count, 30 if self.quick else 120)
                except (RuntimeError, OSError, QueryError, NotInstalledError) as error:
                    section.notes.append(f"{kind.name}, {count:,} rules: {error}")
            section.rows += rules.rows(count, found)
        section.notes.append("CPU is what a server used with rules less what it used without, of one core.")
        return section

    def health(self) -> Section:
        """Measure what checks of health cost."""
        section = Section("health", "Checks of health: HTTP, a new connection each")
        found = health.measure(health.CHECKS, 30 if self.quick else 120)
        section.rows = health.rows(found)
        section.notes.append("CPU is what a server used with checks less what it used without, of one core.")
        return section

    def runs(self) -> Section:
        """Measure what events of runs cost, and look whether all runs stand as they were told."""
        return runs.section(100 if self.quick else 1_000)

    def soak(self) -> Section:
        """Watch the memory of Pharos for some minutes, while series come and go."""
        load = f"{soak.NEW_SERIES} new series a second, scrapes, OTLP, queries"
        title = f"Memory over {self.minutes:g} minutes: {load}"
        section = Section("soak", title)
        found = soak.measure(self.minutes, self.say)
        section.rows = _soak_rows(found)
        section.notes.append(
            f"{found.series:,} series began, {found.answers:,} questions of three clients,"
            f" {len(found.refusals)} refused."
        )
        section.notes += found.refusals[:3]
        return section

    def tenants(self) -> Section:
        """Measure many small tenants beside a large one, and a loud one beside a quiet one."""
        count, series, large = (50, 200, 20_000) if self.quick else (1_000, 1_000, 1_000_000)
        title = f"{count:,} tenants of {series:,} series beside one of {large:,}, after a restart"
        section = Section("tenants", title)
        found = tenants.many(count, series, large, self.say)
        beside = tenants.beside(4.0 if self.quick else 30.0, self.say)
        section.rows = [*_many_rows(found), *_beside_rows(beside)]
        answers = ", ".join(f"{count:,} of {status}" for status, count in sorted(beside.taken.items()))
        section.notes.append(
            f"The loud tenant may send {tenants.RATE:,} samples a second, have {tenants.MAX_SERIES:,} series"
            f" and one query at once, and tries ten times of each; what it was answered: {answers}."
        )
        return section

    def isolation(self) -> Section:
        """Read as one tenant, in every way that comes to mind, beside another one."""
        reads = 1_000 if self.quick else 5_000
        title = (
            f"{2 * reads:,} random reads of one tenant beside another, half of them of logs, traces and runs"
        )
        section = Section("isolation", title)
        server = Pharos()
        server.start()
        try:
            end_ms = time.time_ns() // 1_000_000 - 5_000
            isolation.write(server.port, end_ms)
            write_events(server.port, end_ms)
            found = isolation.read_all(server.port, _every_read(server.port, end_ms, reads))
        finally:
            server.stop()
        answered = found.by_status[200]
        section.rows = [
            Row(
                "answers with anything of the other tenant",
                "",
                {"Pharos": float(len(found.leaks))},
                compared=False,
            ),
            Row("reads that were answered", "", {"Pharos": float(answered)}, compared=False),
            Row("answers of a fault", "", {"Pharos": float(len(found.faults))}, compared=False),
        ]
        section.notes += found.leaks[:5] + found.faults[:5]
        return section

    def disk(self) -> Section:
        """Measure bytes a sample."""
        section = Section("disk", "Disk, after merges")
        hours = 1.0 if self.quick else 3.0
        end = int(time.time()) // 15 * 15
        for case in disk.CASES[: 2 if self.quick else 3]:
            found: dict[str, disk.Result] = {}
            for kind in self.kinds:
                try:
                    one = disk.measure(kind, case, 10_000, hours, end, 20 if self.quick else 60)
                except (RuntimeError, OSError, QueryError) as error:
                    section.notes.append(f"{kind.name}, {case.name}: {error}")
                    continue
                found[kind.name] = one
                self.say(
                    f"{kind.name}: {case.name}: {one.at_rest:.3f} B a sample at rest, after "
                    f"{one.settle_s:.0f} s, {one.merged:.3f} after a forced merge"
                )
            at_rest = {name: one.at_rest for name, one in found.items()}
            section.rows.append(Row(f"{case.name}: at rest", "B/sample", at_rest))
            merged = {name: one.merged for name, one in found.items()}
            section.rows.append(Row(f"{case.name}: after a forced final merge", "B/sample", merged))
        section.notes.append(f"10,000 series, {hours:g} h at 15 s.")
        return section


def _every_read(port: int, end_ms: int, count: int) -> Iterator[isolation.Read]:
    """Yield so many random reads of metrics, and as many of all else."""
    yield from isolation.Reader(1, end_ms).reads(count)
    write_runs(port, end_ms)
    yield from EventReader(1, end_ms).reads(count)


def _wide_rows(found: dict[str, wide.Result]) -> list[Row]:
    rows = [Row("ready after", "s", {name: one.ready_s for name, one in found.items()})]
    for question in wide.QUESTIONS:
        for when, costs in (
            ("first", {name: one.first.get(question.name) for name, one in found.items()}),
            ("again", {name: one.again.get(question.name) for name, one in found.items()}),
        ):
            wall = {name: cost.wall_s * 1e3 if cost else NAN for name, cost in costs.items()}
            cpu = {name: cost.cpu_s if cost else NAN for name, cost in costs.items()}
            rows.append(Row(f"{question.name}, {when}", "ms", wall))
            rows.append(Row(f"{question.name}, {when}: CPU", "s", cpu))
    medians = {name: statistics.median(one.never_asked_s) * 1e3 for name, one in found.items()}
    rows.append(Row("one series by a selector never asked before, p50", "ms", medians))
    peaks = {name: one.peak_rss_bytes / 1e6 for name, one in found.items()}
    rows.append(Row("peak memory", "MB", peaks))
    return rows


def _many_rows(found: tenants.Many) -> list[Row]:
    small = "sum by (instance) of a small tenant"
    times = (
        (f"{small}, first: p50", found.small_first_s, 50),
        (f"{small}, first: p95", found.small_first_s, 95),
        (f"{small}, again: p50", found.small_again_s, 50),
        (f"{small}, again: p95", found.small_again_s, 95),
        (f"{small}, while the large one is asked on and on: p50", found.small_beside_s, 50),
        (f"{small}, while the large one is asked on and on: p95", found.small_beside_s, 95),
        ("the same of the large one, again: p50", found.large_again_s, 50),
    )
    return [
        Row("ready after", "s", {"Pharos": found.ready_s}, compared=False),
        Row("CPU until then", "s", {"Pharos": found.ready_cpu_s}, compared=False),
        Row("private memory at the start", "MB", {"Pharos": found.private_bytes / 1e6}, compared=False),
        Row("private memory, most", "MB", {"Pharos": found.peak_bytes / 1e6}, compared=False),
        *(
            Row(name, "ms", {"Pharos": tenants.percentile(values, part) * 1e3}, compared=False)
            for name, values, part in times
        ),
        Row("the same of the large one, first", "ms", {"Pharos": found.large_first_s * 1e3}, compared=False),
    ]


def _beside_rows(found: tenants.Beside) -> list[Row]:
    cases = (
        ("alone", found.alone_s, found.writes_alone_s),
        ("beside a tenant within its limits", found.within_s, found.writes_within_s),
        ("beside the same at ten times its limits", found.beyond_s, found.writes_beyond_s),
    )
    return [
        Row(
            f"a quiet tenant's {what}, {name}: p95",
            "ms",
            {"Pharos": 1e3 * tenants.percentile(one, 95)},
            compared=False,
        )
        for name, queries, writes in cases
        for what, one in (("queries", queries), ("writes", writes))
    ]


def _soak_rows(found: soak.Result) -> list[Row]:
    """Return what a soak found; the peers are not asked, since one of them takes no OTLP."""
    figures = (
        (f"private memory after {found.settled_s / 60:.0f} min", "MB", found.around(found.settled_s) / 1e6),
        ("private memory at the end", "MB", found.around(found.at_s[-1]) / 1e6),
        ("growth since then", "MB/min", found.growth_bytes_a_minute() / 1e6),
        ("cores used", "cores", found.cpu_cores),
        ("event loop 50 ms late or later, of a thousand looks", "", 250 * found.late / found.at_s[-1]),
    )
    return [Row(name, unit, {"Pharos": value}, compared=False) for name, unit, value in figures]


def _ingest_rows(case: ingest.Case, found: dict[str, ingest.Result]) -> list[Row]:
    rate, cpu, rss, private, p99, after, own = (Row(f"{case}: {what}", unit, {}) for what, unit in _INGEST)
    for name, one in found.items():
        rate.values[name] = one.outcome.rate if one.complete else NAN
        cpu.values[name] = one.cpu_per_million_s
        rss.values[name], private.values[name] = one.peak_rss_bytes / 1e6, one.peak_private_bytes / 1e6
        p99.values[name] = one.outcome.latency_ms.get("p99", NAN)
        after.values[name] = one.readable_after_s
        own.values[name] = 100 * one.outcome.cpu_s / one.outcome.elapsed_s
    rate.higher_is_better = True
    after.compared = own.compared = False
    return [rate, cpu, rss, private, p99, after, own]


_INGEST = (
    ("acknowledged", "samples/s"),
    ("CPU a million", "s"),
    ("peak memory", "MB"),
    ("of it private", "MB"),
    ("answer p99", "ms"),
    ("all readable after", "s"),
    ("generator, of one core", "%"),
)


def _query_rows(result: query.Result) -> list[Row]:
    rows = []
    for asked, timings in result.timings.items():
        for part in (50, 95):
            values = {
                name: NAN if one.failure else one.percentile(part) * 1e3 for name, one in timings.items()
            }
            rows.append(Row(f"{asked}, p{part}", "ms", values))
        failed = [f"{name}: {one.failure}" for name, one in timings.items() if one.failure]
        result.disagreements += [f"{asked.name}: {failure}" for failure in failed]
    return rows


def main() -> int:
    """Run what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=[*SECTIONS, "all"])
    parser.add_argument(
        "--quick", action="store_true", help="small and short: shows that it works, not how fast"
    )
    parser.add_argument(
        "--out", type=Path, help="the page to write (default: docs/benchmarks.md, none with --quick)"
    )
    parser.add_argument("--minutes", type=float, default=0.0, help="how long to soak (15, with --quick 2)")
    parser.add_argument("--only", action="append", help="only servers whose name starts so")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"), help="the date to print on the page")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 180)
    kinds = {
        kind: version
        for kind, version in installed().items()
        if not options.only or any(kind.name.lower().startswith(name.lower()) for name in options.only)
    }
    console.print("  ".join(f"{kind.name} {version}" for kind, version in kinds.items()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out = options.out or (None if options.quick else ROOT / "docs" / "benchmarks.md")
    run = Run(kinds, options.quick, console, options.minutes)
    names = SECTIONS if options.what == "all" else (options.what,)
    try:
        for name in names:
            section: Section = getattr(run, name)()
            section.date, section.quick = options.date, options.quick
            section.versions = {kind.name: version for kind, version in kinds.items()}
            section.machine = machine.describe()
            print_section(section, console)
            sections = keep(section, ROOT / "bench" / "out" / ("quick" if options.quick else "full"))
            if out is not None:
                out.write_text(to_markdown(sections))
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    finally:
        stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
