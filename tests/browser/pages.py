"""Checks the program's pages in a headless browser; see `run`.

usage: pages.py SPANLOOM CHROMIUM [FOLDER]
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from playwright.sync_api import sync_playwright

NAMES = 'entries = [["Paris", "LOC", "", 0.9], ["Hilton", "PER", "", 0.6], ["Acme", "PER", "", 0.7], ["Bath", "LOC", "", 0.2]]'
HEAD = 'labels = ["LOC", "PER", "ORG"]\n[[source]]\nkind = "gazetteer"\nname = "names"\nmatch = "all"\n'
ENGINE = f'{HEAD}{NAMES}\n[[merge]]\npass = "threshold"\nmin = 0.5\n[[merge]]\npass = "longest"\n'
OTHER = ENGINE.replace("0.5", "0.1").replace('"Acme", "PER"', '"Acme", "ORG"')
EVIL = "</script><img src=x onerror=alert(1)> <!-- & \u2028 Paris"
GOLD = [
    ("Paris is calm", [(0, 5, "LOC")]),
    ("Paris Hilton of Acme", [(0, 12, "PER"), (16, 20, "ORG")]),
    ("Bath and Rome", [(0, 4, "LOC"), (9, 13, "LOC")]),
    (EVIL, []),
]
MANY = 10_000


class Page:
    """A page in the browser, whose complaints and requests are errors."""

    def __init__(self, browser, path, width=1280, scheme="light"):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.complaints = []
        note = self.complaints.append
        self.page.on("console", lambda message: note(message.text))
        self.page.on("pageerror", lambda error: note(str(error)))
        self.page.on("dialog", lambda dialog: (note(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requested(request.url))
        self.page.goto(path.as_uri())
        self.name = f"{path.name}, {width} wide, {scheme}"

    def requested(self, url):
        if not url.startswith(("file:", "data:")):
            self.complaints.append(f"request of {url}")

    def count(self, selector):
        return self.page.locator(selector).count()

    def equal(self, got, expected, what):
        assert got == expected, f"{self.name}: {what}: got {got!r}, expected {expected!r}"

    def picture(self, path):
        self.page.screenshot(path=path, full_page=True)

    def close(self):
        self.equal(self.complaints, [], "complaints")
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{self.name}: {wide} pixels wider than the window"
        self.page.close()


def make(spanloom, folder):
    """Writes the pages to the folder."""
    (folder / "a.toml").write_text(ENGINE)
    (folder / "b.toml").write_text(OTHER)

    def document(text, entities):
        listed = [{"start": start, "end": end, "label": label} for start, end, label in entities]
        return json.dumps({"text": text, "entities": listed}) + "\n"

    (folder / "gold.jsonl").write_text("".join(document(*one) for one in GOLD))
    many = [f"number {number} of Rome" for number in range(MANY)]
    rome = lambda text: [(len(text) - 4, len(text), "LOC")]
    (folder / "many.jsonl").write_text("".join(document(text, rome(text)) for text in many))
    (folder / "none.jsonl").write_text("".join(document(text, []) for text in many))

    def run(*arguments, codes=(0,)):
        ran = subprocess.run([spanloom, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode in codes, f"{arguments}: {ran.stderr}"

    run("eval", "gold.jsonl", "-e", "a.toml", "--report", "eval.html", "--systems", "gazetteer,hybrid",
        "--ablation", "--rounds", "100")
    run("eval", "many.jsonl", "--pred", "none.jsonl", "--report", "many.html")
    run("diff", "a.toml", "b.toml", "gold.jsonl", "--html", "diff.html", codes=(1,))
    run("explain", "gold.jsonl", "-e", "a.toml", "--html", "explain.html")
    (folder / "bad.jsonl").write_text((folder / "gold.jsonl").read_text() + EVIL + "\n")
    run("tag", "bad.jsonl", "many.jsonl", "-e", "a.toml", "-o", "tagged", "--job", "--restart", "--shard-size", "2kB",
        "--report", "job.html", codes=(1,))


def check_list(page, expected):
    """The filters of a list with `expected` rows."""
    rows = lambda: page.count("#list li")
    page.equal(rows(), expected, "rows")
    first = page.page.locator("#filters button[data-kind=kind]").first
    number = int(first.locator("i").inner_text())
    first.click()
    page.equal(rows(), number, "rows of a kind")
    page.equal(page.page.locator("#shown").inner_text(), f"{number} of {expected}", "the count")
    first.focus()
    page.page.keyboard.press("Enter")
    page.equal(rows(), expected, "rows after the key")
    page.page.locator("#search").fill("bAtH")
    assert 0 < rows() < expected, f"{page.name}: the search finds {rows()} of {expected}"
    page.page.locator("#search").fill("nowhere at all")
    page.equal(rows(), 0, "rows of what is nowhere")
    page.page.locator("#clear").click()
    page.equal(rows(), expected, "rows after clearing")
    step = page.page.locator("#step")
    value = step.locator("option").nth(1).get_attribute("value")
    step.select_option(value)
    page.equal(page.page.locator("#list .why b").all_inner_texts(), [value] * rows(), "the step of the rows")
    page.page.locator("#clear").click()


def check_eval(page):
    page.equal(page.count("svg.chart"), 9, "charts")
    page.equal(page.count("svg .system"), 2, "systems")
    page.equal(page.count("svg .effect"), 3, "parts")
    page.equal(page.count("svg .step"), 3, "steps")
    page.equal(page.count("svg .bar:not(.all)"), 3, "bars of labels")
    page.equal(page.count("svg .heat"), 15, "cells of the matrix")
    page.equal(page.count("svg .bin"), 3, "bins of the curve")
    check_list(page, 6)
    cell = page.page.locator(".heat[aria-label='LOC missed: 2']")
    cell.focus()
    page.page.keyboard.press("Enter")
    page.equal(page.count("#list li"), 2, "rows behind a cell")
    page.page.locator("#clear").click()
    text = page.page.locator("#list .excerpt").last.inner_text()
    assert "</script><img src=x" in text, f"{page.name}: {text}"
    page.equal(page.count("img"), 0, "images")


def check_many(page):
    page.equal(page.page.locator("#shown").inner_text(), "10,000 in all", "the count")
    rows = page.count("#list li")
    assert 0 < rows < 500, f"{page.name}: {rows} rows at once"
    page.page.locator("#more").scroll_into_view_if_needed()
    page.page.wait_for_function(f"document.querySelectorAll('#list li').length > {rows}")
    page.page.locator("#search").fill("number 9999 ")
    page.equal(page.count("#list li"), 1, "the last")


def check_diff(page):
    page.equal(page.page.locator(".tiles dd").all_inner_texts(), ["0", "1", "1", "0", "0"], "counts")
    check_list(page, 2)


def check_explain(page):
    page.equal(page.count("section"), len(GOLD), "documents")
    page.page.locator("button[data-kind=label][data-value=PER]").click()
    assert page.count("article:not([hidden])") < page.count("article"), f"{page.name}: nothing is hidden"
    page.page.locator(".text a").first.click()
    page.equal(page.count("details.current"), 1, "the place one chose")


def check_job(page):
    page.equal(page.page.locator(".tiles dd").all_inner_texts()[0], "10,004", "documents")
    page.equal(page.count("svg .curve"), 1, "curves")
    page.equal(page.page.locator(".surfaces th").first.inner_text(), "Paris", "the most frequent surface")
    page.equal(page.count(".errors tbody tr"), 1, "errors")
    page.equal(page.count("img"), 0, "images")


CHECKS = {"eval": check_eval, "many": check_many, "diff": check_diff, "explain": check_explain, "job": check_job}


def main(spanloom, chromium, folder):
    make(str(pathlib.Path(spanloom).resolve()), folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, check in CHECKS.items():
            for width, scheme in [(1280, "light"), (1280, "dark"), (390, "light")]:
                page = Page(browser, folder / f"{name}.html", width, scheme)
                check(page)
                page.picture(folder / f"{name}-{width}-{scheme}.png")
                page.close()
            print(f"{name}: well")
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        FOLDER = pathlib.Path(sys.argv[3]).resolve()
        FOLDER.mkdir(parents=True, exist_ok=True)
        main(sys.argv[1], sys.argv[2], FOLDER)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(sys.argv[1], sys.argv[2], pathlib.Path(temporary))
