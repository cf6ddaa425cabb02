// Opens a page in Chromium, prints what it tells, and keeps a picture of it:
// node view.mjs CHROMIUM ADDRESS PICTURE
import { chromium } from "playwright-core";

const [executablePath, address, picture] = process.argv.slice(2);
// Without a graphics card, WebGL is computed by SwiftShader.
const args = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
args.push("--ignore-gpu-blocklist", "--disable-background-networking");
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage({ viewport: { width: 600, height: 600 } });
page.on("pageerror", (error) => {
  console.error(error.stack);
  process.exit(1);
});
page.on("console", (message) => {
  if (message.type() === "error") console.error(message.text());
});
const loaded = page.waitForEvent("console", {
  predicate: (message) => message.text().startsWith("FOUND "),
  timeout: 120_000,
});
await page.goto(address);
console.log((await loaded).text().slice("FOUND ".length));
// The viewport is loaded, and drawn with the next frames.
await page.evaluate(() => new Promise((next) => setTimeout(next, 2000)));
await page.screenshot({ path: picture });
await browser.close();
