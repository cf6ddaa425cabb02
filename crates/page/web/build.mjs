// Builds the page: node build.mjs TARGET. The same sources give the same file.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const read = (name) => readFile(new URL(name, here), "utf8");

export const options = {
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  absWorkingDir: new URL(".", import.meta.url).pathname,
  // What zarrita.js would load for Blosc and Zstandard is 1.4 MB of WebAssembly, and that of
  // hyparquet-compressors for Snappy needs a looser policy; the page has its own decoders.
  alias: {
    "numcodecs/blosc": "./src/codecs/none.ts",
    "numcodecs/lz4": "./src/codecs/none.ts",
    "numcodecs/zstd": "./src/codecs/none.ts",
    hysnappy: "./src/codecs/none.ts",
  },
};

export async function page() {
  const script = await build({ ...options, entryPoints: ["src/main.tsx"], minify: true, charset: "ascii", write: false });
  const code = script.outputFiles[0].text.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  const style = await build({ ...options, entryPoints: ["src/style.css"], minify: true, write: false });
  const css = style.outputFiles[0].text.trim();
  const sha = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const policy = [
    "default-src 'none'",
    `script-src ${sha(code)}`,
    `style-src ${sha(css)}`,
    "connect-src 'self'",
    "img-src 'self' blob: data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const template = await read("src/index.html");
  const parts = { POLICY: policy, STYLE: css, SCRIPT: code };
  return template.replace(/\{\{(POLICY|STYLE|SCRIPT)\}\}/g, (_, name) => parts[name]);
}

const [target] = import.meta.url === `file://${process.argv[1]}` ? process.argv.slice(2) : [];
if (target) {
  const text = await page();
  await writeFile(target, text);
  console.log(`${target}: ${Buffer.byteLength(text)} bytes`);
}
