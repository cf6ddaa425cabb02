/** Reads objects of the dataset by range requests, merges and counts them. */

/** Ranges that are asked for at the same time become one request if the gap is smaller. */
const GAP = 16 * 1024;
/** No merged request is longer. */
const LONGEST = 8 << 20;
/** Requests at the same time, as many as browsers send over HTTP/1.1. */
const AT_ONCE = 6;

/** An object that is not there. */
export class NotFound extends Error {}

/** Requests and bytes since the page was opened. */
export interface Traffic {
  requests: number;
  bytes: number;
  pending: number;
}

/** Objects below an address, each asked for by its key. */
export class Objects {
  readonly traffic: Traffic = { requests: 0, bytes: 0, pending: 0 };
  /** Called after each change of `traffic`. */
  onTraffic: () => void = () => {};
  private readonly files = new Map<string, RangedObject>();
  private suffixes = true;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(readonly base: URL) {}

  object(key: string): RangedObject {
    let file = this.files.get(key);
    if (file === undefined) {
      file = new RangedObject(this, key);
      this.files.set(key, file);
    }
    return file;
  }

  /** Reads a whole object. */
  async get(key: string): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.request(key, undefined);
    return answer.bytes;
  }

  /** Reads the last bytes of an object, and tells the size of all of it. */
  async last(key: string, length: number): Promise<{ bytes: Uint8Array<ArrayBuffer>; size: number }> {
    if (this.suffixes) {
      const answer = await this.request(key, `bytes=-${length}`);
      if (answer.size !== undefined) return { bytes: answer.bytes, size: answer.size };
      // Servers without suffix ranges (Azure) send the whole object, or refuse.
      this.suffixes = false;
      if (answer.whole) return { bytes: answer.bytes.slice(-length), size: answer.bytes.length };
    }
    const size = await this.size(key);
    const from = Math.max(0, size - length);
    return { bytes: await this.range(key, from, size), size };
  }

  /** Reads bytes `from` up to, not including, `to`. */
  async range(key: string, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    if (to <= from) return new Uint8Array(0);
    const answer = await this.request(key, `bytes=${from}-${to - 1}`);
    const bytes = answer.whole ? answer.bytes.slice(from, to) : answer.bytes;
    if (bytes.length !== to - from) {
      throw new Error(`${key}: the server sent ${bytes.length} bytes in place of ${to - from}`);
    }
    return bytes;
  }

  private async size(key: string): Promise<number> {
    const response = await this.fetch(key, { method: "HEAD" });
    const size = Number(response.headers.get("Content-Length"));
    if (!Number.isSafeInteger(size) || size <= 0) throw new Error(`${key}: the server tells no size`);
    return size;
  }

  private async request(
    key: string,
    range: string | undefined,
  ): Promise<{ bytes: Uint8Array<ArrayBuffer>; size?: number; whole: boolean }> {
    const response = await this.fetch(key, range === undefined ? {} : { headers: { Range: range } });
    if (response.status === 416 || response.status === 400) {
      return { bytes: new Uint8Array(0), whole: false };
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.traffic.bytes += bytes.length;
    this.onTraffic();
    const total = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1];
    return { bytes, size: total === undefined ? undefined : Number(total), whole: response.status === 200 };
  }

  private async fetch(key: string, init: RequestInit): Promise<Response> {
    if (this.running >= AT_ONCE) await new Promise<void>((next) => this.waiting.push(next));
    this.running++;
    this.traffic.requests++;
    this.traffic.pending++;
    this.onTraffic();
    try {
      const address = new URL(key.split("/").map(encodeURIComponent).join("/"), this.base);
      const response = await fetch(address, { ...init, credentials: "same-origin" });
      if (response.status === 404 || response.status === 403) {
        throw new NotFound(`${key}: the server answers ${response.status}`);
      }
      if (!response.ok && response.status !== 416 && response.status !== 400) {
        throw new Error(`${key}: the server answers ${response.status} ${response.statusText}`);
      }
      return response;
    } catch (error) {
      if (error instanceof TypeError) throw new Error(`${key}: no answer from the server`, { cause: error });
      throw error;
    } finally {
      this.running--;
      this.traffic.pending--;
      this.onTraffic();
      this.waiting.shift()?.();
    }
  }
}

interface Asked {
  from: number;
  to: number;
  resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  reject: (error: unknown) => void;
}

/** One object. What is asked for in one turn of the event loop is read with few requests. */
export class RangedObject {
  private asked: Asked[] = [];
  private tail: { bytes: Uint8Array<ArrayBuffer>; from: number; size: number } | undefined;

  constructor(
    private readonly objects: Objects,
    readonly key: string,
  ) {}

  /** Reads the last `length` bytes and keeps them; tells the size of the object. */
  async open(length: number): Promise<number> {
    if (this.tail === undefined || this.tail.bytes.length < Math.min(length, this.tail.size)) {
      const { bytes, size } = await this.objects.last(this.key, length);
      this.tail = { bytes, from: size - bytes.length, size };
    }
    return this.tail.size;
  }

  /** Returns the last `length` bytes. */
  async last(length: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.open(length);
    return this.tail!.bytes.slice(-length);
  }

  read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const tail = this.tail;
    if (tail !== undefined && from >= tail.from && to <= tail.size) {
      return Promise.resolve(tail.bytes.slice(from - tail.from, to - tail.from));
    }
    return new Promise((resolve, reject) => {
      if (this.asked.length === 0) setTimeout(() => this.send(), 0);
      this.asked.push({ from, to, resolve, reject });
    });
  }

  private send(): void {
    const asked = this.asked.sort((a, b) => a.from - b.from);
    this.asked = [];
    let run: Asked[] = [];
    let end = 0;
    for (const one of asked) {
      const first = run[0];
      if (first !== undefined && (one.from > end + GAP || Math.max(end, one.to) - first.from > LONGEST)) {
        void this.fill(run, end);
        run = [];
        end = 0;
      }
      run.push(one);
      end = Math.max(end, one.to);
    }
    if (run.length > 0) void this.fill(run, end);
  }

  private async fill(run: Asked[], end: number): Promise<void> {
    const from = run[0]!.from;
    try {
      const bytes = await this.objects.range(this.key, from, end);
      for (const one of run) one.resolve(bytes.slice(one.from - from, one.to - from));
    } catch (error) {
      for (const one of run) one.reject(error);
    }
  }
}
