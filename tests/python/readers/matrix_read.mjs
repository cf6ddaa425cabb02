// Reads datasets with zarrita.js and hyparquet, as matrix_read.py does with readers in Python.
//
//     node matrix_read.mjs < QUESTION
//
// Takes {kind: {path, url, sites, operations, tables}} as JSON. Prints
// {reader: {operation: {kind: {value} or {error}}}}: digests of pixels, and rows of tables.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import * as zarr from "zarrita";

const NAMES = { uint8: "uint8", uint16: "uint16" };

function digest({ data, shape }, type) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return `(${shape.join(", ")}) ${NAMES[type]} ${hash}`;
}

async function chosen(dataset, ...choices) {
  const group = await zarr.open.v3(new zarr.FetchStore(dataset.url), { kind: "group" });
  const images = await zarr.open.v3(group.resolve("images"), { kind: "array" });
  const read = [];
  for (const choice of choices) read.push(digest(await zarr.get(images, choice), images.dtype));
  return read;
}

// int64 is a BigInt, which JSON does not know.
const plain = (value) =>
  typeof value === "bigint" ? Number(value)
  : ArrayBuffer.isView(value) || Array.isArray(value) ? Array.from(value, plain)
  : value;

async function label(dataset, name) {
  const group = await zarr.open.v3(new zarr.FetchStore(dataset.url), { kind: "group" });
  const array = await zarr.open.v3(group.resolve(name), { kind: "array" });
  const { data, shape } = await zarr.get(array);
  const cells = Array.from({ length: data.length }, (_, cell) =>
    plain(data.get ? data.get(cell) : data[cell]));
  if (shape.length === 1) return cells;
  return Array.from({ length: shape[0] }, (_, row) =>
    cells.slice(row * shape[1], (row + 1) * shape[1]));
}

async function rows(dataset, tables) {
  const found = {};
  for (const name of tables) {
    const file = await asyncBufferFromFile(`${dataset.path}/${name}`);
    const read = await parquetReadObjects({ file, compressors });
    found[name] = read.map((row) =>
      Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)])));
  }
  return found;
}

const isVectors = (name) => name.startsWith("embed");

const READERS = {
  zarrita: {
    "one site": (one) =>
      chosen(one, [0, null, null, null], [one.sites - 1, null, null, null]),
    labels: async (one) => {
      const read = [];
      for (const name of ["site", "well", "plate", "present"]) read.push(await label(one, name));
      return read;
    },
  },
  hyparquet: {
    tables: (one) => rows(one, one.tables.filter((name) => !isVectors(name))),
    embeddings: (one) => rows(one, one.tables.filter(isVectors)),
  },
};

async function answer(operation, dataset) {
  try {
    return { value: await operation(dataset), warning: "" };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

const datasets = JSON.parse(readFileSync(0, "utf-8"));
const answers = {};
for (const [reader, operations] of Object.entries(READERS)) {
  const cells = (answers[reader] = {});
  for (const [name, operation] of Object.entries(operations)) {
    cells[name] = {};
    for (const [kind, dataset] of Object.entries(datasets)) {
      if (dataset.operations.includes(name)) cells[name][kind] = await answer(operation, dataset);
    }
  }
}
console.log(JSON.stringify(answers));
