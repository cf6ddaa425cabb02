import type { Dataset } from "./dataset";

export interface Neighbour {
  site: number;
  /** Cosine of the angle between the embeddings, -1 to 1. */
  similarity: number;
}

/** Finds the sites from `from` up to `to` whose embeddings are the most similar to that of a site. */
export async function neighbours(
  dataset: Dataset,
  site: number,
  from: number,
  to: number,
  most: number,
  progress: (done: number) => boolean,
): Promise<Neighbour[]> {
  const table = await dataset.table("embeddings.parquet");
  const own = await table.read(["embedding", "has_embedding"], site, site + 1);
  const wanted = own.get("embedding")?.[0];
  if (!Array.isArray(wanted) || own.get("has_embedding")?.[0] !== true) {
    throw new Error("This site has no embedding.");
  }
  const length = norm(wanted);
  let best: Neighbour[] = [];
  const groups = table.groups(from, to);
  for (const [at, group] of groups.entries()) {
    const read = await table.read(["embedding", "has_embedding"], group.from, group.to);
    const vectors = read.get("embedding") ?? [];
    const has = read.get("has_embedding") ?? [];
    vectors.forEach((vector, row) => {
      const other = group.from + row;
      if (other === site || has[row] === false || !Array.isArray(vector)) return;
      let dot = 0;
      for (let index = 0; index < wanted.length; index++) dot += wanted[index]! * vector[index]!;
      const similarity = dot / (length * norm(vector) || 1);
      if (best.length < most || similarity > best[best.length - 1]!.similarity) {
        best.push({ site: other, similarity });
        best.sort((a, b) => b.similarity - a.similarity);
        best = best.slice(0, most);
      }
    });
    if (!progress((at + 1) / groups.length)) break;
  }
  return best;
}

function norm(vector: number[]): number {
  let sum = 0;
  for (const part of vector) sum += part * part;
  return Math.sqrt(sum);
}
