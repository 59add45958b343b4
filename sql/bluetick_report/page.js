// Charts, filters, sorting and CSV of the report. It reads the data that the page carries and loads nothing.

const NOTHING = "–";
const Z = 1.959963984540054;
const byId = (id) => document.getElementById(id);

async function readData() {
  const bytes = Uint8Array.from(atob(byId("data").textContent), (char) => char.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
}

const objects = ({ columns, rows }) => rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
const ratio = (part, whole) => (whole ? part / whole : null);

/** The Wilson interval at 95 %, as in intervals.py. */
function wilson(hits, trials) {
  if (!trials) return null;
  const rate = hits / trials, scale = 1 + (Z * Z) / trials;
  const centre = (rate + (Z * Z) / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt((rate * (1 - rate)) / trials + (Z * Z) / (4 * trials * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

const count = (value) => (value === null ? NOTHING : value.toLocaleString("en-US"));
const percent = (value) => (value === null ? NOTHING : `${(value * 100).toFixed(1)} %`);

/** The rows of the cube that meet the filters. An empty filter is none. */
const chosen = (cube, filters) => cube.filter((row) => Object.entries(filters).every(([name, value]) => value === "" || row[name] === value));

const MEASURES = ["sent", "delivered", "read", "clicked", "replied", "failed", "clickable", "clickable_delivered", "clickable_read", "clickable_clicked", "clicks"];

function add(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { key, first: row, ...Object.fromEntries(MEASURES.map((name) => [name, 0])) }));
    for (const name of MEASURES) group[name] += row[name];
  }
  return [...groups.values()];
}

const clickable = (group) => ({
  messages: group.clickable, delivered: group.clickable_delivered, read: group.clickable_read, clicked: group.clickable_clicked,
  clicks: group.clicks, ctr: ratio(group.clickable_clicked, group.clickable_delivered),
});

const byText = (a, b) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1);

/** The tables that follow the filters, from the cube: the same columns as their queries. */
const RECOMPUTED = {
  trend: (rows) => add(rows, (row) => row.sent_date).map((group) => ({ ...group, sent_date: group.key })).sort((a, b) => byText(a.sent_date, b.sent_date)),
  templates: (rows) =>
    add(rows.filter((row) => row.clickable), (row) => row.template_name).map((group) => ({ template_name: group.key, ...clickable(group) }))
      .sort((a, b) => b.messages - a.messages || byText(a.template_name, b.template_name)),
  campaigns: (rows) =>
    add(rows.filter((row) => row.clickable), (row) => row.campaign_id)
      .map((group) => ({ campaign_id: group.key, campaign_name: group.first.campaign_name, ...clickable(group) }))
      .sort((a, b) => b.messages - a.messages || byText(a.campaign_id, b.campaign_id)),
};

function textOf(column, row) {
  if (column.kind === "interval") {
    const [hits, trials] = column.name.split("/");
    const bounds = wilson(row[hits], row[trials]);
    return bounds ? `${(bounds[0] * 100).toFixed(1)} – ${(bounds[1] * 100).toFixed(1)} %` : NOTHING;
  }
  const value = row[column.name] ?? null;
  if (column.kind === "name") return named(value);
  if (value === null) return NOTHING;
  return column.kind === "count" ? count(value) : column.kind === "rate" ? percent(value) : String(value);
}

function keyOf(column, row) {
  if (column.kind === "interval") {
    const [hits, trials] = column.name.split("/");
    return wilson(row[hits], row[trials])?.[0] ?? "";
  }
  return row[column.name] ?? "";
}

function sayRows(table, length, shown) {
  const button = table.closest("section").querySelector(".show-all"), note = table.closest("section").querySelector(".rows");
  button.hidden = note.hidden = length <= shown;
  button.textContent = `Show all ${length} rows`;
  note.textContent = `${shown} of ${length} rows are shown.`;
}

function fill(table, columns, rows, shown) {
  const body = table.tBodies[0];
  body.replaceChildren(...rows.map((row, i) => {
    const line = document.createElement("tr");
    line.hidden = i >= shown;
    for (const column of columns) {
      const cell = line.insertCell();
      if (["count", "rate", "interval"].includes(column.kind)) {
        cell.className = "number";
        cell.dataset.key = keyOf(column, row);
      } else if (column.kind === "date") cell.className = "fixed";
      else cell.dir = "auto";
      cell.textContent = textOf(column, row);
    }
    return line;
  }));
  for (const heading of table.tHead.rows[0].cells) heading.setAttribute("aria-sort", "none");
  sayRows(table, rows.length, shown);
}

function sortTable(table, index) {
  const heading = table.tHead.rows[0].cells[index];
  const descending = heading.getAttribute("aria-sort") !== "descending";
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const numeric = heading.classList.contains("number");
  const rows = [...table.tBodies[0].rows];
  const key = ({ cells }) => cells[index].dataset.key ?? (cells[index].textContent === NOTHING ? "" : cells[index].textContent);
  rows.sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === "" || right === "") return (left === "") - (right === ""); // a missing value stands last in both directions
    const order = numeric ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0;
    return descending ? -order : order;
  });
  const shown = rows.filter((row) => !row.hidden).length;
  rows.forEach((row, i) => { row.hidden = i >= shown; });
  table.tBodies[0].append(...rows);
}

function downloadCsv(table, name) {
  const headings = [...table.tHead.rows[0].cells].map((cell) => cell.querySelector(".sort").textContent);
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell, i) =>
    table.tHead.rows[0].cells[i].classList.contains("number") && !headings[i].includes("interval") ? cell.dataset.key : cell.textContent === NOTHING ? "" : cell.textContent));
  // A spreadsheet takes a text that begins with one of these for a formula.
  const guard = (text, i) => (!table.tHead.rows[0].cells[i].classList.contains("number") && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const text = [headings, ...rows].map((row, r) => row.map((cell, i) => quote(r ? guard(cell, i) : cell)).join(",")).join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const BARS = 15;
const named = (name) => (name === null ? "(none)" : name === "" ? "(empty)" : name);

function bars(rows, nameOf) {
  return rows.filter((row) => row.delivered).slice(0, BARS).map((row) => {
    const [low, high] = wilson(row.clicked, row.delivered);
    return { name: nameOf(row), ctr: row.ctr, low, high, delivered: row.delivered };
  });
}

/** A button by its template and label; its id stands beside the label, because two buttons of one template can share a label. */
function buttonName(row) {
  const label = row.button_text === null || row.button_text === row.button ? row.button : `${row.button_text} [${row.button}]`;
  return `${named(row.template_name)} · ${label}`;
}

function funnelRows(total) {
  // The room to the right of the longest bar holds its label.
  return ["sent", "delivered", "read", "clicked", "replied"].map((step) => ({
    step, room: total.sent * 1.5, messages: total[step], label: `${count(total[step])}${step === "sent" ? "" : ` (${percent(ratio(total[step], total.sent))})`}`,
  }));
}

async function draw(specs, id, values) {
  const place = byId(`chart-${id}`);
  place.hidden = values.length === 0;
  if (!values.length) return;
  const spec = { ...specs[id], datasets: { table: values } };
  // Vega-Lite warns where a chart as wide as its place has a height by step: the height is worked out here instead.
  if (spec.height?.step) spec.height = spec.height.step * (id === "heatmap" ? WEEKDAYS.length : values.length);
  await window.vegaEmbed(place, spec, { renderer: "svg", actions: false, tooltip: { theme: "custom" } });
}

function setCard(id, value, filtered) {
  const card = byId(`card-${id}`);
  card.querySelector(".value").textContent = value;
  card.querySelector(".before").hidden = filtered;
}

/** Cards under a filter. Persons cannot be added up, so unique CTR has no value there. */
function fillCards(total) {
  const steps = { delivered: "sent", read: "delivered", replied: "delivered", failed: "sent" };
  setCard("sent", count(total.sent), true);
  for (const [name, base] of Object.entries(steps)) setCard(name, `${count(total[name])} · ${percent(ratio(total[name], total[base]))}`, true);
  setCard("clicked", count(total.clickable_clicked), true);
  setCard("clicks", count(total.clicks), true);
  setCard("ctr", percent(ratio(total.clickable_clicked, total.clickable_delivered)), true);
  setCard("click_to_read", percent(ratio(total.clickable_clicked, total.clickable_read)), true);
  setCard("unique_ctr", NOTHING, true);
}

/** Adds the rows that the page carries as data; they look like those of page.html.j2. */
function addRows(table, rows) {
  const model = [...table.tBodies[0].rows[0].cells];
  table.tBodies[0].append(...rows.map((cells) => {
    const line = document.createElement("tr");
    line.hidden = true;
    cells.forEach(([text, key], i) => {
      const cell = line.appendChild(model[i].cloneNode(false));
      if ("key" in cell.dataset) cell.dataset.key = key;
      cell.textContent = text;
    });
    return line;
  }));
}

async function main() {
  const data = await readData();
  for (const [id, rows] of Object.entries(data.more)) addRows(document.querySelector(`table[data-section="${id}"]`), rows);
  const cube = objects(data.cube);
  const specs = data.charts;
  const form = byId("filters");
  const selects = [...form.querySelectorAll("select")];
  const original = new Map([...document.querySelectorAll("table[data-section]")].map((table) => [table, [...table.tBodies[0].rows]]));
  const cards = [...document.querySelectorAll(".card")].map((card) => [card, card.querySelector(".value").textContent]);
  const results = Object.fromEntries(Object.entries(data.results).map(([name, result]) => [name, objects(result)]));
  const empty = Object.fromEntries(MEASURES.map((name) => [name, 0]));

  async function apply() {
    const filters = Object.fromEntries(selects.map((select) => [select.dataset.field, select.value]));
    const active = Object.values(filters).some((value) => value !== "");
    form.classList.toggle("active", active);
    const rows = chosen(cube, filters);
    const total = add(rows, () => "")[0] ?? empty;
    const tables = Object.fromEntries(Object.entries(RECOMPUTED).map(([id, compute]) => [id, compute(rows)]));
    for (const [table, originals] of original) {
      const id = table.dataset.section;
      const note = table.closest("section").querySelector(".unfiltered");
      if (!data.sections[id]) { note.hidden = !active; continue; }
      if (active) fill(table, data.sections[id], tables[id], data.rowsShown);
      else {
        originals.forEach((row, i) => { row.hidden = i >= data.rowsShown; });
        table.tBodies[0].replaceChildren(...originals);
        for (const heading of table.tHead.rows[0].cells) heading.setAttribute("aria-sort", "none");
        sayRows(table, originals.length, data.rowsShown);
      }
    }
    if (active) fillCards(total);
    else for (const [card, text] of cards) { card.querySelector(".value").textContent = text; card.querySelector(".before").hidden = false; }
    byId("filter-note").textContent = active ? `${count(total.sent)} messages match the filters. Sections that the filters do not reach say so.` : "";
    await draw(specs, "funnel", total.sent ? funnelRows(total) : []);
    await draw(specs, "trend", tables.trend.map((row) => ({ date: row.sent_date, sent: row.sent, delivered: row.delivered, clicked: row.clicked })));
    await draw(specs, "templates", bars(active ? tables.templates : results.ctr_by_template, (row) => named(row.template_name)));
    await draw(specs, "campaigns", bars(active ? tables.campaigns : results.ctr_by_campaign, (row) => named(row.campaign_id)));
  }

  await apply();
  await draw(specs, "buttons", bars(results.ctr_by_button, buttonName));
  await draw(specs, "heatmap", results.ctr_by_hour.filter((row) => row.delivered).map((row) => ({ ...row, weekday: WEEKDAYS[row.weekday - 1] })));
  const classes = add(results.failures.map((row) => ({ ...Object.fromEntries(MEASURES.map((name) => [name, 0])), failed: row.messages, error_class: row.error_class })), (row) => row.error_class);
  await draw(specs, "failures", classes.map((group) => ({ name: group.key, messages: group.failed })).sort((a, b) => b.messages - a.messages));

  form.addEventListener("change", () => void apply());
  form.addEventListener("reset", () => setTimeout(() => void apply()));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const section = button?.closest("section");
    const table = section?.querySelector("table");
    if (!table) return;
    if (button.classList.contains("sort")) sortTable(table, button.closest("th").cellIndex);
    else if (button.classList.contains("csv")) downloadCsv(table, section.id);
    else if (button.classList.contains("show-all")) { for (const row of table.tBodies[0].rows) row.hidden = false; button.hidden = section.querySelector(".rows").hidden = true; }
  });
  document.documentElement.dataset.ready = "true";
}

void main();
