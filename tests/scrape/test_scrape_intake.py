"""What a target's memory does from page to page: staleness, labels, limits, exemplars, metadata."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from tests.scrape.test_scrape_pages import NOW_MS, TARGET, digest, intake
from tests.scrape.written import STALE_BITS, bits, read

from pharos.errors import PharosError
from pharos.ingest.scrape.digest import (
    Format,
    JobMemory,
    Metadata,
    PageDigest,
    PageError,
    merge_target_labels,
)
from pharos.ingest.scrape.exposition.scan import Page
from pharos.ingest.scrape.job import JobConfig, Limits
from pharos.relabel import Action, Rule


def names(written: object) -> list[str]:
    return [dict(labels)["__name__"] for labels, _, _ in written.samples]  # type: ignore[attr-defined]


def test_series_that_disappears_gets_one_stale_marker() -> None:
    one = intake()
    assert digest(one, "a 1\nb 1\n").stale() == set()
    gone = digest(one, "a 2\n", time_ms=NOW_MS + 15_000)
    assert gone.stale() == {"b"}
    assert [time_ms for _, time_ms, value in gone.samples if value == STALE_BITS] == [NOW_MS + 15_000]
    assert digest(one, "a 3\n").stale() == set()
    back = digest(one, "a 4\nb 4\n")
    assert back.value("b") == 4


def test_series_with_its_own_timestamps_gets_no_marker_unless_tracked() -> None:
    untracked = intake()
    digest(untracked, "a 1 5\n")
    assert digest(untracked, "b 1\n").stale() == set()
    tracked = intake(track_timestamps_staleness=True)
    digest(tracked, "a 1 5\n")
    assert digest(tracked, "b 1\n").stale() == {"a"}


def test_series_that_begins_to_carry_timestamps_is_marked_once() -> None:
    one = intake()
    digest(one, "a 1\n")
    assert digest(one, "a 2 5\n").stale() == {"a"}
    assert digest(one, "a 3 6\n").stale() == set()


def test_timestamps_are_ignored_when_not_honoured() -> None:
    one = intake(honor_timestamps=False)
    assert [time_ms for _, time_ms, _ in digest(one, "a 1 5\n").samples] == [NOW_MS]
    assert digest(one, "b 1\n").stale() == {"a"}


def test_timestamp_far_ahead_is_left_out() -> None:
    assert names(digest(intake(), f"a 1 {NOW_MS + 600_000}\nb 1 {NOW_MS + 600_001}\n")) == ["a"]


def test_spelling_a_series_otherwise_keeps_it_alive() -> None:
    one = intake()
    digest(one, 'a{b="1",c="2"} 1\n')
    again = digest(one, 'a{c="2",b="1"} 2\n')
    assert again.stale() == set()
    assert again.value("a") == 2


def test_page_that_fails_changes_nothing_and_all_goes_stale() -> None:
    one = intake()
    digest(one, "a 1\nb 1\n")
    with pytest.raises(PharosError, match="line 2"):
        digest(one, "a 2\nb\n")
    assert read(one.stale(NOW_MS)).stale() == {"a", "b"}
    one.cache.next_turn(good=False)
    assert read(one.stale(NOW_MS)).samples == []
    one.cache.next_turn(good=False)
    assert names(digest(one, "a 3\nb 3\n")) == ["a", "b"]


def test_markers_come_again_when_they_were_not_stored() -> None:
    one = intake()
    digest(one, "a 1\nb 1\n")
    marks = one.cache.snapshot()
    lost = one.digest(b"a 2\nc 2\n", Format.TEXT, NOW_MS, Page.of_size(4))
    assert read(lost.body).stale() == {"b"}
    one.cache.restore(marks)
    one.cache.next_turn(good=True)
    assert digest(one, "a 3\n").stale() == {"b"}


def added(one: PageDigest, page: str) -> int:
    found = one.digest(page.encode(), Format.TEXT, NOW_MS, Page.of_size(page.count("\n") + 1))
    one.cache.next_turn(good=True)
    return found.added


def test_series_added_counts_what_the_last_good_page_lacked() -> None:
    one = intake()
    assert added(one, "a 1\nb 1\n") == 2
    assert added(one, "a 1\nb 1\n") == 0
    assert added(one, "a 1\nc 1\n") == 1
    assert added(one, "a 1\nb 1\nc 1\n") == 1
    one.stale(NOW_MS)
    one.cache.next_turn(good=False)
    assert added(one, "a 1\nb 1\nc 1\n") == 0


def test_churn_does_not_grow_the_memory() -> None:
    one = intake()
    sizes = []
    for turn in range(60):
        page = "".join(f'a{{turn="{turn}",n="{n}"}} 1\n' for n in range(200)) + "steady 1\n"
        written = digest(one, page)
        assert len(written.stale()) == (1 if turn else 0)
        assert written.value("steady") == 1
        sizes.append(one.cache.memory_bytes)
    assert max(sizes[5:]) <= 3 * sizes[0]
    assert one.cache.series_count < 1000


def test_pages_that_fail_and_differ_do_not_grow_the_memory() -> None:
    one = intake()
    digest(one, "a 1\n")
    for turn in range(60):
        page = "".join(f'a{{turn="{turn}",n="{n}"}} 1\n' for n in range(100)) + "broken\n"
        with pytest.raises(PharosError):
            digest(one, page)
        one.stale(NOW_MS)
        one.cache.next_turn(good=False)
    assert one.cache.series_count < 1500


def test_bounds_read_from_a_failing_page_are_canonical_later() -> None:
    one = intake()
    page = '# TYPE h histogram\nh_bucket{le="1"} 1\n'
    with pytest.raises(PharosError):
        digest(one, page + "broken\n")
    assert digest(one, page).value("h_bucket", le="1.0") == 1


@pytest.mark.parametrize(
    ("exposed", "honor", "out"),
    [
        ({"__name__": "a"}, False, {"__name__": "a", "job": "t", "instance": "i"}),
        ({"job": "x"}, False, {"job": "t", "instance": "i", "exported_job": "x"}),
        ({"job": "x"}, True, {"job": "x", "instance": "i"}),
        ({"instance": ""}, True, {"job": "t", "instance": ""}),
        ({"instance": ""}, False, {"job": "t", "instance": "i"}),
        (
            {"job": "x", "exported_job": "y"},
            False,
            {"job": "t", "instance": "i", "exported_job": "y", "exported_exported_job": "x"},
        ),
    ],
)
def test_target_labels_meet_exposed_ones(exposed: dict[str, str], honor: bool, out: dict[str, str]) -> None:
    assert merge_target_labels(exposed, (("instance", "i"), ("job", "t")), honor) == out


def test_pushgateway_empty_instance_keeps_the_targets_away() -> None:
    one = intake(honor_labels=True)
    assert digest_labels(one, 'a{instance="",job="pushed"} 1\n') == [(("__name__", "a"), ("job", "pushed"))]


def digest_labels(one: PageDigest, page: str) -> list[tuple[tuple[str, str], ...]]:
    found = one.digest(page.encode(), Format.TEXT, NOW_MS, Page.of_size(page.count("\n") + 1))
    one.cache.next_turn(good=True)
    return [labels for labels, _, _ in read(found.body).samples]


def test_metric_relabelling_drops_renames_and_merges() -> None:
    one = intake(
        metric_relabel_rules=(
            Rule(action=Action.DROP, source_labels=("__name__",), regex="b.*"),
            Rule(action=Action.LABELDROP, regex="secret"),
        )
    )
    page = 'a{secret="1"} 1\na{secret="2"} 2\nb_x 3\n'
    for _ in range(3):
        found = one.digest(page.encode(), Format.TEXT, NOW_MS, Page.of_size(4))
        one.cache.next_turn(good=True)
        assert (found.scraped, found.kept) == (3, 2)
        written = read(found.body)
        assert written.value("a") == 1
        assert names(written) == ["a"]


def test_relabelling_the_name_away_fails_the_page() -> None:
    one = intake(metric_relabel_rules=(Rule(action=Action.LABELDROP, regex="__name__"),))
    with pytest.raises(PharosError, match="missing metric name"):
        digest(one, "a 1\n")


def test_classic_names_only_where_the_job_says_so() -> None:
    digest(intake(), '{"a.b"} 1\n')
    with pytest.raises(PharosError, match="invalid metric name"):
        digest(intake(legacy_names=True), '{"a.b"} 1\n')


@pytest.mark.parametrize(
    ("limits", "page", "reason"),
    [
        (Limits(sample_limit=2), "a 1\nb 1\nc 1\n", "sample limit exceeded: 3 samples"),
        (Limits(label_limit=4), 'a{b="1",c="2"} 1\n', "label_limit exceeded (metric: a, number of labels: 5"),
        (Limits(label_name_length_limit=8), 'a{longername="1"} 1\n', "label_name_length_limit exceeded"),
        (Limits(label_value_length_limit=3), 'a{b="ääää"} 1\n', "label_value_length_limit exceeded"),
    ],
)
def test_limit_fails_the_page(limits: Limits, page: str, reason: str) -> None:
    one = intake(limits=limits)
    for _ in range(2):
        with pytest.raises(PharosError) as raised:
            digest(one, page)
        assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("page", "scraped"),
    [
        (b'a 1\nx{a="\xff"} 1\n', 1),
        (b'a 1\nx{a="\xff"} 1\nb 1\nc\n', 1),
        (b"a 1\nb 1_0\nc 1\n", 1),
        (b'a 1\nb{c="1",c="2"} 1\nd 1\n', 2),
        (b"a 1\n# TYPE b nonsense\nb 1\n", 1),
        (b'a 1\n# TYPE b counter\nlonglabels{a="1",b="2",c="3",d="4"} 1\nb 1\n', 2),
        (b'a 1\nlonglabels{a="1",b="2",c="3",d="4"} 1\nx{a="\xff"} 1\n# TYPE b nonsense\nb\n', 2),
    ],
    ids=["not UTF-8", "before another fault", "a number", "label twice", "a type", "a limit", "three faults"],
)
def test_a_refused_page_counts_the_samples_before_its_fault(page: bytes, scraped: int) -> None:
    # Prometheus (scrape.go append) counts a line once its parser has read it, and stops at the first fault.
    for one in (
        intake(limits=Limits(label_limit=5)),
        intake(legacy_names=True, limits=Limits(label_limit=5)),
    ):
        for _ in range(2):
            with pytest.raises(PageError) as raised:
                one.digest(page, Format.TEXT, NOW_MS, Page.of_size(page.count(b"\n") + 1))
            assert (raised.value.scraped, raised.value.kept) == (scraped, 1)


def test_sample_limit_counts_after_relabelling() -> None:
    rule = Rule(action=Action.DROP, source_labels=("__name__",), regex="b")
    one = intake(limits=Limits(sample_limit=2), metric_relabel_rules=(rule,))
    assert names(digest(one, "a 1\nb 1\nc 1\n")) == ["a", "c"]


OPEN_PAGE = """# TYPE a counter
a_total{b="1"} 1 # {trace_id="x"} 0.5 100.25
a_total{b="2"} 1 # {trace_id="y"} 0.25
# EOF
"""


def test_exemplars_are_stored_once_each() -> None:
    one = intake()
    first = digest(one, OPEN_PAGE, Format.OPENMETRICS)
    assert [(e[1], e[2], e[3]) for e in first.exemplars] == [
        ((("trace_id", "x"),), 0.5, 100_250),
        ((("trace_id", "y"),), 0.25, NOW_MS),
    ]
    assert digest(one, OPEN_PAGE, Format.OPENMETRICS).exemplars == []
    changed = digest(one, OPEN_PAGE.replace('"y"', '"z"'), Format.OPENMETRICS)
    assert [e[1] for e in changed.exemplars] == [(("trace_id", "z"),)]


def test_metadata_is_told_once_for_a_job_and_again_when_it_changes() -> None:
    told = JobMemory()
    page = "# HELP a Some\\nhelp.\n# TYPE a counter\na 1\n# TYPE b histogram\nb_sum 1\n"
    first = PageDigest(JobConfig("j"), TARGET, 7, told, None)
    second = PageDigest(JobConfig("j"), (("instance", "other"), ("job", "j")), 7, told, None)
    assert digest(first, page).metadata == {"a": (1, "Some\nhelp.", ""), "b": (3, "", "")}
    assert digest(first, page).metadata == {}
    assert digest(second, page).metadata == {}
    assert second.metadata == (Metadata("a", "counter", "Some\nhelp."), Metadata("b", "histogram"))
    assert digest(second, page.replace("counter", "gauge")).metadata == {"a": (2, "Some\nhelp.", "")}


def test_metadata_is_told_again_when_it_was_not_stored() -> None:
    one = intake()
    lost = one.digest(b"# TYPE a counter\na 1\n", Format.TEXT, NOW_MS, Page.of_size(3))
    assert read(lost.body).metadata
    one.not_stored()
    one.cache.next_turn(good=True)
    assert digest(one, "# TYPE a counter\na 1\n").metadata == {"a": (1, "", "")}


LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SERIES = st.tuples(
    st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True),
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True), LABEL_VALUES, max_size=4),
    st.floats(allow_nan=False),
)


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def page_of(rows: list[tuple[str, dict[str, str], float]]) -> str:
    lines = []
    for name, labels, value in rows:
        pairs = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{pairs}}} {value!r}")
    return "\n".join([*lines, ""])


@given(st.lists(SERIES, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_random_pages_agree_with_the_python_client(
    rows: list[tuple[str, dict[str, str], float]], chance: random.Random
) -> None:
    page = page_of(rows)
    wanted: dict[tuple[tuple[str, str], ...], int] = {}
    for sample in itertools.chain(*(one.samples for one in text_string_to_metric_families(page))):
        pairs = {**{k: v for k, v in sample.labels.items() if v}, "__name__": sample.name}
        labels = tuple(sorted([*merge_target_labels(pairs, TARGET, False).items()]))
        wanted.setdefault(labels, bits(sample.value))
    one = intake()
    for _ in range(2):
        found = digest(one, page)
        assert {labels: value[0][1] for labels, value in found.by_series().items()} == wanted
    chance.shuffle(rows)
    shorter = rows[: len(rows) // 2]
    again = digest(one, page_of(shorter)).by_series()
    assert set(again) == set(wanted)


@given(st.lists(SERIES, max_size=8, unique_by=lambda row: row[0]))
@settings(max_examples=150)
def test_random_openmetrics_pages_agree_with_the_python_client(
    rows: list[tuple[str, dict[str, str], float]],
) -> None:
    named = [(f"m{index}_{name}", labels, value) for index, (name, labels, value) in enumerate(rows)]
    page = page_of(named) + "# EOF\n"
    wanted = {
        sample.name: bits(sample.value) for family in openmetrics_families(page) for sample in family.samples
    }
    found = digest(intake(), page, Format.OPENMETRICS)
    assert {dict(labels)["__name__"]: value for labels, _, value in found.samples} == wanted


PLAIN_OR_NOT = st.one_of(
    st.just("le"),
    st.just("quantile"),
    st.just("job"),
    st.just("exported_job"),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True),
)
BOUNDS = st.one_of(
    st.sampled_from(
        ["1", "1.0", "0.005", "0.0001", "0.00001", "100000.0", "1000000.0", "+Inf", "-1", "0.10", "x"]
    ),
    st.floats(min_value=0, max_value=1e8).map(repr),
    LABEL_VALUES,
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["m", "_x", "a:b"]), st.dictionaries(PLAIN_OR_NOT, BOUNDS, max_size=5)),
        max_size=8,
    ),
    st.sampled_from(["histogram", "summary", "gauge"]),
    st.booleans(),
)
@settings(max_examples=400)
def test_plain_and_long_way_identify_alike(
    rows: list[tuple[str, dict[str, str]]], kind: str, honor: bool
) -> None:
    page = f"# TYPE m {kind}\n" + page_of([(name, labels, 1.0) for name, labels in rows])
    short_way = intake(honor_labels=honor)
    # A limit that is never met sends every line the long way.
    long_way = intake(honor_labels=honor, limits=Limits(label_limit=1000))
    for _ in range(2):
        assert digest(short_way, page).by_series() == digest(long_way, page).by_series()
