"""Headless Chromium for tests of pages; skipped with a reason where there is none, except in CI, where that fails."""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium():
    """Return the path of Chromium, or skip."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no Chromium on this machine")
    return found


@dataclass
class Seen:
    """A page and what it did: messages on the console, errors, requests beyond the page itself."""

    page: object
    messages: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    def labels(self, chart):
        """Return the text marks and titles of a chart."""
        return self.page.locator(f"#chart-{chart} svg text").all_text_contents()

    def set(self, name, value):
        """Move the control of a parameter, as a hand would: its value, then the event."""
        self.page.locator(f"[name={name}]").evaluate(
            "(e, v) => { e.type === 'checkbox' ? e.checked = v : e.value = v;"
            " e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }",
            value,
        )
        self.page.wait_for_timeout(300)


@contextmanager
def browser():
    """Start Chromium for the tests of a module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium(), args=list(QUIET))
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(started, path, width=1280):
    """Open a page from disk, without a network, and wait until its charts are drawn."""
    context = started.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    seen = Seen(page)
    page.on("console", lambda m: seen.messages.append(m.text))
    page.on("pageerror", lambda e: seen.messages.append(str(e)))
    page.on("request", lambda r: seen.requests.append(r.url))
    try:
        page.goto(path.as_uri())
        page.wait_for_function("document.documentElement.dataset.ready === 'yes'", timeout=60_000)
        seen.requests = [
            url for url in seen.requests if not url.startswith(("data:", "blob:", path.as_uri()))
        ]
        yield seen
    finally:
        context.close()
