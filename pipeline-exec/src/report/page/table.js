// The table of steps: sortable, and only the visible rows exist.

const table = (() => {
  const ROW = 32;
  const holder = document.querySelector("#steps .rows");
  const head = holder.querySelector("thead tr");
  const body = holder.querySelector("tbody");
  const text = (name, label, value) => ({ name, label, value, show: (step) => value(step) });
  const number = (name, label, value, show) => ({ name, label, value, show: (step) => show(value(step)), isNumber: true });
  const all = [
    { name: "status", label: "Status", value: (step) => step.state?.rank, show: (step) => status(step.state), inRun: true },
    { name: "name", label: "Step", value: (step) => step.name.toLowerCase(), show: nameCell },
    text("group", "Group", (step) => step.group),
    text("lane", "Lane", (step) => step.lane),
    { ...number("cost", "Cost", (step) => step.cost, String), inGraph: true },
    { ...number("start", "Start", (step) => step.start, time), inRun: true },
    { ...number("wait", "Wait", (step) => step.wait, time), inRun: true },
    { ...number("duration", "Time", (step) => step.duration, time), inRun: true },
    { ...number("work", "Work", (step) => step.work, time), inRun: true },
    { ...number("attempts", "Attempts", (step) => step.attempts, String), inRun: true },
    number("inputs", "Waits for", (step) => step.upstream.length, count),
    number("readers", "Read by", (step) => step.downstream.length, count),
  ];
  const isEmpty = (column) => (column.name === "group" && !steps.some((step) => step.group)) ||
    (column.name === "work" && !steps.some((step) => step.tries?.length));
  const columns = all.filter((column) => !(report ? column.inGraph : column.inRun) && !isEmpty(column))
    .filter((column) => !report || !["inputs", "readers"].includes(column.name));
  let [sorting, descending] = [null, false];
  let shown = steps;
  let drawn = null;

  function nameCell(step) {
    const name = element("span", "mono", short(step.name, 300));
    return step.critical ? [name, element("span", "glyph critical", "◆")] : [name];
  }

  for (const column of columns) {
    const heading = element("th", `col-${column.name}`, button(column.label, "", () => sort(column)));
    heading.scope = "col";
    if (column.isNumber) heading.classList.add("number");
    heading.setAttribute("aria-sort", "none");
    column.heading = heading;
    head.append(heading);
  }

  /** Sorts by a column, numbers by the largest first. The third time restores the running order. */
  function sort(column) {
    const first = Boolean(column.isNumber);
    if (sorting !== column) [sorting, descending] = [column, first];
    else if (descending === first) descending = !first;
    else sorting = null;
    for (const other of columns) {
      const mark = other === sorting ? (descending ? " ↓" : " ↑") : "";
      other.heading.setAttribute("aria-sort", mark ? (descending ? "descending" : "ascending") : "none");
      other.heading.firstChild.textContent = other.label + mark;
    }
    update();
  }

  /** Updates the list from the search and the sorting. */
  function update() {
    shown = steps.filter((step) => step.matches);
    if (sorting) {
      const { value } = sorting;
      const turn = descending ? -1 : 1;
      const none = (key) => key === null || key === undefined || key === "";
      shown.sort((a, b) => {
        const [left, right] = [value(a), value(b)];
        if (none(left) || none(right)) return none(left) - none(right) || a.index - b.index;
        return left < right ? -turn : left > right ? turn : a.index - b.index;
      });
    }
    const total = counted(steps.length, "step");
    byId("shown").textContent = shown.length === steps.length ? total : `${shown.length ? count(shown.length) : "none"} of ${total}`;
    holder.querySelector("table").setAttribute("aria-rowcount", shown.length + 1);
    drawn = null;
    draw();
  }

  /** Creates the visible rows, and a few more. */
  function draw(everything = false) {
    const first = everything ? 0 : Math.max(Math.floor(holder.scrollTop / ROW) - 8, 0);
    const last = everything ? Math.min(shown.length, 2000) : Math.min(first + Math.ceil(Math.max(holder.clientHeight, 560) / ROW) + 16, shown.length);
    if (drawn && drawn[0] === first && drawn[1] === last) return;
    drawn = [first, last];
    const rows = [];
    for (let position = first; position < last; position += 1) rows.push(row(shown[position], position));
    body.replaceChildren(space(first), ...rows, space(shown.length - last));
  }

  function space(count) {
    const row = element("tr", "space", element("td"));
    row.setAttribute("aria-hidden", "true");
    row.firstChild.style.height = `${count * ROW}px`;
    row.hidden = !count;
    return row;
  }

  function row(step, position) {
    const cell = (column) => element("td", `col-${column.name}${column.isNumber ? " number" : ""}`, ...[column.show(step)].flat());
    const made = element("tr", "", ...columns.map(cell));
    made.setAttribute("aria-rowindex", position + 2);
    made.setAttribute("aria-selected", step.index === selected);
    made.dataset.step = step.index;
    return made;
  }

  body.addEventListener("click", (event) => {
    const clicked = event.target.closest("tr[data-step]");
    if (clicked) select(Number(clicked.dataset.step), { from: "table" });
  });
  holder.addEventListener("scroll", () => draw());
  holder.addEventListener("keydown", (event) => {
    if (event.target !== holder) return;
    const here = shown.findIndex((step) => step.index === selected);
    const page = Math.floor(holder.clientHeight / ROW) - 2;
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Enter") focusDetails();
    if (move === undefined || !shown.length) return;
    event.preventDefault();
    const to = Math.min(Math.max(here < 0 ? 0 : here + move, 0), shown.length - 1);
    select(shown[to].index, { from: "table", reveal: true });
  });

  /** Marks the selected row; scrolls to it if the selection was made elsewhere. */
  function reveal(index, scroll) {
    const position = shown.findIndex((step) => step.index === index);
    if (scroll && position >= 0) {
      const [top, room] = [position * ROW, holder.clientHeight - 2 * ROW];
      if (top < holder.scrollTop) holder.scrollTop = top;
      else if (top > holder.scrollTop + room) holder.scrollTop = top - room + ROW;
    }
    drawn = null;
    draw();
  }

  return { update, reveal, draw };
})();
