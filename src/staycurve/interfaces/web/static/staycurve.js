// What pages do beyond htmx: one tab stop a table or chart, with arrow keys inside, and copying a link.
// Without it every link is a tab stop, and "Copy link" leads to the page as it stands.
"use strict";

const FEWEST = 4; // Links from which on a grid is one stop: below it Tab is as fast.

const GRIDS = "main table, main svg";

function rowsOf(grid) {
  if (grid.matches("table")) {
    return [...grid.rows]
      .map((row) => [...row.querySelectorAll("a[href]")])
      .filter((links) => links.length);
  }
  return rowsOfChart(grid);
}

// Marks of a chart stand where they are drawn: those above one another are a column, and a row
// holds the first of each column, the second of each, and so on, from the top.
function rowsOfChart(chart) {
  const columns = new Map();
  for (const link of chart.querySelectorAll("a")) {
    const box = link.getBoundingClientRect();
    const x = Math.round(box.x + box.width / 2);
    columns.set(x, [...(columns.get(x) ?? []), { link, y: box.y }]);
  }
  const sorted = [...columns.entries()].sort(([one], [other]) => one - other)
    .map(([, marks]) => marks.sort((one, other) => one.y - other.y).map(({ link }) => link));
  const most = Math.max(0, ...sorted.map((marks) => marks.length));
  return [...Array(most).keys()].map((y) => sorted.map((marks) => marks[Math.min(y, marks.length - 1)]));
}

function prepare(root) {
  for (const grid of root.querySelectorAll(GRIDS)) {
    const links = [...grid.querySelectorAll(grid.matches("table") ? "a[href]" : "a")];
    if (links.length < FEWEST || links.some((link) => link.tabIndex === 0 && link.dataset.stop)) continue;
    const first = grid.tBodies?.[0]?.querySelector("a[href]") ?? links[0];
    for (const link of links) link.tabIndex = link === first ? 0 : -1;
    first.dataset.stop = "1";
  }
}

function moved(rows, link, key) {
  const y = rows.findIndex((links) => links.includes(link));
  const x = rows[y].indexOf(link);
  const column = (links) => {
    const cell = link.closest("td, th")?.cellIndex;
    return links.find((one) => cell !== undefined && one.closest("td, th").cellIndex === cell)
      ?? links[Math.min(x, links.length - 1)];
  };
  switch (key) {
    case "ArrowRight": return rows[y][x + 1];
    case "ArrowLeft": return rows[y][x - 1];
    case "ArrowDown": return rows[y + 1] && column(rows[y + 1]);
    case "ArrowUp": return rows[y - 1] && column(rows[y - 1]);
    case "Home": return rows[y][0];
    case "End": return rows[y][rows[y].length - 1];
  }
  return undefined;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest?.("main table a[href], main svg a");
  if (!link || !/^(Arrow|Home$|End$)/.test(event.key)) return;
  const rows = rowsOf(link.closest("table, svg"));
  if (!rows.flat().some((one) => one.dataset.stop)) return;
  const next = moved(rows, link, event.key);
  event.preventDefault();
  if (!next) return;
  for (const one of rows.flat()) {
    one.tabIndex = one === next ? 0 : -1;
    if (one === next) one.dataset.stop = "1"; else delete one.dataset.stop;
  }
  next.focus();
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-copy]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !navigator.clipboard) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(link.href);
    document.getElementById("status").textContent = link.dataset.copied;
    const text = link.textContent;
    link.textContent = link.dataset.copied;
    setTimeout(() => { link.textContent = text; }, 2000);
  } catch {
    location.assign(link.href);
  }
});

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:afterSettle", () => prepare(document));

// Work by keyboard: j and k go from item to item, other keys do what the item offers for them.
function typing(target) {
  return target.matches?.("input, select, textarea") || target.isContentEditable;
}

function itemOf(element) {
  return element.closest?.("[data-item]");
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || typing(event.target)) return;
  const keys = document.querySelector("[data-keys]");
  if (!keys) return;
  const items = [...document.querySelectorAll("[data-item]")];
  const at = items.indexOf(itemOf(event.target));
  if (event.key === "?") {
    keys.open = !keys.open;
    keys.querySelector("summary").focus();
  } else if (event.key === "j" || event.key === "k") {
    const next = items[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else if (at >= 0 && event.key === "Enter" && event.target === items[at]) {
    items[at].querySelector("a[href]")?.click();
  } else if (at >= 0 && /^[a-z]$/.test(event.key)) {
    const found = items[at].querySelector(`[data-key="${event.key}"]`);
    if (!found) return;
    if (found.matches("details")) {
      found.open = true;
      found.querySelector("select, input:not([type=hidden])")?.focus();
    } else {
      found.focus();
      found.click();
    }
  } else {
    return;
  }
  event.preventDefault();
});
