/**
 * Decodes one LZ4 block into `target` from `at` on, `size` bytes.
 *
 * See https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.
 * Throws if the block is damaged: it never reads or writes outside of what it was given.
 */
export function decodeLz4(source: Uint8Array, target: Uint8Array, at: number, size: number): void {
  const end = at + size;
  let from = 0;
  let to = at;
  const longer = (length: number): number => {
    let byte = 255;
    while (byte === 255) {
      if (from >= source.length) throw new Error("LZ4: the block is cut off");
      byte = source[from++]!;
      length += byte;
    }
    return length;
  };
  while (from < source.length) {
    const token = source[from++]!;
    let literals = token >> 4;
    if (literals === 15) literals = longer(literals);
    if (from + literals > source.length || to + literals > end) {
      throw new Error("LZ4: literals reach beyond the block");
    }
    if (literals > 16) {
      target.set(source.subarray(from, from + literals), to);
      from += literals;
      to += literals;
    } else {
      for (const stop = from + literals; from < stop; ) target[to++] = source[from++]!;
    }
    if (from === source.length) break; // the last sequence has no match
    const distance = source[from]! | (source[from + 1]! << 8);
    from += 2;
    let length = token & 15;
    if (length === 15) length = longer(length);
    length += 4;
    if (distance === 0 || to - distance < at || to + length > end) {
      throw new Error("LZ4: a match reaches beyond the block");
    }
    if (distance >= length) {
      target.copyWithin(to, to - distance, to - distance + length);
      to += length;
    } else {
      for (const stop = to + length; to < stop; to++) target[to] = target[to - distance]!;
    }
  }
  if (to !== end) throw new Error(`LZ4: ${to - at} bytes in place of ${size}`);
}
