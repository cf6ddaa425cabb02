import { useEffect, useState } from "preact/hooks";
import type { Root } from "./data/root";
import { type Look, parseColor } from "./draw/composite";

/** All state of the page is in the fragment of its address: an address can be shared. */
export type Params = URLSearchParams;

const listeners = new Set<() => void>();

export function params(): Params {
  return new URLSearchParams(location.hash.slice(1));
}

/** Changes parts of the state; `undefined` and the empty text remove one. */
export function change(parts: Record<string, string | undefined>, history: "push" | "replace" = "replace"): void {
  const next = params();
  for (const [name, value] of Object.entries(parts)) {
    if (value === undefined || value === "") next.delete(name);
    else next.set(name, value);
  }
  const address = `#${next.toString().replaceAll("%2C", ",").replaceAll("%2F", "/")}`;
  if (address === location.hash) return;
  if (history === "push") window.history.pushState(null, "", address);
  else window.history.replaceState(null, "", address);
  tell();
}

/** The fragment after a change, for links. */
export function address(parts: Record<string, string | undefined>): string {
  const next = params();
  for (const [name, value] of Object.entries(parts)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return `#${next.toString().replaceAll("%2C", ",").replaceAll("%2F", "/")}`;
}

function tell(): void {
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", tell);
window.addEventListener("hashchange", tell);

export function useParams(): Params {
  const [now, set] = useState(() => location.hash);
  useEffect(() => {
    const listener = (): void => set(location.hash);
    listeners.add(listener);
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return new URLSearchParams(now.slice(1));
}

/** Positions of the channels that are shown: the first three by default. */
export function shownChannels(now: Params, root: Root): number[] {
  const on = now.get("on");
  if (on === null) return root.channels.map((_, index) => index).slice(0, 3);
  return on
    .split(",")
    .map((name) => root.channels.findIndex((channel) => channel.name === name))
    .filter((index) => index >= 0);
}

/** How a channel is shown: `NAME.window=0-51` and `NAME.color=FF0000` replace what the dataset says. */
export function look(now: Params, root: Root, channel: number): Look {
  const { name, color, window } = root.channels[channel]!;
  const match = /^(\d+)-(\d+)$/.exec(now.get(`${name}.window`) ?? "");
  const start = match ? Math.min(Number(match[1]), window.max - 1) : window.start;
  const end = match ? Math.min(Number(match[2]), window.max) : window.end;
  const chosen = now.get(`${name}.color`) ?? "";
  return {
    channel,
    color: parseColor(/^[0-9A-Fa-f]{6}$/.test(chosen) ? chosen : color),
    start,
    end: Math.max(end, start + 1),
  };
}

export function looks(now: Params, root: Root): Look[] {
  return shownChannels(now, root).map((channel) => look(now, root, channel));
}

/** A site that was starred, with a note. */
export interface Pick {
  site: number;
  note: string;
}

/** Picks are one part of the fragment: `12,40:a note`, commas and colons of notes escaped. */
export function picks(now: Params): Pick[] {
  const text = now.get("picks") ?? "";
  if (text === "") return [];
  return text.split(",").flatMap((one) => {
    const at = one.indexOf(":");
    const site = Number(at < 0 ? one : one.slice(0, at));
    let note = "";
    try {
      note = at < 0 ? "" : decodeURIComponent(one.slice(at + 1));
    } catch {
      // A note that was cut off is shown as empty.
    }
    return Number.isSafeInteger(site) && site >= 0 ? [{ site, note }] : [];
  });
}

export function setPicks(list: Pick[]): void {
  const text = list
    .map(({ site, note }) => (note === "" ? String(site) : `${site}:${encodeURIComponent(note)}`))
    .join(",");
  change({ picks: text });
}
