import { registry } from "zarrita";
import { decodeBlosc } from "./blosc";
import { decodeZstd } from "./zstd";

/** A codec of zarrita.js that only decodes. */
function decoder(decode: (bytes: Uint8Array) => Uint8Array): () => unknown {
  const codec = {
    kind: "bytes_to_bytes",
    encode(): never {
      throw new Error("the page does not write");
    },
    decode,
  };
  return () => ({ fromConfig: () => codec });
}

/** Lets zarrita.js decode Blosc and Zstandard with the codecs of this page, without WebAssembly. */
export function registerCodecs(): void {
  const codecs = registry as unknown as Map<string, () => unknown>;
  codecs.set("blosc", decoder((bytes) => decodeBlosc(bytes)));
  codecs.set("zstd", decoder((bytes) => decodeZstd(bytes)));
}
