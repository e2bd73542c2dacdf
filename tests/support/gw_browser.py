"""A browser for tests of the console: Chromium, driven by playwright-core (browser_driver.js)."""
import json
import pathlib
import shutil
import subprocess

import gw

HERE = pathlib.Path(__file__).resolve().parent
MODULES = gw.ROOT / "build/npm/node_modules"  # scripts/install-packages installs them there


class Browser:
    def __init__(self):
        assert (MODULES / "playwright-core").exists(), f"{MODULES} lacks playwright-core; scripts/install-packages test fetches it"
        environment = gw.clean_environment({"NODE_PATH": str(MODULES), "CHROMIUM": shutil.which("chromium") or "chromium"})
        self.process = subprocess.Popen([shutil.which("node"), HERE / "browser_driver.js"], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.version = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, "the browser's driver ended"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def call(self, page, name, *arguments):
        self.process.stdin.write(json.dumps({"page": page, "call": name, "args": arguments}).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer()

    def open(self, base, **options):
        """Opens a page. The options are those of Playwright's newContext: locale, colorScheme, viewport, javaScriptEnabled."""
        return Page(self, self.call(None, "open", options), base)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(gw.WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Page:
    """Each call of browser_driver.js is a method. Paths are relative to `base`."""

    def __init__(self, browser, number, base):
        self.browser, self.number, self.base = browser, number, base

    def __getattr__(self, name):
        return lambda *arguments: self.browser.call(self.number, name, *arguments)

    def goto(self, path):
        return self.browser.call(self.number, "goto", self.base + path)

    def post(self, path, form, headers=None):
        return self.browser.call(self.number, "post", self.base + path, form, headers or {})

    def get(self, path):
        return self.browser.call(self.number, "get", self.base + path)

    @property
    def path(self):
        return self.browser.call(self.number, "url").removeprefix(self.base)
