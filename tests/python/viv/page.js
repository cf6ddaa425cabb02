// Shows three channels of one site of a dataset with viv, as a page of a viewer does, and tells
// what viv has read: /page.html?dataset=ADDRESS&site=NUMBER
import { PictureInPictureViewer } from "@hms-dbmi/viv";
import { loadOmeZarr } from "@vivjs/loaders";
import React from "react";
import { createRoot } from "react-dom/client";

const SIZE = 600;
const CHANNELS = 3;
const wanted = new URLSearchParams(location.search);
const site = Number(wanted.get("site"));

const { data, metadata } = await loadOmeZarr(wanted.get("dataset"), { type: "multiscales" });
const shown = metadata.omero.channels.slice(0, CHANNELS);
const selections = shown.map((_, channel) => ({ site, channel }));
const rasters = await Promise.all(selections.map((selection) => data[0].getRaster({ selection })));
const sums = rasters.map((raster) => raster.data.reduce((sum, value) => sum + value, 0));
const found = {
  labels: data[0].labels,
  shape: data[0].shape,
  channels: metadata.omero.channels.map(({ label, color, window }) => ({ label, color, window })),
  sums,
};
const viewer = React.createElement(PictureInPictureViewer, {
  loader: data,
  selections,
  contrastLimits: shown.map(({ window }) => [window.start, window.end]),
  colors: shown.map(({ color }) => [0, 2, 4].map((at) => Number.parseInt(color.slice(at, at + 2), 16))),
  channelsVisible: shown.map(() => true),
  height: SIZE,
  width: SIZE,
  overview: {},
  overviewOn: false,
  onViewportLoad: () => console.log(`FOUND ${JSON.stringify(found)}`),
});
createRoot(document.getElementById("root")).render(viewer);
