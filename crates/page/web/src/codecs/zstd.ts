import { decompress } from "fzstd";

/** Decodes Zstandard frames to exactly `size` bytes, or to as many as there are. */
export function decodeZstd(source: Uint8Array, size?: number): Uint8Array {
  const decoded = decompress(source);
  if (size !== undefined && decoded.length !== size) {
    throw new Error(`Zstandard: ${decoded.length} bytes in place of ${size}`);
  }
  return decoded;
}
