import { unshuffleBits, unshuffleBytes } from "./bitshuffle";
import { decodeLz4 } from "./lz4";
import { decodeZstd } from "./zstd";

const HEADER = 16;
/** Streams of a block that is split have at least this many bytes. */
const LEAST_STREAM = 128;
/** Larger frames are refused: Blosc 1 has none. */
const MOST_BYTES = 0x7fffffff - HEADER;

const BYTE_SHUFFLE = 0x1;
const STORED = 0x2;
const BIT_SHUFFLE = 0x4;
const NOT_SPLIT = 0x10;
const LZ4 = 1;
const ZSTD = 4;

/**
 * Decodes a Blosc 1 frame with LZ4 or Zstandard inside.
 *
 * See https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst. Throws if the frame is
 * damaged or of another kind.
 */
export function decodeBlosc(frame: Uint8Array, most = MOST_BYTES): Uint8Array {
  if (frame.length < HEADER) throw new Error("Blosc: the frame is shorter than its header");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const version = frame[0]!;
  const flags = frame[2]!;
  const typesize = frame[3]! || 1;
  const size = view.getUint32(4, true);
  const blocksize = view.getUint32(8, true);
  const stored = view.getUint32(12, true);
  if (version !== 2) throw new Error(`Blosc: version ${version} in place of 2`);
  if (size > most) throw new Error(`Blosc: the frame says ${size} bytes, more than ${most}`);
  if (stored > frame.length) throw new Error("Blosc: the frame is cut off");
  if (flags & STORED) {
    if (HEADER + size > frame.length) throw new Error("Blosc: the frame is cut off");
    return frame.slice(HEADER, HEADER + size);
  }
  const target = new Uint8Array(size);
  if (size === 0) return target;
  if (blocksize === 0) throw new Error("Blosc: blocks of 0 bytes");
  const blocks = Math.ceil(size / blocksize);
  if (HEADER + 4 * blocks > stored) throw new Error("Blosc: the frame is cut off");
  const shuffled = new Uint8Array(Math.min(blocksize, size));
  for (let block = 0; block < blocks; block++) {
    const at = block * blocksize;
    const length = Math.min(blocksize, size - at);
    const last = length < blocksize;
    const split = !(flags & NOT_SPLIT) && !last && typesize <= 16 && blocksize / typesize >= LEAST_STREAM;
    const shuffle =
      flags & BIT_SHUFFLE && length >= typesize
        ? unshuffleBits
        : flags & BYTE_SHUFFLE && typesize > 1
          ? unshuffleBytes
          : undefined;
    const [into, offset]: [Uint8Array, number] = shuffle ? [shuffled, 0] : [target, at];
    let from = view.getUint32(HEADER + 4 * block, true);
    const streams = split ? typesize : 1;
    const stream = Math.floor(length / streams);
    for (let part = 0; part < streams; part++) {
      if (from + 4 > stored) throw new Error("Blosc: a block lies outside the frame");
      const bytes = view.getUint32(from, true);
      from += 4;
      if (from + bytes > stored) throw new Error("Blosc: a block lies outside the frame");
      decodeStream(frame.subarray(from, from + bytes), flags >> 5, into, offset + part * stream, stream);
      from += bytes;
    }
    shuffle?.(shuffled, 0, length, typesize, target, at);
  }
  return target;
}

function decodeStream(
  source: Uint8Array,
  compressor: number,
  target: Uint8Array,
  at: number,
  size: number,
): void {
  if (source.length === size) target.set(source, at);
  else if (compressor === ZSTD) target.set(decodeZstd(source, size), at);
  else if (compressor === LZ4) decodeLz4(source, target, at, size);
  else throw new Error(`Blosc: compressor ${compressor} is not read here (only LZ4 and Zstandard)`);
}
