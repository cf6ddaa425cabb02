/** The codecs of the page against numcodecs.js, which is C-Blosc, LZ4 and Zstandard as WebAssembly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import Blosc from "numcodecs/blosc";
import LZ4 from "numcodecs/lz4";
import Zstd from "numcodecs/zstd";
import * as zarr from "zarrita";
import { decodeBlosc } from "../src/codecs/blosc";
import { decodeLz4 } from "../src/codecs/lz4";
import { registerCodecs } from "../src/codecs/register";
import { decodeZstd } from "../src/codecs/zstd";

/** The same numbers in each run (xorshift). */
function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Bytes like those of images: smooth, with noise, and with runs of 0. */
function samples(length: number, seed: number): Uint8Array {
  const next = random(seed);
  let value = 40;
  return Uint8Array.from({ length }, (_, at) => {
    value = Math.max(0, Math.min(255, value + Math.round((next() - 0.5) * 6)));
    return at % 1000 < 200 ? 0 : value;
  });
}

const LENGTHS = [0, 1, 7, 8, 15, 16, 63, 64, 127, 128, 129, 1000, 4096, 65_537, 262_144];

for (const cname of ["zstd", "lz4", "lz4hc"]) {
  for (const shuffle of [0, 1, 2]) {
    test(`Blosc ${cname}, shuffle ${shuffle}, as numcodecs.js encodes it`, async () => {
      for (const length of LENGTHS) {
        for (const blocksize of [0, 256, 4096]) {
          const bytes = samples(length, length + blocksize);
          const codec = Blosc.fromConfig({ id: "blosc", cname, clevel: 5, shuffle: shuffle as 0, blocksize });
          const frame = await codec.encode(bytes);
          assert.deepEqual(decodeBlosc(frame), bytes, `${length} bytes in blocks of ${blocksize}`);
        }
      }
    });
  }
}

/** A frame with blocks that are not compressed, so that only their order and shuffle count. */
function storedFrame(bytes: Uint8Array, typesize: number, blocksize: number, flags: number): Uint8Array {
  const blocks = Math.ceil(bytes.length / blocksize);
  const parts: number[] = [];
  const starts: number[] = [];
  for (let block = 0; block < blocks; block++) {
    const one = bytes.subarray(block * blocksize, (block + 1) * blocksize);
    const split = !(flags & 0x10) && one.length === blocksize && blocksize / typesize >= 128;
    const streams = split ? typesize : 1;
    starts.push(16 + 4 * blocks + parts.length);
    for (let stream = 0; stream < streams; stream++) {
      const length = one.length / streams;
      const piece = one.subarray(stream * length, (stream + 1) * length);
      parts.push(piece.length & 255, (piece.length >> 8) & 255, piece.length >> 16, 0, ...piece);
    }
  }
  const frame = new Uint8Array(16 + 4 * blocks + parts.length);
  const view = new DataView(frame.buffer);
  frame.set([2, 1, flags | (1 << 5), typesize]);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, blocksize, true);
  view.setUint32(12, frame.length, true);
  starts.forEach((start, block) => view.setUint32(16 + 4 * block, start, true));
  frame.set(parts, 16 + 4 * blocks);
  return frame;
}

for (const typesize of [1, 2, 4, 8]) {
  test(`the order of bits and bytes, type size ${typesize}, as numcodecs.js decodes it`, async () => {
    const codec = Blosc.fromConfig({ id: "blosc" });
    for (const blocksize of [16, 64, 1024, 4096]) {
      for (const length of [blocksize, 2 * blocksize, 3 * blocksize - typesize, 2 * blocksize + 8 * typesize]) {
        for (const flags of [0x4, 0x14, 0x1, 0x11, 0x0]) {
          const frame = storedFrame(samples(length, length), typesize, blocksize, flags);
          const expected = await codec.decode(frame);
          assert.deepEqual(decodeBlosc(frame), new Uint8Array(expected), `${length} bytes, blocks of ${blocksize}, flags ${flags}`);
        }
      }
    }
  });
}

test("LZ4 and Zstandard as numcodecs.js encodes them", async () => {
  for (const length of LENGTHS.filter((one) => one > 0)) {
    const bytes = samples(length, length);
    const lz4 = await LZ4.fromConfig({ id: "lz4" }).encode(bytes);
    const target = new Uint8Array(length);
    decodeLz4(lz4.subarray(4), target, 0, length); // numcodecs puts the size before the block
    assert.deepEqual(target, bytes);
    assert.deepEqual(decodeZstd(await Zstd.fromConfig({ id: "zstd", level: 3 }).encode(bytes), length), bytes);
  }
});

test("damaged frames are refused or decoded, and never read or written outside", async () => {
  const next = random(99);
  for (const cname of ["zstd", "lz4"]) {
    const whole = await Blosc.fromConfig({ id: "blosc", cname, clevel: 5, shuffle: 2, blocksize: 256 }).encode(samples(2000, 5));
    for (let round = 0; round < 3000; round++) {
      const frame = whole.slice(0, round % 3 === 0 ? Math.floor(next() * whole.length) : whole.length);
      for (let flip = 0; flip < 3 && frame.length > 0; flip++) {
        frame[Math.floor(next() * frame.length)] = Math.floor(next() * 256);
      }
      try {
        assert.ok(decodeBlosc(frame, 1 << 20).length <= 1 << 20);
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.ok(!(error instanceof assert.AssertionError), String(error));
      }
    }
  }
});

/** A store with one array of one chunk. */
function arrayOf(dtype: string, codecs: unknown[], chunk: Uint8Array, length: number) {
  const metadata = {
    zarr_format: 3,
    node_type: "array",
    shape: [length],
    data_type: dtype,
    chunk_grid: { name: "regular", configuration: { chunk_shape: [length] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs,
    attributes: {},
  };
  const objects = new Map([
    ["/zarr.json", new TextEncoder().encode(JSON.stringify(metadata))],
    ["/c/0", chunk],
  ]);
  return zarr.open.v3({ get: async (key: string) => objects.get(key) } as never, { kind: "array" });
}

for (const dtype of ["uint8", "uint16"] as const) {
  test(`delta-zstd of ${dtype} through zarrita.js`, async () => {
    registerCodecs();
    const bytes = samples(8192, 3);
    const values = dtype === "uint8" ? bytes : new Uint16Array(bytes.buffer.slice(0));
    const differences = values.map((value, at) => (at === 0 ? value : value - values[at - 1]!));
    const packed = await Zstd.fromConfig({ id: "zstd", level: 1 }).encode(new Uint8Array(differences.buffer));
    const name = dtype === "uint8" ? "|u1" : "<u2";
    const array = await arrayOf(
      dtype,
      [
        { name: "numcodecs.delta", configuration: { dtype: name, astype: name } },
        { name: "bytes", configuration: { endian: "little" } },
        { name: "zstd", configuration: { level: 1, checksum: false } },
      ],
      packed,
      values.length,
    );
    const chunk = await array.getChunk([0]);
    assert.deepEqual(chunk.data, values);
  });
}
