/** Keeps what was read last, up to a number of bytes. */
export class Cache<T> {
  private readonly entries = new Map<string, { value: Promise<T>; bytes: number }>();
  private bytes = 0;

  constructor(private readonly most: number) {}

  get(key: string, make: () => Promise<T>, size: (value: T) => number): Promise<T> {
    const found = this.entries.get(key);
    if (found !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, found);
      return found.value;
    }
    const entry = { value: make(), bytes: 0 };
    this.entries.set(key, entry);
    entry.value.then(
      (value) => {
        entry.bytes = size(value);
        this.bytes += entry.bytes;
        this.shrink(key);
      },
      () => this.entries.delete(key),
    );
    return entry.value;
  }

  private shrink(newest: string): void {
    for (const [key, entry] of this.entries) {
      if (this.bytes <= this.most) return;
      if (key === newest || entry.bytes === 0) continue;
      this.entries.delete(key);
      this.bytes -= entry.bytes;
    }
  }
}
