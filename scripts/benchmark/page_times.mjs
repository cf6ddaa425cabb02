// Times the page in Chromium: node page_times.mjs CHROMIUM ADDRESS PLATE COLUMN VALUE
// Prints a JSON object: seconds from opening the page, and megabytes of the tab.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [executablePath, address, plate, column, value] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-background-networking", "--enable-precise-memory-info"];
const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(120_000);
page.on("pageerror", (error) => console.error(error.stack));
const result = {};
// The policy of the page forbids what page.waitForFunction does.
const until = async (test) => {
  while (!(await page.evaluate(test))) await new Promise((next) => setTimeout(next, 20));
};
const since = async (name, begun, action) => {
  await action();
  result[name] = (performance.now() - begun) / 1000;
};
// `data-done` counts the planes that are drawn, channel after channel.
const begun = performance.now();
await page.goto(`${address}#plate=${plate}`);
await since("wells", begun, () => page.waitForSelector(".plate canvas"));
await since("first_channel", begun, () =>
  until(() => {
    const { done, sites } = document.querySelector(".plate canvas")?.dataset ?? {};
    return Number(sites) > 0 && Number(done) >= Number(sites);
  }),
);
await since("three_channels", begun, () => page.waitForSelector("canvas[data-ready=true]"));
const traffic = () => page.evaluate(() => ({ ...document.querySelector("#traffic").dataset }));
result.requests_of_plate = Number((await traffic()).requests);
result.megabytes_of_plate = Number((await traffic()).bytes) / 1e6;

const tables = performance.now();
await page.evaluate(() => { location.hash = "view=table"; });
await since("table", tables, () => page.waitForSelector("table.rows tbody tr"));
const filtered = performance.now();
await page.evaluate(([name, cell]) => { location.hash = `view=table&filter=${name}~is~${cell}`; }, [column, value]);
await since("filter", filtered, () => until(() => / of /.test(document.querySelector("#rows")?.textContent ?? "")));
const sorted = performance.now();
await page.evaluate(([name]) => { location.hash = `view=table&sort=-${name}`; }, [column]);
await since("sort", sorted, () => page.waitForSelector(`th[aria-sort=descending]`));
const quality = performance.now();
await page.evaluate((name) => { location.hash = `view=quality&plate=${name}`; }, plate);
await since("quality", quality, () => page.waitForSelector(".map rect"));
const compare = performance.now();
await page.evaluate(([name, cell]) => { location.hash = `view=compare&by=${name}&value=${cell}`; }, [column, value]);
await since("compare", compare, () => page.waitForSelector(".compare-row .scores"));
await until(() => document.querySelector("#traffic")?.dataset.pending === "0");
const session = await context.newCDPSession(page);
await session.send("HeapProfiler.collectGarbage");
// The process of the tab, with the code of the browser that it shares with others.
const system = await browser.newBrowserCDPSession();
const { processInfo } = await system.send("SystemInfo.getProcessInfo");
const resident = processInfo
  .filter(({ type }) => type === "renderer")
  .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) * 1024);
result.megabytes_of_memory = Math.max(...resident) / 1e6;
console.log(JSON.stringify(result));
await browser.close();
