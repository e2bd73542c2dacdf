// Drives Chromium for tests. Reads one JSON object a line from standard input, {page, call, args}, and writes
// its answer to standard output, {value} or {error}. gw_browser.py is the other end.
"use strict";
const fs = require("fs");
const readline = require("readline");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const WAIT = 20000;
const pages = [];

// A click waits until the next page begins to arrive, not until it is complete.
async function complete(page, action) {
  await action;
  await page.waitForLoadState("load");
}

const calls = {
  // Opens a page in a browser context of its own, without cookies. Errors of the page are kept: see
  // `complaints`.
  async open(browser, options) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: false, ...options });
    context.setDefaultTimeout(WAIT);
    const page = await context.newPage();
    page.complaints = [];
    page.asked = [];
    page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    // Requests that the page's policy forbids are not made, so they are not listed.
    page.on("requestfinished", (request) => page.asked.push(request.url()));
    page.on("requestfailed", (request) => request.failure().errorText !== "csp" && page.asked.push(request.url()));
    page.on("dialog", (dialog) => {
      if (page.agreed === undefined) page.complaints.push(`dialog: ${dialog.message()}`);
      else page.agreed.push(dialog.message());
      page.agreed === undefined ? dialog.dismiss() : dialog.accept();
    });
    pages.push(page);
    return pages.length - 1;
  },
  async goto(page, url) {
    const response = await page.goto(url);
    return response.status();
  },
  url: (page) => page.url(),
  title: (page) => page.title(),
  fill: (page, label, text) => page.getByLabel(label, { exact: true }).fill(text),
  check: (page, label) => page.getByLabel(label).check(),
  choose: (page, label, option) => page.getByLabel(label, { exact: true }).selectOption(option),
  // These find an element by the text that a person reads on it.
  press: (page, name) => complete(page, page.getByRole("button", { name, exact: true }).first().click()),
  follow: (page, name) => complete(page, page.getByRole("link", { name, exact: true }).first().click()),
  key: (page, name) => complete(page, page.keyboard.press(name)),
  // These find an element by selector.
  count: (page, selector) => page.locator(selector).count(),
  texts: (page, selector) => page.locator(selector).allInnerTexts(),
  text: (page, selector) => page.locator(selector).first().innerText(),
  value: (page, selector) => page.locator(selector).first().inputValue(),
  attribute: (page, selector, name) => page.locator(selector).first().getAttribute(name),
  visible: (page, selector) => page.locator(selector).first().isVisible(),
  fill_in: (page, selector, text) => page.locator(selector).first().fill(text),
  click: (page, selector) => complete(page, page.locator(selector).first().click()),
  wait_for: (page, selector) => page.locator(selector).first().waitFor(),
  async frame_text(page, selector) {
    return page.frameLocator(selector).locator("body").innerText();
  },
  async download(page, selector) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(selector).first().click()]);
    return { name: download.suggestedFilename(), content: fs.readFileSync(await download.path()).toString("base64") };
  },
  // Runs in the page, where the page's own policy for scripts does not apply to it.
  evaluate: (page, script) => page.evaluate(script),
  screenshot: (page, path) => page.screenshot({ path, fullPage: true }),
  cookies: (page) => page.context().cookies(),
  // Accepts the page's dialogs from now on. Returns those since the last call.
  agree(page) {
    const asked = page.agreed || [];
    page.agreed = [];
    return asked;
  },
  complaints: (page) => page.complaints.splice(0),
  asked: (page) => page.asked.splice(0),
  // Posts to a path with the page's cookies, as another site's page could.
  async post(page, url, form, headers) {
    const response = await page.context().request.post(url, { form, headers, maxRedirects: 0 });
    return { status: response.status(), text: await response.text() };
  },
  async get(page, url) {
    const response = await page.context().request.get(url, { maxRedirects: 0 });
    return { status: response.status(), headers: response.headers(), text: await response.text() };
  },
  async accessibility(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    return violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => `${n.html}: ${n.failureSummary}`) }));
  },
  close: (page) => page.context().close(),
};

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  say({ value: browser.version() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { page, call, args } = JSON.parse(line);
    try {
      const value = await calls[call](page === null ? browser : pages[page], ...args);
      say({ value: value === undefined ? null : value });
    } catch (error) {
      say({ error: String(error.stack || error) });
    }
  }
  await browser.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
