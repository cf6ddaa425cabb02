import { decompressBrotli, decompressGzip, decompressLz4, decompressLz4Raw } from "hyparquet-compressors";
import { type AsyncBuffer, type Compressors, type FileMetaData, parquetMetadataAsync, parquetRead } from "hyparquet";
import { decodeZstd } from "../codecs/zstd";
import type { Objects, RangedObject } from "./http";

const compressors: Compressors = {
  ZSTD: (bytes, length) => decodeZstd(bytes, length),
  GZIP: (bytes, length) => decompressGzip(bytes, length),
  BROTLI: (bytes, length) => decompressBrotli(bytes, length),
  LZ4: (bytes, length) => decompressLz4(bytes, length),
  LZ4_RAW: (bytes, length) => decompressLz4Raw(bytes, length),
};

/** The end of a file that is read first: the footer of most tables. */
const TAIL = 64 * 1024;

/** A value of a cell. */
export type Cell = string | number | boolean | null | number[];

/** Rows of some columns, each column an array of its cells. */
export type Columns = Map<string, Cell[]>;

/** A Parquet table of the dataset. Its footer is read once. */
export class Table {
  private constructor(
    private readonly file: AsyncBuffer,
    readonly metadata: FileMetaData,
    readonly rows: number,
    readonly bytes: number,
  ) {}

  static async open(objects: Objects, key: string): Promise<Table> {
    const object = objects.object(key);
    const bytes = await object.open(TAIL);
    const file = new ObjectBuffer(object, bytes);
    const metadata = await parquetMetadataAsync(file, { initialFetchSize: Math.min(TAIL, bytes) });
    return new Table(file, metadata, Number(metadata.num_rows), bytes);
  }

  /** Names of the columns, in their order. */
  get columns(): string[] {
    const [root, ...rest] = this.metadata.schema;
    const names: string[] = [];
    let skip = 0;
    for (const element of rest) {
      if (skip > 0) {
        skip += (element.num_children ?? 0) - 1;
        continue;
      }
      names.push(element.name);
      skip = element.num_children ?? 0;
    }
    return names.slice(0, root?.num_children ?? names.length);
  }

  /** Compressed bytes of columns, over all rows or those of some row groups. */
  sizeOf(columns: string[], from = 0, to = this.rows): number {
    let bytes = 0;
    for (const { group } of this.groups(from, to)) {
      for (const { meta_data } of this.metadata.row_groups[group]!.columns) {
        if (meta_data && columns.includes(meta_data.path_in_schema[0]!)) {
          bytes += Number(meta_data.total_compressed_size);
        }
      }
    }
    return bytes;
  }

  /** Row groups that hold rows `from` up to, not including, `to`. */
  groups(from = 0, to = this.rows): { group: number; from: number; to: number }[] {
    const found: { group: number; from: number; to: number }[] = [];
    let start = 0;
    this.metadata.row_groups.forEach((one, group) => {
      const end = start + Number(one.num_rows);
      if (end > from && start < to) found.push({ group, from: Math.max(from, start), to: Math.min(to, end) });
      start = end;
    });
    return found;
  }

  /**
   * Reads rows `from` up to, not including, `to` of some columns. A row group of which few rows
   * are wanted is read by pages.
   */
  async read(columns: string[], from = 0, to = this.rows): Promise<Columns> {
    const known = columns.filter((name) => this.columns.includes(name));
    const result: Columns = new Map(known.map((name) => [name, []]));
    if (to <= from || known.length === 0) return result;
    const parts = this.groups(from, to);
    const read = await Promise.all(parts.map((part) => this.part(known, part.from, part.to)));
    for (const part of read) {
      known.forEach((name, index) => {
        const cells = result.get(name)!;
        for (const row of part) cells.push(plain(row[index]));
      });
    }
    return result;
  }

  private async part(columns: string[], rowStart: number, rowEnd: number): Promise<unknown[][]> {
    const group = this.groups(rowStart, rowEnd)[0]!.group;
    const all = Number(this.metadata.row_groups[group]!.num_rows);
    // The indexes of pages cost a request, so a group that is small, or wanted for the most part,
    // is read whole.
    const pages = this.sizeOf(columns, rowStart, rowEnd) > 256 * 1024 && rowEnd - rowStart < all / 2;
    let rows: unknown[][] = [];
    await parquetRead({
      file: this.file,
      metadata: this.metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
      useOffsetIndex: pages,
      onComplete: (data: unknown[][]) => {
        rows = data;
      },
    });
    return rows;
  }
}

/** Turns what hyparquet returns into a plain value. */
function plain(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<number>, Number);
  return String(value);
}

class ObjectBuffer implements AsyncBuffer {
  constructor(
    private readonly object: RangedObject,
    readonly byteLength: number,
  ) {}

  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const from = start < 0 ? Math.max(0, this.byteLength + start) : start;
    return (await this.object.read(from, Math.min(end, this.byteLength))).buffer;
  }
}
