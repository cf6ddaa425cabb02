/** Rules, tables of picks, composites, code to copy, and range requests. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { parseCsv, printCsv } from "../src/data/csv";
import { duckdbLines, pythonLines } from "../src/data/lines";
import { wellPosition } from "../src/data/plates";
import { parseRoot } from "../src/data/root";
import { Group, globExpression } from "../src/data/rules";
import { composite, level } from "../src/draw/composite";
import { Objects } from "../src/io/http";

test("globs are those of docs/format.md", () => {
  const cases: [pattern: string, fits: string[], other: string[]][] = [
    ["neg*", ["neg", "negative"], ["a neg", "Neg"]],
    ["a?c", ["abc"], ["ac", "abbc"]],
    ["[a-c]1", ["a1", "c1"], ["d1"]],
    ["[!ab]1", ["c1"], ["a1"]],
    ["{EMPTY,s1*}", ["EMPTY", "s12"], ["s2"]],
    ["a\\*b", ["a*b"], ["aXb"]],
    ["a.b+(c)", ["a.b+(c)"], ["aXb+(c)"]],
    ["5-3/2", ["5-3/2"], []],
  ];
  for (const [pattern, fits, other] of cases) {
    for (const text of fits) assert.ok(globExpression(pattern).test(text), `${pattern} fits ${text}`);
    for (const text of other) assert.ok(!globExpression(pattern).test(text), `${pattern} does not fit ${text}`);
  }
});

test("a rule needs one clause of each column", () => {
  const group = new Group(["well_type=negative_control", "HUVEC-1", "experiment=RPE*", "site=1", "note="]);
  const row = (cells: Record<string, string | number | null>) => group.has((column) => cells[column] ?? null);
  assert.ok(row({ well_type: "negative_control", experiment: "HUVEC-01", site_number: 1, note: null }));
  assert.ok(row({ well_type: "negative_control", experiment: "RPE-07", site_number: 1 }));
  assert.ok(!row({ well_type: "treatment", experiment: "HUVEC-01", site_number: 1 }));
  assert.ok(!row({ well_type: "negative_control", experiment: "HUVEC-01", site_number: 2 }));
  assert.ok(!row({ well_type: "negative_control", experiment: "HUVEC-01", site_number: 1, note: "x" }));
});

test("picks survive the way through picks.csv", () => {
  const rows: [string, string][] = [["HUVEC-01_1_B02_1", ""], ["b", 'a "quoted", text'], ["c", "two\nlines"]];
  assert.deepEqual(parseCsv(printCsv(rows)), rows.map(([id, note]) => ({ id, note })));
  assert.deepEqual(parseCsv("\ufeffnote,site_id\r\nx,a\r\n"), [{ id: "a", note: "x" }]);
  assert.throws(() => parseCsv("id\na\n"), /site_id/);
});

test("a composite adds colours by their levels, and one channel is grey", () => {
  assert.deepEqual([level(0, 0, 51), level(51, 0, 51), level(99, 0, 51), level(26, 0, 51)], [0, 255, 255, 130]);
  const out = new Uint8ClampedArray(8);
  const red = { channel: 0, color: [255, 0, 0] as [number, number, number], start: 0, end: 100 };
  const pink = { channel: 1, color: [200, 0, 100] as [number, number, number], start: 0, end: 200 };
  composite([Uint8Array.of(100, 50), Uint8Array.of(200, 100)], [red, pink], out);
  assert.deepEqual([...out], [255, 0, 100, 255, 228, 0, 50, 255]);
  composite([Uint16Array.of(100, 50)], [red], out);
  assert.deepEqual([...out], [255, 255, 255, 255, 128, 128, 128, 255]);
});

test("texts of the data stay texts in lines of code", () => {
  const site = `a'b"; DROP TABLE x; --\n\\`;
  const python = pythonLines("http://host/", site).split("\n");
  assert.equal(python.length, 4);
  assert.ok(python[2]!.includes(String.raw`site="a'b\"; DROP TABLE x; --\n\\"`));
  assert.ok(duckdbLines("http://host/", site).includes(`'a''b"; DROP TABLE x; --\\'`));
});

test("wells", () => {
  assert.deepEqual(wellPosition("B02"), { row: 1, column: 2 });
  assert.deepEqual(wellPosition("AF48"), { row: 31, column: 48 });
  assert.equal(wellPosition("../etc"), undefined);
});

test("a root that cannot be shown is refused in words", () => {
  const root = (json: unknown) => () => parseRoot(new TextEncoder().encode(JSON.stringify(json)));
  assert.throws(root({ switch: 1, rxrx2zarr: "x" }), /being replaced/);
  assert.throws(root({ attributes: { format: 3 } }), /format 3/);
  assert.throws(root({ attributes: { format_version: 4 } }), /no metadata of the images/);
  assert.throws(root({ attributes: { format_version: 4 }, consolidated_metadata: { metadata: { images: { shape: [1, -6, 8, 8], data_type: "uint8" } } } }), /no metadata/);
});

/** Serves 100,000 bytes, with suffix ranges or, as Azure does, without. */
async function served(suffixes: boolean, action: (objects: Objects, asked: string[]) => Promise<void>): Promise<void> {
  const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, at) => at * 31));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const range = request.headers.range ?? "";
    asked.push(`${request.method} ${range}`);
    const match = /^bytes=(\d*)-(\d*)$/.exec(range);
    if (request.method === "HEAD") return void response.writeHead(200, { "Content-Length": content.length }).end();
    if (!match) return void response.writeHead(200).end(content);
    if (match[1] === "" && !suffixes) return void response.writeHead(400).end();
    const from = match[1] === "" ? content.length - Number(match[2]) : Number(match[1]);
    const to = match[1] === "" ? content.length : Math.min(content.length, Number(match[2]) + 1);
    response.writeHead(206, { "Content-Range": `bytes ${from}-${to - 1}/${content.length}` }).end(content.subarray(from, to));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    const { port } = server.address() as AddressInfo;
    await action(new Objects(new URL(`http://127.0.0.1:${port}/`)), asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const suffixes of [true, false]) {
  test(`ranges of one turn are merged; ${suffixes ? "with" : "without"} suffix ranges`, () =>
    served(suffixes, async (objects, asked) => {
      const object = objects.object("a b/../c");
      assert.equal(await object.open(1000), 100_000);
      const before = asked.length;
      assert.equal(before, suffixes ? 1 : 3);
      const parts = await Promise.all([object.read(0, 10), object.read(5000, 5010), object.read(60_000, 60_002), object.read(99_500, 99_501)]);
      // Both are under way at once, in any order.
      assert.deepEqual(asked.slice(before).sort(), ["GET bytes=0-5009", "GET bytes=60000-60001"]);
      assert.deepEqual([...parts[1]!], Array.from({ length: 10 }, (_, at) => ((5000 + at) * 31) & 255));
      assert.equal(parts[3]![0], (99_500 * 31) & 255);
      assert.equal(objects.traffic.requests, asked.length);
    }));
}
