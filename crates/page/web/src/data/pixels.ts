import { Cache } from "./cache";

/** Samples of one plane, row by row. */
export type Samples = Uint8Array | Uint16Array;

interface Chunk {
  data: Samples;
  shape: number[];
  stride: number[];
}

/** What this module needs of an array of zarrita.js. */
export interface ZarrArray {
  shape: number[];
  chunks: number[];
  getChunk(at: number[]): Promise<unknown>;
}

const KEPT = 96 << 20;

/** Planes of an array (site, channel, y, x), read by the chunks that hold them. */
export class Pixels {
  private readonly kept = new Cache<Chunk>(KEPT);
  readonly height: number;
  readonly width: number;

  constructor(private readonly array: ZarrArray) {
    this.height = array.shape[2]!;
    this.width = array.shape[3]!;
    const chunk = array.chunks.reduce((a, b) => a * b, 1);
    if (!(chunk > 0 && chunk < 2 ** 31)) throw new Error("The metadata say chunks of an impossible size.");
  }

  /** Sites of one chunk. */
  get sitesTogether(): number {
    return this.array.chunks[0]!;
  }

  /** Reads one plane. */
  async plane(site: number, channel: number): Promise<Samples> {
    const [sites, channels, height, width] = this.array.chunks as [number, number, number, number];
    const tiles: [number, number][] = [];
    for (let y = 0; y * height < this.height; y++) {
      for (let x = 0; x * width < this.width; x++) tiles.push([y, x]);
    }
    const at = [Math.floor(site / sites), Math.floor(channel / channels)];
    const chunks = await Promise.all(tiles.map(([y, x]) => this.chunk([...at, y, x])));
    const first = chunks[0]!;
    const place = (chunk: Chunk): number =>
      (site % sites) * chunk.stride[0]! + (channel % channels) * chunk.stride[1]!;
    if (tiles.length === 1 && height === this.height && width === this.width) {
      return first.data.subarray(place(first), place(first) + height * width) as Samples;
    }
    const plane = (first.data instanceof Uint8Array ? new Uint8Array(this.height * this.width) : new Uint16Array(this.height * this.width)) as Samples;
    chunks.forEach((chunk, index) => {
      const [y, x] = tiles[index]!;
      const columns = Math.min(width, this.width - x * width);
      for (let row = 0; row < Math.min(height, this.height - y * height); row++) {
        const from = place(chunk) + row * width;
        plane.set(chunk.data.subarray(from, from + columns), (y * height + row) * this.width + x * width);
      }
    });
    return plane;
  }

  private chunk(at: number[]): Promise<Chunk> {
    return this.kept.get(
      at.join("/"),
      async () => (await this.array.getChunk(at)) as Chunk,
      (chunk) => chunk.data.byteLength,
    );
  }
}
