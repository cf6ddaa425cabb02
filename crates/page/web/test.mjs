// Runs the tests: node test.mjs. Node's own runner takes JavaScript, so they are bundled first.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { options } from "./build.mjs";

// Below node_modules, so that packages are found; numcodecs.js is compared with, not replaced.
const folder = mkdtempSync(new URL("node_modules/.tests-", import.meta.url).pathname);
const entryPoints = readdirSync(new URL("test", import.meta.url)).map((name) => `test/${name}`);
const { alias, ...rest } = options;
await build({ ...rest, alias: { hysnappy: alias.hysnappy }, entryPoints, outdir: folder, outExtension: { ".js": ".mjs" }, platform: "node", external: ["numcodecs/*"] });
const files = readdirSync(folder).map((name) => join(folder, name));
const done = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
rmSync(folder, { recursive: true });
process.exit(done.status ?? 1);
