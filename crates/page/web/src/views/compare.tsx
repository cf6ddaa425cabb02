import type { Dataset } from "../data/dataset";
export function CompareView({ dataset }: { dataset: Dataset }) {
  return <p>{dataset.root.title}</p>;
}
