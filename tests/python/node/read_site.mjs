// Reads one site of an array as a browser does: with fetch, from a server, by zarrita.js.
//
//     node read_site.mjs ARRAY_URL SITE
//
// Prints {"shape": …, "sha256": of the samples}.
import { createHash } from "node:crypto";
import * as zarr from "zarrita";

const [url, site] = process.argv.slice(2);
const array = await zarr.open.v3(new zarr.FetchStore(url), { kind: "array" });
const { data, shape } = await zarr.get(array, [Number(site), null, null, null]);
const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
console.log(JSON.stringify({ shape, sha256: createHash("sha256").update(bytes).digest("hex") }));
