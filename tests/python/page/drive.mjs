// Opens a page in Chromium and does what it is told: node drive.mjs CHROMIUM < STEPS
//
// STEPS is a JSON list; a step is an object with the member `do`. Prints a JSON object: `values`
// of the steps that give one, `errors` of the page, and the addresses of all `requests`.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { javaScript = true, steps } = JSON.parse(readFileSync(0, "utf8"));
const args = ["--no-sandbox", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath: process.argv[2], args });
const context = await browser.newContext({
  viewport: { width: 1400, height: 900 },
  javaScriptEnabled: javaScript,
  acceptDownloads: true,
});
const page = await context.newPage();
page.setDefaultTimeout(120_000);
const [values, errors, requests] = [[], [], []];
page.on("pageerror", (error) => errors.push(String(error.stack ?? error)));
page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
page.on("request", (request) => requests.push(request.url()));
page.on("dialog", (dialog) => {
  errors.push(`dialog: ${dialog.message()}`);
  void dialog.dismiss();
});

// The policy of the page forbids what page.waitForFunction does.
const until = async (code) => {
  const end = Date.now() + 120_000;
  while (!(await page.evaluate(code))) {
    if (Date.now() > end) throw new Error(`this did not become true: ${code}`);
    await new Promise((next) => setTimeout(next, 50));
  }
};

const actions = {
  open: ({ address }) => page.goto(address),
  hash: ({ fragment }) => page.evaluate((text) => { location.hash = text; }, fragment),
  wait: ({ selector }) => page.waitForSelector(selector, { state: "attached" }),
  until: ({ code }) => until(code),
  evaluate: async ({ code }) => values.push(await page.evaluate(code)),
  click: ({ selector, at }) => page.click(selector, at ? { position: { x: at[0], y: at[1] } } : {}),
  fill: async ({ selector, text }) => {
    await page.fill(selector, text);
    await page.dispatchEvent(selector, "change");
  },
  focus: ({ selector }) => page.focus(selector),
  press: ({ key }) => page.keyboard.press(key),
  upload: ({ selector, path }) => page.setInputFiles(selector, path),
  download: async ({ selector, path }) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
    await download.saveAs(path);
    values.push(download.suggestedFilename());
  },
  picture: ({ path, all = false }) => page.screenshot({ path, fullPage: all }),
};

try {
  for (const step of steps) await actions[step.do](step);
} catch (error) {
  errors.push(`the test: ${error.message}`);
  await page.screenshot({ path: "failed.png" });
}
console.log(JSON.stringify({ values, errors, requests }));
await browser.close();
