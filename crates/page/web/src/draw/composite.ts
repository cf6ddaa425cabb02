import type { Samples } from "../data/pixels";

/** How a channel is shown. */
export interface Look {
  channel: number;
  /** Red, green and blue, 0 to 255. */
  color: [number, number, number];
  start: number;
  end: number;
}

export function parseColor(color: string): [number, number, number] {
  const value = Number.parseInt(color, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/**
 * Level of a sample v in a window: 255 (v - start) / (end - start), rounded half up, 0 to 255.
 */
export function level(value: number, start: number, end: number): number {
  return Math.min(255, Math.max(0, Math.floor((255 * (value - start)) / (end - start) + 0.5)));
}

/**
 * Draws planes over one another: each adds its colour times its level / 255, rounded half up, and
 * the sums end at 255. One plane alone is grey.
 */
export function composite(planes: (Samples | undefined)[], looks: Look[], out: Uint8ClampedArray): void {
  out.fill(0);
  for (let at = 3; at < out.length; at += 4) out[at] = 255;
  looks.forEach((look, index) => {
    const plane = planes[index];
    if (plane === undefined) return;
    const color = looks.length === 1 ? [255, 255, 255] : look.color;
    const size = plane instanceof Uint8Array ? 256 : 65536;
    const [red, green, blue] = color.map((part) => lookup(size, look.start, look.end, part!)) as [Uint8Array, Uint8Array, Uint8Array];
    const pixels = Math.min(plane.length, out.length / 4);
    for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4) {
      const value = plane[pixel]!;
      // A clamped array ends sums at 255 by itself.
      out[at] = out[at]! + red[value]!;
      out[at + 1] = out[at + 1]! + green[value]!;
      out[at + 2] = out[at + 2]! + blue[value]!;
    }
  });
}

const tables = new Map<string, Uint8Array>();

/** What a value adds to a colour, for all values; kept, because many pictures share a window. */
function lookup(size: number, start: number, end: number, part: number): Uint8Array {
  const key = `${size} ${start} ${end} ${part}`;
  let table = tables.get(key);
  if (table === undefined) {
    if (tables.size >= 64) tables.clear();
    table = Uint8Array.from({ length: size }, (_, value) => Math.floor((level(value, start, end) * part) / 255 + 0.5));
    tables.set(key, table);
  }
  return table;
}

/** Makes a picture of planes of one size. */
export function picture(planes: (Samples | undefined)[], looks: Look[], width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  composite(planes, looks, image.data);
  return image;
}
