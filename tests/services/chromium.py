"""The system's Chromium: Playwright's own download is not needed."""

import os
import shutil

MISSING = "Chromium is not installed. As root: apt-get install -y --no-install-recommends chromium fonts-liberation"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# the pages are our own and on loopback, and root (as in containers) cannot use the sandbox
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
]


def find_chromium() -> str:
    """The path of the browser: $CHROMIUM, or the first one in PATH."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if found := shutil.which(name):
            return found
    raise RuntimeError(MISSING)
