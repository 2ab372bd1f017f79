// A nested list as a tree: one tab stop, arrow keys inside (the ARIA tree pattern). Without this
// script it stays a list of links.
"use strict";
(() => {
  const items = (tree) =>
    [...tree.querySelectorAll("li")].filter((one) => !hidden(one, tree));
  const hidden = (item, tree) => {
    for (let up = item.parentElement; up !== tree; up = up.parentElement) {
      if (up.hidden) return true;
    }
    return false;
  };
  const below = (item) => item.querySelector(":scope > ul");

  const turn = (item, open) => {
    const own = below(item);
    if (!own) return;
    own.hidden = !open;
    item.setAttribute("aria-expanded", String(open));
  };
  const go = (tree, item) => {
    if (!item) return;
    for (const one of tree.querySelectorAll("li")) one.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  };
  const parent = (item, tree) => {
    const up = item.parentElement.closest("li");
    return up && tree.contains(up) ? up : null;
  };

  const pressed = (event) => {
    const tree = event.currentTarget;
    const item = event.target.closest("li");
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const seen = items(tree);
    const place = seen.indexOf(item);
    const own = below(item);
    const moves = {
      ArrowDown: () => go(tree, seen[place + 1]),
      ArrowUp: () => go(tree, seen[place - 1]),
      Home: () => go(tree, seen[0]),
      End: () => go(tree, seen[seen.length - 1]),
      ArrowRight: () => {
        if (own && own.hidden) turn(item, true);
        else if (own) go(tree, own.querySelector("li"));
      },
      ArrowLeft: () => {
        if (own && !own.hidden) turn(item, false);
        else go(tree, parent(item, tree));
      },
      Enter: () => {
        const link = item.querySelector(":scope > .part a");
        if (link) link.click();
      },
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  };

  const begin = (tree) => {
    if (tree.getAttribute("role") === "tree") return;
    tree.setAttribute("role", "tree");
    for (const list of tree.querySelectorAll("ul")) list.setAttribute("role", "group");
    for (const item of tree.querySelectorAll("li")) {
      item.setAttribute("role", "treeitem");
      item.tabIndex = -1;
      for (const link of item.querySelectorAll(":scope > .part a")) link.tabIndex = -1;
      if (below(item)) {
        turn(item, true);
        const mark = document.createElement("span");
        mark.className = "twist";
        mark.setAttribute("aria-hidden", "true");
        mark.addEventListener("click", () => turn(item, below(item).hidden));
        item.querySelector(":scope > .part > .part-name").prepend(mark);
      }
    }
    const first = tree.querySelector("li");
    if (first) first.tabIndex = 0;
    tree.addEventListener("keydown", pressed);
  };

  const all = () => document.querySelectorAll("[data-tree]").forEach(begin);
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:load", all);
  if (document.readyState !== "loading") all();
})();
