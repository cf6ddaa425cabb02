import type { Dataset } from "../data/dataset";
export function QualityView({ dataset }: { dataset: Dataset }) {
  return <p>{dataset.root.title}</p>;
}
