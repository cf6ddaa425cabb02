/** Stands for codecs that the page replaces by its own. */
export default { fromConfig: unknown };
export const snappyUncompress = unknown;
export const snappyUncompressor = () => unknown;

function unknown(): never {
  throw new Error("this codec is not part of the page");
}
