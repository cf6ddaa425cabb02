// Reads arrays whole as a browser does: with fetch, by zarrita.js.
//
//     node read_labels.mjs GROUP_URL NAME…
//
// Prints a JSON object: the values of each array, flat, in C order.
import * as zarr from "zarrita";

const [url, ...names] = process.argv.slice(2);
const values = {};
for (const name of names) {
  const array = await zarr.open.v3(new zarr.FetchStore(`${url}/${name}`), { kind: "array" });
  const { data } = await zarr.get(array);
  values[name] = Array.from({ length: data.length }, (_, at) =>
    data.get ? data.get(at) : data[at],
  );
}
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
console.log(JSON.stringify(values, plain));
