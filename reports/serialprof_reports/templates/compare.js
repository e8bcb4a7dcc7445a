// SPDX-License-Identifier: Apache-2.0
// Tables that the reader may sort; without it they stand in the order of the run.
"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // Keys are numbers as text, or words; empty ones come last in either direction.
  const compare = (one, other, direction) => {
    if (one === "" || other === "") return Number(one === "") - Number(other === "");
    const difference = Number(one) - Number(other);
    return direction * (Number.isNaN(difference) ? collator.compare(one, other) : difference);
  };

  const sort = (table, heads, column) => {
    const descending = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const key = (row) => row.cells[column].dataset.key;
    body.append(...[...body.rows].sort((one, other) => compare(key(one), key(other), descending ? -1 : 1)));
  };

  document.querySelectorAll("table.sortable").forEach((table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, heads, column));
      head.replaceChildren(button);
    });
  });
})();
