// Reads sites of an array one after the other as a browser does: with fetch, by zarrita.js.
//
//     node read_site.mjs ARRAY_URL SITE…
//
// Prints the SHA-256 of each site's samples, a line each.
import { createHash } from "node:crypto";
import * as zarr from "zarrita";

const [url, ...sites] = process.argv.slice(2);
const array = await zarr.open.v3(new zarr.FetchStore(url), { kind: "array" });
for (const site of sites) {
  const { data } = await zarr.get(array, [Number(site), null, null, null]);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  console.log(createHash("sha256").update(bytes).digest("hex"));
}
