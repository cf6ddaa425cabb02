import type { AbsolutePath, RangeQuery } from "zarrita";
import { NotFound, type Objects } from "./http";

/** The group `images.zarr` for zarrita.js. Metadata come from the root, pixels by ranges. */
export class ZarrStore {
  constructor(
    private readonly objects: Objects,
    private readonly metadata: Map<string, unknown>,
  ) {}

  async get(key: AbsolutePath): Promise<Uint8Array | undefined> {
    const name = /^\/([^/]+)\/zarr\.json$/.exec(key)?.[1];
    const known = name === undefined ? undefined : this.metadata.get(name);
    if (known !== undefined) return new TextEncoder().encode(JSON.stringify(known));
    return present(this.objects.get(`images.zarr${key}`));
  }

  async getRange(key: AbsolutePath, range: RangeQuery): Promise<Uint8Array | undefined> {
    const object = this.objects.object(`images.zarr${key}`);
    return present(
      "suffixLength" in range
        ? object.last(range.suffixLength)
        : object.read(range.offset, range.offset + range.length),
    );
  }
}

async function present(bytes: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await bytes;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
