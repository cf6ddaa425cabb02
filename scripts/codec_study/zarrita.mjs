// Reads single sites of arrays in turn with zarrita.js.
//
//     node zarrita.mjs SITES ROUNDS ARRAY…
//
// Prints, for each array, {"seconds": CPU time with each site at its fastest, "sha256": …}
// of what was read, or {"error": …}.
import { createHash } from "node:crypto";
import FileSystemStore from "@zarrita/storage/fs";
import * as zarr from "zarrita";

const [sites, rounds, ...paths] = process.argv.slice(2);

async function read(array, site) {
  const chunk = await zarr.get(array, [zarr.slice(site, site + 1), null, null, null]);
  return chunk.data;
}

async function open(path) {
  try {
    const array = await zarr.open.v3(new FileSystemStore(path), { kind: "array" });
    const hash = createHash("sha256");
    for (let site = 0; site < sites; site++) hash.update(await read(array, site));
    return { array, sha256: hash.digest("hex"), fastest: Array(Number(sites)).fill(Infinity) };
  } catch (error) {
    return { error: String(error) };
  }
}

const subjects = [];
for (const path of paths) subjects.push(await open(path));
for (let round = 0; round < rounds; round++) {
  for (let site = 0; site < sites; site++) {
    for (const { array, fastest } of subjects.filter((subject) => subject.array)) {
      const began = process.cpuUsage();
      await read(array, site);
      const { user, system } = process.cpuUsage(began);
      fastest[site] = Math.min(fastest[site], (user + system) / 1e6);
    }
  }
}
const seconds = (fastest) => fastest?.reduce((sum, one) => sum + one, 0);
console.log(
  JSON.stringify(
    subjects.map(({ error, sha256, fastest }) => ({ error, sha256, seconds: seconds(fastest) })),
  ),
);
