/** What the dataset is. */
import type { Dataset } from "../data/dataset";
import { label } from "../data/root";
import { Card, count } from "./parts";

export function AboutView({ dataset }: { dataset: Dataset }) {
  const { root, plates, columns } = dataset;
  const [sites, , height, width] = root.shape;
  const planes = [...root.planes].filter(([, number]) => number > 0).map(([status, number]) => `${count(number)} ${status}`);
  const facts: [string, string][] = [
    ["Sites", count(sites)],
    ["Plates", `${count(plates.length)} in ${count(new Set(plates.map(({ experiment }) => experiment)).size)} experiments`],
    ["Channels", root.channels.map(label).join(", ")],
    ["Images", `${width} × ${height} pixels, ${root.bits} bit; ${planes.join(", ")}`],
    ["Pixel size", root.pixelSize === undefined ? "not known" : `${root.pixelSize} µm`],
    ["Codec", root.codec],
    ["Columns", columns.join(", ")],
    ["Licence", [root.license, root.licenseText].filter((text) => text !== "").join(": ") || "not stated"],
    ["Citation", root.citation || "not stated"],
    ["Published at", root.url || "not stated"],
    ["Made by", `${root.generator}${root.draft ? " (format 4, a draft)" : ""}`],
  ];
  return (
    <div class="view about">
      <h1>{root.title}</h1>
      <p>{root.summary}</p>
      <Card title="Facts">
        <table class="facts">
          <tbody>
            {facts.map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
      <Card title="Keys">
        <p>
          Plate: arrow keys move, <kbd>Enter</kbd> opens the site, <kbd>p</kbd> picks it. Site: <kbd>+</kbd> and <kbd>-</kbd>{" "}
          zoom, arrow keys move, <kbd>0</kbd> fits.
        </p>
        <p>The address of this page holds all that you see, picks and notes as well: share it, or keep it as a bookmark.</p>
      </Card>
    </div>
  );
}
