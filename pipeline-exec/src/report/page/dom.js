// Elements. Texts are written as text: no script on the page parses HTML.

const byId = (id) => document.getElementById(id);

/** An element with a class and children; strings among the children are text. */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function button(label, className, press) {
  const made = element("button", className, label);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

/** A step's name that selects it. */
function stepLink(index) {
  return button(short(steps[index].name, 200), "link mono", () => select(index, { reveal: true }));
}

/** A list of steps, cut if it is long. */
function stepLinks(indices, most = 40) {
  const items = indices.slice(0, most).map((index) => element("li", "", steps[index].state ? glyph(steps[index].state) : null, stepLink(index)));
  if (indices.length > most) items.push(element("li", "muted", `and ${count(indices.length - most)} more`));
  return element("ul", "", ...items);
}

/** A text in which the names of steps, which stand between backticks, select them. Also returns those steps. */
function linked(text) {
  const [parts, found] = [[], new Set()];
  for (const [position, part] of String(text).split("`").entries()) {
    const index = position % 2 ? placeOf.get(part) : undefined;
    if (index !== undefined) found.add(index);
    const quoted = position % 2 ? `\`${clean(part)}\`` : clean(part);
    parts.push(index === undefined ? quoted : stepLink(index));
  }
  return [parts, found];
}

function glyph(state) {
  const made = element("span", `glyph ${state.name}`, state.glyph);
  made.setAttribute("aria-hidden", "true");
  return made;
}

const status = (state) => element("span", "status", glyph(state), element("span", "word", state.word));

/** Terms and what they mean; pairs without a value are left out. */
function pairs(entries, className = "pairs") {
  const list = element("dl", className);
  for (const [term, value] of entries) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", "", term), element("dd", "", value));
  }
  return list;
}

/** A small table: all its rows exist, up to a maximum. */
function plainTable(headings, rows, most = 200) {
  const head = element("tr", "", ...headings.map((heading) => element("th", "", heading)));
  const body = rows.slice(0, most).map((row) => element("tr", "", ...row.map((cell) => element("td", "", cell))));
  const table = element("table", "plain", element("thead", "", head), element("tbody", "", ...body));
  const more = rows.length > most ? element("p", "muted", `and ${count(rows.length - most)} more, in the report as JSON`) : null;
  return element("div", "wide", table, more);
}

/** An error with its causes. */
function errorText(error) {
  const causes = (error.causes ?? []).map((cause) => element("li", "", element("span", "muted", "because"), element("pre", "text", clean(cause))));
  return element("div", "", element("pre", "text", clean(error.message)), causes.length ? element("ol", "causes", ...causes) : null);
}

function show(id, ...content) {
  const section = byId(id);
  section.hidden = false;
  (section.querySelector(".body") ?? section).append(...content);
}
