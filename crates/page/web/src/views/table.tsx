import type { Dataset } from "../data/dataset";
export function TableView({ dataset }: { dataset: Dataset }) {
  return <p>{dataset.root.title}</p>;
}
