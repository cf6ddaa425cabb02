import type { Dataset } from "../data/dataset";
export function PicksView({ dataset }: { dataset: Dataset }) {
  return <p>{dataset.root.title}</p>;
}
