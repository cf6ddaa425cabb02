/**
 * Undoes the bit-shuffle of Blosc: bit b of byte j of eight neighbouring elements lies together in
 * one byte of row 8 j + b.
 *
 * `source` holds `size` bytes from `from`. Whole groups of eight elements are shuffled; Blosc
 * stores a block as it is if its number of elements is no multiple of eight.
 */
export function unshuffleBits(
  source: Uint8Array,
  from: number,
  size: number,
  typesize: number,
  target: Uint8Array,
  at: number,
): void {
  const elements = Math.floor(size / typesize);
  if (elements % 8 !== 0) {
    target.set(source.subarray(from, from + size), at);
    return;
  }
  const row = elements / 8;
  for (let byte = 0; byte < typesize; byte++) {
    const r0 = from + byte * 8 * row;
    const r1 = r0 + row;
    const r2 = r1 + row;
    const r3 = r2 + row;
    const r4 = r3 + row;
    const r5 = r4 + row;
    const r6 = r5 + row;
    const r7 = r6 + row;
    let to = at + byte;
    for (let k = 0; k < row; k++) {
      // An 8 x 8 transpose of bits in two words, as in Hacker's Delight.
      let low = source[r0 + k]! | (source[r1 + k]! << 8) | (source[r2 + k]! << 16) | (source[r3 + k]! << 24);
      let high = source[r4 + k]! | (source[r5 + k]! << 8) | (source[r6 + k]! << 16) | (source[r7 + k]! << 24);
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= swap ^ (swap << 14);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= swap ^ (swap << 7);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= swap ^ (swap << 14);
      swap = (low ^ ((low >>> 28) | (high << 4))) & 0xf0f0f0f0;
      low ^= swap;
      high ^= swap >>> 4;
      target[to] = low;
      target[to + typesize] = low >>> 8;
      target[to + 2 * typesize] = low >>> 16;
      target[to + 3 * typesize] = low >>> 24;
      target[to + 4 * typesize] = high;
      target[to + 5 * typesize] = high >>> 8;
      target[to + 6 * typesize] = high >>> 16;
      target[to + 7 * typesize] = high >>> 24;
      to += 8 * typesize;
    }
  }
  const rest = elements * typesize;
  target.set(source.subarray(from + rest, from + size), at + rest);
}

/** Undoes the byte-shuffle of Blosc: byte j of all elements lies together. */
export function unshuffleBytes(
  source: Uint8Array,
  from: number,
  size: number,
  typesize: number,
  target: Uint8Array,
  at: number,
): void {
  const elements = Math.floor(size / typesize);
  for (let byte = 0; byte < typesize; byte++) {
    for (let element = 0; element < elements; element++) {
      target[at + element * typesize + byte] = source[from + byte * elements + element]!;
    }
  }
  const rest = elements * typesize;
  target.set(source.subarray(from + rest, from + size), at + rest);
}
