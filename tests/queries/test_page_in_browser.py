"""Pages in a real browser: trees and the keyboard, cards, tables, pictures, colours, and print.

Without Chromium these tests are skipped, unless CI or POLICYGROUNDS_BROWSER=required asks for them.
"""

import json
import os
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from engine.analysis.difference import Comparison, Route
from engine.explanation import Explanation
from policygrounds import KnowledgeBase
from queries.differences import comparison_view
from queries.documents import page
from queries.findings import Checked
from queries.letters import letter_page
from queries.rendering import render_picture
from queries.reports import comparison_page, findings_page, routes_page
from queries.routes import routes_view
from queries.tree import sheet

Explained = Callable[..., Explanation]
REQUIRED = os.environ.get("CI") == "1" or os.environ.get("POLICYGROUNDS_BROWSER") == "required"
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOW_CONTRAST = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (rgb) => rgb.slice(0, 3).reduce((sum, value, place) => {
  const part = value / 255;
  const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  return sum + linear * [0.2126, 0.7152, 0.0722][place];
}, 0);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = channels(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const low = [];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  if (element.closest("svg")) continue;
  const [dark, light] = [
    luminance(channels(getComputedStyle(element).color)), luminance(behind(element)),
  ].sort((one, other) => one - other);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < 4.5) low.push([ratio, walker.currentNode.textContent.trim()]);
}
return low;
"""

LOW_CONTRAST_IN_PICTURES = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => channels(colour).slice(0, 3).reduce((sum, value, place) => {
  const part = value / 255;
  const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  return sum + linear * [0.2126, 0.7152, 0.0722][place];
}, 0);
const low = [];
for (const box of document.querySelectorAll(".picture .box")) {
  const behind = luminance(getComputedStyle(box).fill);
  for (const text of box.parentElement.querySelectorAll(":scope > text, :scope > a > text")) {
    for (const part of [text, ...text.querySelectorAll("tspan")]) {
      const [dark, light] = [luminance(getComputedStyle(part).fill), behind].sort((a, b) => a - b);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (part.textContent.trim() && ratio < 4.5) low.push([ratio, part.textContent.trim()]);
    }
  }
}
return low;
"""
OUTSIDE_THEIR_BOX = """
const outside = [];
for (const box of document.querySelectorAll(".picture .box")) {
  const place = box.getBoundingClientRect();
  for (const text of box.parentElement.querySelectorAll(":scope > text, :scope > a > text")) {
    if (text.classList.contains("needs")) continue;
    const part = text.getBoundingClientRect();
    if (part.left < place.left || part.right > place.right || part.top < place.top - 1
        || part.bottom > place.bottom + 1) outside.push(text.textContent);
  }
}
return outside;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        message = "chromium and chromedriver are not on this machine"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def document(
    kb: KnowledgeBase,
    explained: Explained,
    contradicted: Explanation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Write a page with a case of every outcome, one under two policies, and a contradiction."""
    explanations = [
        explained("v2-CP.PHAR.302", across_readings=True, history=True),
        explained("v1-CP.PHAR.302"),
        explained("v7-CP.PHAR.302", policy="5.21.071"),
        explained("v7-CP.PHAR.302"),
        explained("open-1"),
        contradicted,
    ]
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page(explanations, kb.policies, kb.vocabulary), "utf-8")
    return file


@pytest.fixture
def shown(browser: webdriver.Chrome, document: Path) -> webdriver.Chrome:
    """Show the page anew, on a wide light screen, with nothing logged."""
    see(browser, scheme="light", width=1200)
    browser.get(document.as_uri())
    for log in ("browser", "performance"):
        logged(browser, log)
    return browser


def logged(browser: webdriver.Chrome, log: str) -> list[dict[str, str]]:
    """Return what was logged since this was last asked."""
    entries: list[dict[str, str]] = browser.get_log(log)  # type: ignore[no-untyped-call]
    return entries


def see(browser: webdriver.Chrome, *, scheme: str, width: int, media: str = "") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    command = {"media": media, "features": features}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", command)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def tree(browser: webdriver.Chrome) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, "[role=tree]")


def items(browser: webdriver.Chrome) -> list[WebElement]:
    return tree(browser).find_elements(By.CSS_SELECTOR, "[role=treeitem]")


def visible(browser: webdriver.Chrome) -> list[str]:
    return [section(item) for item in items(browser) if item.is_displayed()]


def section(item: WebElement) -> str:
    text = item.find_element(By.CSS_SELECTOR, ".section").get_attribute("textContent")
    assert text is not None
    return text


def press(browser: webdriver.Chrome, *keys: str) -> str:
    """Press keys where the focus is, and return the section that has it then."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
    return section(browser.switch_to.active_element)


def begin(browser: webdriver.Chrome) -> str:
    """Move the focus to the tree, as the tab key would."""
    browser.execute_script("arguments[0].focus()", items(browser)[0])
    return section(browser.switch_to.active_element)


def test_the_criteria_are_a_tree_to_assistive_technology(shown: webdriver.Chrome) -> None:
    roles = shown.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [
        (node["role"]["value"], node["name"]["value"])
        for node in roles
        if not node["ignored"] and node["role"]["value"] in ("tree", "treeitem")
    ]
    assert ("tree", "Criteria") in named
    assert ("treeitem", "I.A.3 Age is 18 years or older met") in named
    assert ("treeitem", "I.A.5 Prescribed in one of the listed ways (any of) not met") in named
    assert len(items(shown)) > 20
    reachable = [section(item) for item in items(shown) if item.get_attribute("tabindex") == "0"]
    assert reachable == ["I.A"]


def test_arrows_move_through_the_tree_and_open_and_close_it(shown: webdriver.Chrome) -> None:
    assert begin(shown) == "I.A"
    assert press(shown, Keys.ARROW_DOWN) == "I.A.1"
    assert press(shown, *[Keys.ARROW_DOWN] * 4) == "I.A.5"
    assert press(shown, Keys.ARROW_RIGHT) == "I.A.5.a"
    assert press(shown, Keys.ARROW_LEFT) == "I.A.5"
    assert "I.A.5.b.ii" in visible(shown)
    assert press(shown, Keys.ARROW_LEFT) == "I.A.5"
    assert shown.switch_to.active_element.get_attribute("aria-expanded") == "false"
    assert not [name for name in visible(shown) if name.startswith("I.A.5.")]
    assert press(shown, Keys.ARROW_DOWN) == "I.A.6"
    assert press(shown, Keys.ARROW_UP, Keys.ARROW_RIGHT) == "I.A.5"
    assert "I.A.5.a" in visible(shown)
    assert press(shown, Keys.ENTER) == "I.A.5"
    assert "I.A.5.a" not in visible(shown)
    assert press(shown, Keys.SPACE, Keys.ARROW_RIGHT) == "I.A.5.a"
    reachable = [section(item) for item in items(shown) if item.get_attribute("tabindex") == "0"]
    assert reachable == ["I.A.5.a"]


def test_home_end_and_letters_find_their_item(shown: webdriver.Chrome) -> None:
    begin(shown)
    last = press(shown, Keys.END)
    assert last == visible(shown)[-1] == "I.D.2"
    assert press(shown, Keys.HOME) == "I.A"
    assert press(shown, "a") == "I.A.2"
    assert press(shown, Keys.HOME, "i.a.6") == "I.A.6"
    shown.find_elements(By.CSS_SELECTOR, ".tools button")[1].click()
    assert visible(shown) == ["I.A", "I.D"]
    assert begin(shown) == press(shown, "*") == "I.A"
    assert visible(shown)[:2] == ["I.A", "I.A.1"]
    assert visible(shown)[-1] == "I.D.2"
    assert "I.A.5.a" not in visible(shown)


def test_a_click_and_the_buttons_open_and_close_too(shown: webdriver.Chrome) -> None:
    everything = visible(shown)
    (row,) = [item for item in items(shown) if section(item) == "I.A.5"]
    row.find_element(By.CSS_SELECTOR, ".row").click()
    assert "I.A.5.a" not in visible(shown)
    tools = shown.find_elements(By.CSS_SELECTOR, ".tools button")
    tools[1].click()
    assert visible(shown) == ["I.A", "I.D"]
    tools[0].click()
    assert visible(shown) == everything


def test_there_is_a_card_for_every_group_of_changes(shown: webdriver.Chrome) -> None:
    first = shown.find_element(By.CSS_SELECTOR, "#answer-1")
    cards = first.find_elements(By.CSS_SELECTOR, "[data-effort=prescribe] > .card")
    assert len(cards) == 3
    assert all(card.is_displayed() for card in cards)
    assert cards[0].text.startswith("To prescribe: the drugs given together")
    link = cards[0].find_element(By.LINK_TEXT, "I.A.5.a")
    link.click()
    (target,) = first.find_elements(By.CSS_SELECTOR, ":target")
    assert target.text.startswith("I.A.5.a")
    last = shown.find_element(By.CSS_SELECTOR, "#answer-5")
    assert len(last.find_elements(By.CSS_SELECTOR, "[data-effort=document] > .card")) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_text_stands_out_in_light_and_dark_and_fits_a_phone(
    shown: webdriver.Chrome, scheme: str, width: int
) -> None:
    see(shown, scheme=scheme, width=width)
    background = shown.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, background.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (brightness > 600) is (scheme == "light")
    assert shown.execute_script(LOW_CONTRAST) == []
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width


def test_print_shows_everything_in_black_on_white(shown: webdriver.Chrome) -> None:
    begin(shown)
    press(shown, Keys.ARROW_LEFT)
    assert visible(shown) == ["I.A", "I.D", "I.D.1", "I.D.2"]
    printed = shown.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert b64decode(printed["data"]).startswith(b"%PDF")
    see(shown, scheme="dark", width=800, media="print")
    assert len(visible(shown)) == len(items(shown)) > 20
    assert not shown.find_element(By.CSS_SELECTOR, ".tools").is_displayed()
    colours = shown.execute_script(
        "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert shown.execute_script(LOW_CONTRAST) == []


def test_the_tree_is_open_without_a_script(browser: webdriver.Chrome, document: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(document.as_uri())
        assert len(items(browser)) > 20
        snapshot = browser.execute_cdp_cmd(
            "DOMSnapshot.captureSnapshot", {"computedStyles": ["display"]}
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    texts = [snapshot["strings"][place] for place in snapshot["documents"][0]["layout"]["text"]]
    assert "I.A.5.b.ii (lines)" in texts
    assert "Expand all" not in texts


def test_nothing_is_loaded_and_nothing_goes_wrong(shown: webdriver.Chrome, document: Path) -> None:
    shown.get(document.as_uri())
    press_all(shown)
    assert logged(shown, "browser") == []
    asked = [
        message["params"]["request"]["url"]
        for entry in logged(shown, "performance")
        for message in [json.loads(entry["message"])["message"]]
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert asked
    assert {url for url in asked if not url.startswith("data:")} == {document.as_uri()}


def press_all(browser: webdriver.Chrome) -> None:
    begin(browser)
    press(browser, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.END, "x", Keys.HOME)


def test_a_letter_prints_and_stands_out(
    kb: KnowledgeBase, explained: Explained, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    file = tmp_path / "letter.html"
    file.write_text(
        letter_page(explained("v7-CP.PHAR.302"), kb.policies["CP.PHAR.302"], kb.vocabulary), "utf-8"
    )
    for scheme in ("light", "dark"):
        see(browser, scheme=scheme, width=390)
        browser.get(file.as_uri())
        assert browser.execute_script(LOW_CONTRAST) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    drafts = browser.find_elements(By.CSS_SELECTOR, ".draft")
    assert [draft.is_displayed() for draft in drafts] == [True, True]
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})
    assert b64decode(printed["data"]).startswith(b"%PDF")


# Reports on policies


@pytest.fixture
def reports(
    kb: KnowledgeBase,
    checked: Checked,
    comparison: Comparison,
    found_routes: tuple[Route, ...],
    tmp_path: Path,
) -> dict[str, Path]:
    """Write a report on findings, a comparison with many regions, many routes, and a tree."""
    (difference, *others) = comparison.differences
    regions = tuple(
        replace(region, first_sections=(str(number),))
        for number, region in enumerate(difference.regions * 4)
    )
    long = replace(comparison, differences=(replace(difference, regions=regions), *others))
    view = comparison_view(long, kb.vocabulary)
    many = [replace(found_routes[-1], sections=(f"Age.{number}",)) for number in range(20)]
    routes = routes_view(
        checked.policy, checked.version, "approve", [*found_routes, *many], kb.vocabulary
    )
    policy = kb.policies["CP.PHAR.302"]
    other = replace(checked, policy=policy, version=policy.versions[-1], findings=())
    written = {
        "findings": findings_page([checked, other], kb.vocabulary),
        "comparison": comparison_page([view], kb.vocabulary),
        "routes": routes_page(routes),
        "tree": render_picture("sheet.svg.jinja", sheet=sheet(policy, policy.versions[-1])),
    }
    files = {}
    for name, text in written.items():
        files[name] = tmp_path / f"{name}.{'svg' if name == 'tree' else 'html'}"
        files[name].write_text(text, "utf-8")
    return files


@pytest.mark.parametrize("name", ["findings", "comparison", "routes"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_reports_stand_out_in_light_and_dark_and_fit_a_phone(
    browser: webdriver.Chrome, reports: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    see(browser, scheme=scheme, width=width)
    browser.get(reports[name].as_uri())
    assert browser.execute_script(LOW_CONTRAST) == []
    assert browser.execute_script(LOW_CONTRAST_IN_PICTURES) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["findings", "tree"])
def test_the_texts_of_a_picture_stay_in_their_boxes(
    browser: webdriver.Chrome, reports: dict[str, Path], name: str
) -> None:
    see(browser, scheme="light", width=1200)
    browser.get(reports[name].as_uri())
    assert len(browser.find_elements(By.CSS_SELECTOR, ".picture .box")) > 40
    assert browser.execute_script(OUTSIDE_THEIR_BOX) == []
    if name == "tree":
        see(browser, scheme="dark", width=1200)
        assert browser.execute_script(LOW_CONTRAST_IN_PICTURES) == []


def test_a_mark_in_the_tree_leads_to_its_finding(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    see(browser, scheme="light", width=1200)
    browser.get(reports["findings"].as_uri())
    marks = browser.find_elements(By.CSS_SELECTOR, "#policy-1 .picture a")
    assert [mark.text for mark in marks] == [
        "● note: Criteria that ask the same (finding 2)",
        "● note: Criteria that ask the same (finding 2)",
        "▲ warning: A reading that decides answers (finding 1)",
        "✔ accepted: A criterion that no patient can meet (finding 3)",
    ]
    marks[-1].click()
    (target,) = browser.find_elements(By.CSS_SELECTOR, ":target")
    assert "Accepted on 2025-09-15: The text is to be corrected." in target.text
    summary = target.find_element(By.CSS_SELECTOR, "summary")
    assert summary.text == "2 cases that show it"
    summary.click()
    assert "Denied: age 17 or less." in target.text


def test_the_tree_is_a_list_to_assistive_technology(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    browser.get(reports["findings"].as_uri())
    nodes = [
        node
        for node in browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        if not node["ignored"]
    ]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes}
    assert ("group", "Pathway Renewal: Renewal of the approval of ixazomib") in named
    described = [node.get("description", {}).get("value", "") for node in nodes]
    assert "A tree of 6 sections, 2 sections marked with findings." in " ".join(described)
    boxes = browser.find_elements(By.CSS_SELECTOR, ".picture .box")
    items = [node for node in nodes if node["role"]["value"] == "listitem"]
    assert len(items) >= len(boxes)
    texts = {name for role, name in named if role == "StaticText"}
    assert {"Renewal.a", "No disease progression and no unacceptable toxicity"} <= texts


@pytest.mark.parametrize(("name", "more"), [("comparison", 10), ("routes", 12)])
def test_a_long_report_is_folded_and_printed_whole(
    browser: webdriver.Chrome, reports: dict[str, Path], name: str, more: int
) -> None:
    see(browser, scheme="light", width=1200)
    browser.get(reports[name].as_uri())
    rest = browser.find_element(By.CSS_SELECTOR, "details.rest")
    assert rest.find_element(By.CSS_SELECTOR, "summary").text == f"{more} more"
    rows = rest.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert [row.is_displayed() for row in rows] == [False] * more
    rest.find_element(By.CSS_SELECTOR, "summary").click()
    assert [row.is_displayed() for row in rows] == [True] * more
    browser.get(reports[name].as_uri())
    see(browser, scheme="dark", width=800, media="print")
    rows = browser.find_elements(By.CSS_SELECTOR, "details.rest tbody tr")
    heights = browser.execute_script(
        "return arguments[0].map((row) => row.getBoundingClientRect().height)", rows
    )
    assert min(heights) > 10
    assert browser.execute_script(LOW_CONTRAST) == []
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert b64decode(printed["data"]).startswith(b"%PDF")


def test_the_contents_lead_to_the_routes_of_each_pathway(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    see(browser, scheme="light", width=390)
    browser.get(reports["routes"].as_uri())
    links = browser.find_elements(By.CSS_SELECTOR, "nav a")
    assert [link.text.partition(":")[0] for link in links] == ["Prior-Approval", "Renewal"]
    links[-1].click()
    (target,) = browser.find_elements(By.CSS_SELECTOR, ":target")
    assert target.text.startswith("Renewal: ")
    tables = browser.find_elements(By.CSS_SELECTOR, "table.routes")
    assert max(table.size["width"] for table in tables) <= 390


def test_pictures_are_printed_in_black_on_white(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    see(browser, scheme="dark", width=800, media="print")
    for name in ("findings", "tree"):
        browser.get(reports[name].as_uri())
        fills = browser.execute_script(
            "return [...document.querySelectorAll('.picture text, .picture .box')]"
            ".map((part) => getComputedStyle(part).fill)"
        )
        assert set(fills) == {"rgb(0, 0, 0)", "rgb(255, 255, 255)"}
        assert browser.execute_script(LOW_CONTRAST_IN_PICTURES) == []


def test_reports_load_nothing_and_nothing_goes_wrong(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    for file in reports.values():
        logged(browser, "performance")
        logged(browser, "browser")
        browser.get(file.as_uri())
        assert logged(browser, "browser") == []
        asked = [
            message["params"]["request"]["url"]
            for entry in logged(browser, "performance")
            for message in [json.loads(entry["message"])["message"]]
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}
