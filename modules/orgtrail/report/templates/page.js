"use strict";
// Gives each long table a filter and headings that sort; without a script the page is whole too.
for (const table of document.querySelectorAll("table.list")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const title = table.caption ? table.caption.textContent.trim() : "the table";
  if (rows.length > 1) {
    sortable(table, body);
  }
  if (rows.length > 5) {
    filterable(table, rows, title);
  }
}

function sortable(table, body) {
  const headings = Array.from(table.tHead.rows[0].cells);
  const signs = { none: "\u2195", ascending: "\u2191", descending: "\u2193" };
  for (const heading of headings) {
    const name = heading.textContent.trim();
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = signs.none;
    button.setAttribute("aria-label", "Sort by " + name);
    heading.append("\u00a0", button);
    button.addEventListener("click", () => {
      const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of headings) {
        other.removeAttribute("aria-sort");
        other.querySelector("button").textContent = signs.none;
      }
      heading.setAttribute("aria-sort", order);
      button.textContent = signs[order];
      const place = heading.cellIndex;
      const sign = order === "descending" ? -1 : 1;
      const sorted = Array.from(body.rows).sort(
        (one, other) => sign * compared(value(one.cells[place]), value(other.cells[place])),
      );
      body.append(...sorted);
    });
  }
}

function value(cell) {
  const given = cell.dataset.sort;
  return given === undefined ? cell.textContent.trim() : given;
}

function compared(one, other) {
  const first = Number(one);
  const second = Number(other);
  if (one !== "" && other !== "" && !Number.isNaN(first) && !Number.isNaN(second)) {
    return first - second;
  }
  return one.localeCompare(other, "en");
}

function filterable(table, rows, title) {
  const place = document.createElement("div");
  place.className = "filter";
  const label = document.createElement("label");
  label.textContent = "Only rows with ";
  const input = document.createElement("input");
  input.type = "search";
  input.setAttribute("aria-label", "Only rows of " + title + " with");
  const told = document.createElement("output");
  told.setAttribute("aria-live", "polite");
  label.append(input);
  place.append(label, told);
  table.closest(".scroll").before(place);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(wanted);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    told.textContent = wanted ? count + " of " + rows.length + " rows" : "";
  });
}

// On paper everything is open.
window.addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
