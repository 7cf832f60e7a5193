"""The page of a comparison in a real browser: quiet, within its width, readable in every light, on one sheet."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tasks.stats.report import page

from ..browser import Browser, browser
from ..stats import samples

pytestmark = pytest.mark.integration
DESK, PHONE = 1150, 390
WIDER = """[...document.querySelectorAll('body *')].filter(one =>
    !one.closest('.wide, pre, svg') && one.getBoundingClientRect().right > innerWidth + 0.5
  ).map(one => one.outerHTML.slice(0, 90)).concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : [])"""
CLIPPED = """[...document.querySelectorAll('svg[role=img] text')].filter(one => {
    const text = one.getBoundingClientRect(), svg = one.closest('svg').getBoundingClientRect();
    return text.left < svg.left - 1 || text.right > svg.right + 1
      || text.top < svg.top - 4 || text.bottom > svg.bottom + 3
  }).map(one => one.closest('figure').id + ': ' + one.textContent)"""
OVERLAPS = """[...document.querySelectorAll('svg[role=img]')].flatMap(svg => {
    const texts = [...svg.querySelectorAll('text')].filter(one => one.textContent.trim());
    const boxes = texts.map(one => one.getBoundingClientRect()), slack = 2;
    const apart = (a, b) => a.left + slack >= b.right || b.left + slack >= a.right
      || a.top + slack >= b.bottom || b.top + slack >= a.bottom;
    return texts.flatMap((one, i) => texts.filter((other, k) => k > i && !apart(boxes[i], boxes[k]))
      .map(other => svg.closest('figure').id + ': ' + one.textContent + ' / ' + other.textContent))
  })"""


@pytest.fixture(scope="module")
def tab():
    if not shutil.which("chromium"):
        pytest.fail("There is no browser. Install it: conf/sandbox/browser")
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The page of every sample."""
    made = tmp_path_factory.mktemp("pages")
    for sample in samples.ALL:
        (made / f"{sample.__name__}.html").write_text(page.html(sample()))
    return made


@pytest.fixture(params=[sample.__name__ for sample in samples.ALL])
def shown(request, folder) -> Path:
    return folder / f"{request.param}.html"


def colours(tab: Browser) -> dict[str, str]:
    return tab.run("""({page: getComputedStyle(document.body).backgroundColor,
        text: getComputedStyle(document.body).color,
        line: getComputedStyle(document.querySelector('.legend path')).stroke})""")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3: between two colours such as rgb(0, 114, 178)."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_page_is_quiet_and_within_its_width(tab, shown):
    tab.complaints.clear()
    for width in (DESK, PHONE):
        tab.open(shown, width)
        assert tab.run("document.querySelectorAll('figure').length") >= 6
        assert tab.run(WIDER) == []
    assert tab.complaints == []


def test_no_label_is_cut_off_or_lies_on_another(tab, shown):
    for width in (DESK, PHONE):
        tab.open(shown, width)
        assert tab.run(CLIPPED) == []
        assert tab.run(OVERLAPS) == []


def test_every_figure_has_its_numbers_beside_it(tab, folder):
    tab.open(folder / "control.html", DESK)
    figures = "[...document.querySelectorAll('figure')]"
    assert tab.run(f"{figures}.filter(one => !one.querySelector('details table')).length") == 0
    assert tab.run("[...document.querySelectorAll('svg[role=img]')].filter(one => !one.ariaLabel).length") == 0


def test_light_and_dark_are_both_readable(tab, shown):
    tab.open(shown, DESK)
    light, by_day = colours(tab), tab.picture()
    tab.open(shown, DESK, dark=True)
    dark, by_night = colours(tab), tab.picture()
    assert by_day[:8] == by_night[:8] == b"\x89PNG\r\n\x1a\n"
    assert by_day != by_night
    for found in (light, dark):
        assert contrast(found["page"], found["text"]) > 7
        assert contrast(found["page"], found["line"]) > 3
    assert contrast(light["page"], dark["page"]) > 10


def test_it_prints_on_one_sheet(tab, shown):
    tab.open(shown, DESK, dark=True)
    sheets = re.findall(rb"/Type\s*/Page\b", tab.pdf())
    assert len(sheets) == 1 or shown.stem == "hostile"  # whose reason alone has 500 characters


def test_what_names_say_is_never_run(tab, folder):
    tab.complaints.clear()
    tab.open(folder / "hostile.html", DESK)
    assert tab.complaints == []
    assert tab.run("document.querySelectorAll('script, img, iframe, object').length") == 0
    assert "<script>alert(1)</script>" in tab.run("document.querySelector('h1').parentElement.textContent")


def test_the_checks_find_what_they_look_for(tab, folder, tmp_path):
    file = tmp_path / "page.html"
    text = (folder / "failing.html").read_text()
    clash = '<figure id="x"><svg role="img" viewBox="0 0 9 9"><text x="0" y="5">one</text><text x="0" y="5">two</text>'
    wide = f"<table><tr><td>{'wide ' * 100}</td></tr></table>"
    file.write_text(text.replace("<main", f"<script>1</script>{clash}</svg></figure>{wide}<main"))
    tab.complaints.clear()
    tab.open(file, PHONE)
    assert any("Content Security Policy" in one for one in tab.complaints)
    assert tab.run(OVERLAPS) == ["x: one / two"]
    assert tab.run(CLIPPED)
    assert tab.run(WIDER)
