"use strict";

// The keyboard of the ARIA tree pattern: arrows, Home, End, Enter, Space, * and first letters.
for (const tree of document.querySelectorAll("[role=tree]")) {
  const items = [...tree.querySelectorAll("[role=treeitem]")];
  const tools = tree.parentElement.querySelector(".tools");
  let typed = "";
  let typedAt = 0;

  const parent = (item) => item.parentElement.closest("[role=treeitem]");
  const expanded = (item) => item.getAttribute("aria-expanded");
  const label = (item) => item.querySelector(".row");
  const expand = (item, whether) => {
    if (expanded(item) !== null) item.setAttribute("aria-expanded", String(whether));
  };
  const hidden = (item) => {
    for (let above = parent(item); above; above = parent(above)) {
      if (expanded(above) === "false") return true;
    }
    return false;
  };
  const visible = () => items.filter((item) => !hidden(item));
  const reach = (item) => {
    for (const other of items) other.tabIndex = other === item ? 0 : -1;
  };
  const move = (item) => {
    if (!item) return;
    reach(item);
    item.focus();
    label(item).scrollIntoView({ block: "nearest" });
  };
  const search = (item, letter, now) => {
    typed = now - typedAt < 700 ? typed + letter : letter;
    typedAt = now;
    const shown = visible();
    const start = shown.indexOf(item) + (typed.length === 1 ? 1 : 0);
    const names = (other) =>
      [".section", ".text"].map((part) => label(other).querySelector(part).textContent.toLowerCase());
    move([...shown.slice(start), ...shown.slice(0, start)].find((other) =>
      names(other).some((name) => name.startsWith(typed))));
  };

  const keys = {
    ArrowDown: (item) => move(visible()[visible().indexOf(item) + 1]),
    ArrowUp: (item) => move(visible()[visible().indexOf(item) - 1]),
    ArrowRight: (item) => {
      if (expanded(item) === "false") expand(item, true);
      else if (expanded(item)) move(item.querySelector("[role=treeitem]"));
    },
    ArrowLeft: (item) => {
      if (expanded(item) === "true") expand(item, false);
      else move(parent(item));
    },
    Home: () => move(items[0]),
    End: () => move(visible().at(-1)),
    Enter: (item) => expand(item, expanded(item) === "false"),
    " ": (item) => expand(item, expanded(item) === "false"),
    "*": (item) => {
      for (const other of item.parentElement.children) expand(other, true);
    },
  };

  tree.classList.add("live");
  reach(items[0]);
  tree.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = event.target.closest("[role=treeitem]");
    if (keys[event.key]) {
      typed = "";
      keys[event.key](item);
    } else if (event.key.length === 1) search(item, event.key.toLowerCase(), event.timeStamp);
    else return;
    event.preventDefault();
  });
  tree.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    const item = row.closest("[role=treeitem]");
    expand(item, expanded(item) === "false");
    move(item);
  });
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const item of items) expand(item, button.dataset.expand === "true");
    reach(items[0]);
  });
}
