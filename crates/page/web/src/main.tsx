import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dataset } from "./data/dataset";
import { Objects } from "./io/http";
import { address, change, picks, useParams } from "./state";
import { AboutView } from "./views/about";
import { CompareView } from "./views/compare";
import { ChannelPanel, Failure, Waiting, bytes, message } from "./views/parts";
import { PicksView } from "./views/picks";
import { PlatesView } from "./views/plates";
import { QualityView } from "./views/quality";
import { SiteView } from "./views/site";
import { TableView } from "./views/table";

const VIEWS = [
  ["plates", "Plates", PlatesView],
  ["compare", "Compare", CompareView],
  ["quality", "Quality", QualityView],
  ["table", "Table", TableView],
  ["picks", "Picks", PicksView],
  ["about", "About", AboutView],
] as const;

function App({ objects }: { objects: Objects }) {
  const now = useParams();
  const [dataset, setDataset] = useState<Dataset>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    Dataset.open(objects).then(
      (opened) => {
        document.title = opened.root.title;
        setDataset(opened);
      },
      (failure) => setError(message(failure)),
    );
  }, []);
  const theme = now.get("theme");
  useEffect(() => {
    document.documentElement.dataset.theme = theme === "dark" || theme === "light" ? theme : "";
  }, [theme]);
  const view = now.get("view") ?? "plates";
  const View = view === "site" ? SiteView : (VIEWS.find(([name]) => name === view)?.[2] ?? PlatesView);
  const picked = picks(now).length;
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return (
    <>
      <header class="top">
        <strong class="title" title={dataset?.root.summary ?? ""}>
          {dataset?.root.title ?? "Dataset"}
        </strong>
        <nav aria-label="Views">
          {VIEWS.map(([name, text]) => (
            <a
              key={name}
              href={address({ view: name, site: undefined })}
              aria-current={view === name || (view === "site" && name === "plates") ? "page" : undefined}
            >
              {text}
              {name === "picks" && picked > 0 && <span class="badge">{picked}</span>}
            </a>
          ))}
        </nav>
        <button class="quiet" onClick={() => change({ theme: dark ? "light" : "dark" })}>
          {dark ? "Light" : "Dark"}
        </button>
      </header>
      <main>
        {error && <Failure text={error} />}
        {!dataset && !error && <Waiting>Opening the dataset</Waiting>}
        {dataset && (
          <div class={view === "about" ? "layout wide" : "layout"}>
            {view !== "about" && (
              <aside>
                <ChannelPanel dataset={dataset} />
              </aside>
            )}
            <View dataset={dataset} />
          </div>
        )}
      </main>
      <footer>
        <Traffic objects={objects} />
        {dataset?.root.license && <span>Licence: {dataset.root.license}</span>}
      </footer>
    </>
  );
}

function Traffic({ objects }: { objects: Objects }) {
  const [traffic, set] = useState({ ...objects.traffic });
  useEffect(() => {
    let waiting = false;
    objects.onTraffic = () => {
      if (waiting) return;
      waiting = true;
      setTimeout(() => {
        waiting = false;
        set({ ...objects.traffic });
      }, 100);
    };
    objects.onTraffic();
  }, []);
  return (
    <span id="traffic" data-requests={traffic.requests} data-bytes={traffic.bytes} data-pending={traffic.pending}>
      {bytes(traffic.bytes)} read in {traffic.requests} requests
    </span>
  );
}

function FromDisk() {
  return (
    <main class="plain">
      <h1>This page must come from a server</h1>
      <p>A browser does not let a page that was opened from a folder read the files beside it. Run this, and open the address that it prints:</p>
      <pre>rxrx2zarr serve DATASET</pre>
      <p>
        DATASET is the folder of this page. Any server that answers range requests does as well: nginx, Caddy, or <code>rclone serve http</code>.
      </p>
    </main>
  );
}

const holder = document.getElementById("app")!;
holder.textContent = "";
if (location.protocol === "file:") render(<FromDisk />, holder);
else render(<App objects={new Objects(new URL(".", location.href))} />, holder);
