"""The components that pages are made of, on the page that shows them all, with what strangers send."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.conftest import Watched, out_of_reach, painted_share, violations

Open = Callable[..., Watched]
GALLERY = "/design"
ROWS = 100_000


def _shown(open_page: Open, **how: object) -> Page:
    page = open_page(GALLERY, **how).page
    expect(page.get_by_role("heading", name="Components")).to_be_visible()
    expect(page.get_by_role("grid", name="Services").get_by_role("row").nth(5)).to_be_visible()
    return page


def _part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_components_and_what_opens_over_them_meet_wcag_aa(open_page: Open, scheme: str) -> None:
    page = _shown(open_page, scheme=scheme)
    assert violations(page) == []
    opener = page.get_by_role("button", name="Actions")
    opener.click()
    assert violations(page, opener, page.get_by_role("menu")) == []
    page.keyboard.press("Escape")
    opener = page.get_by_role("combobox", name="Unit")
    opener.click()
    assert violations(page, opener, page.get_by_role("listbox", name="Unit")) == []
    page.keyboard.press("Escape")
    opener = page.get_by_role("button", name="Calendar for Starts")
    opener.click()
    calendar = page.get_by_role("dialog").filter(has=page.get_by_role("grid", name="November 2026"))
    assert violations(page, opener, calendar) == []
    page.keyboard.press("Escape")
    page.get_by_role("grid", name="Services").get_by_role("row").nth(2).click()
    assert violations(page, page.get_by_role("dialog")) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete 12 series?")
    assert violations(page, page.get_by_role("dialog")) == []


def test_components_fit_a_telephone(open_page: Open) -> None:
    page = _shown(open_page, width=390, height=844)
    assert out_of_reach(page) == []


def test_what_strangers_send_is_shown_and_does_nothing(open_page: Open) -> None:
    page = _shown(open_page)
    values = _part(page, "Values and code")
    expect(values).to_contain_text("<img src=x onerror=")
    expect(values).to_contain_text("invoice\\u202egpj.exe")
    expect(values).to_contain_text("zero\\u200bwidth\\ufeffmarks")
    expect(values).to_contain_text("first line↵second line\\tand a tab")
    assert page.evaluate("window.__xss") is None
    text = page.evaluate("document.body.innerText")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff]", text)
    ligatures = "(element) => getComputedStyle(element).fontVariantLigatures"
    for code in values.locator("bdi").all()[:20]:
        assert code.evaluate(ligatures) == "none"


def test_a_table_is_used_by_the_keyboard_alone(open_page: Open) -> None:
    page = _shown(open_page)
    table = page.get_by_role("grid", name="Services")
    part = _part(page, "Table")
    table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(part).to_contain_text("1 chosen")
    page.keyboard.press("Shift+ArrowDown")
    expect(part).to_contain_text("2 chosen")
    expect(table.locator("[aria-selected=true]")).to_have_count(2)
    page.keyboard.press("End")
    expect(table.locator(f"[aria-rowindex='{ROWS + 1}']")).to_be_visible()
    current = table.get_attribute("aria-activedescendant")
    assert page.evaluate("(id) => document.getElementById(id).ariaRowIndex", current) == str(ROWS + 1)
    page.keyboard.press("Control+a")
    expect(part).to_contain_text("100,000 chosen")
    page.keyboard.press("Escape")
    expect(part).not_to_contain_text("chosen")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("host-0:9100")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(table).to_be_focused()


def test_a_table_of_any_length_has_few_rows_in_the_page(open_page: Open) -> None:
    page = _shown(open_page)
    table = page.get_by_role("grid", name="Services")
    expect(table).to_have_attribute("aria-rowcount", str(ROWS + 1))
    assert table.get_by_role("row").count() < 80


def test_the_figures_of_a_column_share_unit_and_digits(open_page: Open) -> None:
    page = _shown(open_page)
    table = page.get_by_role("grid", name="Services")
    heads = table.get_by_role("columnheader").all_inner_texts()
    at = next(i for i, head in enumerate(heads) if head.startswith("memory"))
    assert "MiB" in heads[at]
    cells = [row.get_by_role("gridcell").nth(at) for row in table.get_by_role("row").all()[1:12]]
    texts = [cell.inner_text() for cell in cells]
    assert len({len(text.split(".")[1]) for text in texts if not text.startswith("<")}) == 1
    ends = {round(cell.evaluate("(cell) => cell.firstChild.getBoundingClientRect().right")) for cell in cells}
    assert len(ends) == 1, "figures stand at the right"
    exact = cells[1].locator("[title]").get_attribute("title")
    assert exact is not None
    assert len(exact) > len(texts[1]), "the hover tells the exact value"


def test_a_table_sorts_hides_and_sizes_columns(open_page: Open) -> None:
    page = _shown(open_page)
    table = page.get_by_role("grid", name="Services")
    head = table.get_by_role("columnheader", name=re.compile("^requests"))
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    wide = head.bounding_box()
    head.get_by_role("button").press("Shift+ArrowRight")
    wider = head.bounding_box()
    assert wide is not None
    assert wider is not None
    assert wider["width"] > wide["width"] + 10
    page.get_by_role("button", name="Columns").press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    page.get_by_role("menuitemcheckbox", name="requests").press("Enter")
    page.keyboard.press("Escape")
    expect(head).to_have_count(0)


def test_filters_are_chips_that_the_keyboard_makes_and_takes(open_page: Open) -> None:
    page = _shown(open_page)
    part = _part(page, "Table")
    field = part.get_by_role("searchbox", name="Filter services")
    field.fill("instance=~host-1[0-9]:9100")
    field.press("Enter")
    chips = part.get_by_role("list", name="Filters").get_by_role("listitem")
    expect(chips).to_have_count(1)
    expect(part.get_by_role("status")).to_have_text(re.compile(r"^1,0\d\d of 100,000 rows$"))
    chips.first.get_by_role("button").first.press("Enter")
    expect(chips.first).to_contain_text("!~")
    field.fill("instance=nothing")
    field.press("Enter")
    expect(part).to_contain_text("No service fits these filters")
    field.press("Backspace")
    field.press("Backspace")
    expect(chips).to_have_count(0)
    expect(part.get_by_role("status")).to_have_text("100,000 rows")


def test_a_menu_and_tabs_follow_the_arrows(open_page: Open) -> None:
    page = _shown(open_page)
    button = page.get_by_role("button", name="Actions")
    button.press("Enter")
    expect(page.get_by_role("menuitem", name="Show alone")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Copy the query")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    page.get_by_role("grid", name="Services").get_by_role("row").nth(2).click()
    page.get_by_role("tab", name="Labels").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Raw")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_contain_text("instance")


def test_what_cannot_be_taken_back_is_asked_for_by_name(open_page: Open) -> None:
    page = _shown(open_page)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    deed = dialog.get_by_role("button", name="Delete 12 series")
    expect(deed).to_be_disabled()
    dialog.get_by_role("textbox").fill("checkout")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Deleted 12 series")).to_be_visible()


def test_a_failure_is_said_until_it_is_dismissed(open_page: Open) -> None:
    page = _shown(open_page)
    page.get_by_role("button", name="Fail", exact=True).click()
    said = page.get_by_role("alert").filter(has_text="Could not save <img")
    expect(said).to_be_visible()
    said.get_by_role("button", name="Dismiss").press("Enter")
    expect(said).to_have_count(0)


def test_one_and_several_are_chosen_by_typing(open_page: Open) -> None:
    page = _shown(open_page)
    unit = page.get_by_role("combobox", name="Unit")
    unit.press("Control+a")
    unit.press_sequentially("plain")
    unit.press("Enter")
    expect(unit).to_have_value("plain number")
    many = page.get_by_role("combobox", name="Services")
    many.press_sequentially("own-value")
    many.press("Enter")
    expect(page.get_by_role("button", name="Remove own-value")).to_be_visible()
    many.press("Backspace")
    expect(page.get_by_role("button", name="Remove own-value")).to_have_count(0)


def test_a_day_is_taken_from_a_calendar_by_keys(open_page: Open) -> None:
    page = _shown(open_page)
    field = page.get_by_role("textbox", name="Starts")
    page.get_by_role("button", name="Calendar for Starts").press("Enter")
    day = page.get_by_role("button", name="Saturday, November 21, 2026")
    expect(day).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Saturday, November 28, 2026")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_have_value("2026-11-28 14:30:00")
    wrong = page.get_by_role("textbox", name="Ends")
    expect(wrong).to_have_attribute("aria-invalid", "true")


def test_a_legend_is_one_tab_stop_and_sorted(open_page: Open) -> None:
    page = _shown(open_page)
    legend = _part(page, "Lines and their legend").get_by_role("table", name="Series")
    last = legend.get_by_role("row").evaluate_all(
        "(rows) => rows.slice(1).map((row) => Number(row.children[1].textContent))"
    )
    assert last == sorted(last, reverse=True)
    buttons = legend.locator("[role=row] [role=cell] button")
    assert [button.get_attribute("tabindex") for button in buttons.all()].count("0") == 1
    buttons.first.focus()
    page.keyboard.press("ArrowDown")
    expect(buttons.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(legend.locator("[aria-pressed=true]")).to_have_count(1)


@pytest.mark.parametrize("kind", ["Marks", "Bars", "By powers of ten", "Heat map", "States over time"])
def test_each_kind_of_chart_is_painted_and_told(open_page: Open, kind: str) -> None:
    page = _shown(open_page)
    part = _part(page, kind)
    part.scroll_into_view_if_needed()
    expect(part.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"\w+: \w+"))
    assert painted_share(page, f'[aria-label="{kind}"] canvas') > 0.01
    over = part.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5)
    expect(page.locator(".chart-tip:visible")).to_contain_text("2026-11-29")


def test_states_can_be_told_in_the_readers_own_colours(open_page: Open) -> None:
    page = _shown(open_page)
    page.emulate_media(forced_colors="active")
    part = _part(page, "Figures and states")
    colors = part.locator("[role=img][aria-label^=Example]").evaluate_all(
        "(dots) => dots.map((dot) => getComputedStyle(dot).borderTopColor)"
    )
    assert len(set(colors[:4])) == 4, "four tones"
    page.get_by_role("grid", name="Services").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    row = page.locator("[aria-selected=true]")
    other = page.locator("[aria-selected=false]").first
    background = "(row) => getComputedStyle(row).backgroundColor"
    assert row.evaluate(background) != other.evaluate(background)
