"use strict";
// Gives each long table a filter and headings that sort; without a script the page is whole too.
for (const table of document.querySelectorAll("table.list")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const title = table.caption ? table.caption.textContent.trim() : "the table";
  if (rows.length > 1) {
    sortable(table, body);
    filterable(table, rows, title);
  }
}

function sortable(table, body) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const place = heading.cellIndex;
      const sign = down ? -1 : 1;
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
