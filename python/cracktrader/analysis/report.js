// The report's behaviour: charts, light and dark, candles when zoomed in, the table of trades. Everything it shows is in #data.
const page = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement, byId = id => document.getElementById(id);
const shown = [];

// ---- light and dark

function colours() {
  const style = getComputedStyle(root);
  return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim(), card: style.getPropertyValue("--card").trim() };
}

function themed(layout) {
  const { ink, line, card } = colours(), changes = { "font.color": ink, "hoverlabel.bgcolor": card, "hoverlabel.bordercolor": line, "hoverlabel.font.color": ink };
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis/.test(key)) {
      changes[key + ".gridcolor"] = line;
      changes[key + ".linecolor"] = line;
    }
  }
  return changes;
}

function setTheme(name) {
  root.dataset.theme = name;
  for (const id of shown) Plotly.relayout(id, themed(byId(id).layout));
}

root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
byId("theme").onclick = () => setTheme(root.dataset.theme === "dark" ? "light" : "dark");

// ---- charts

function draw(id, figure) {
  if (!byId(id)) return;
  Plotly.newPlot(id, figure.data, figure.layout, { responsive: true, displaylogo: false, scrollZoom: false, displayModeBar: "hover", modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] });
  Plotly.relayout(id, themed(byId(id).layout));
  shown.push(id);
}

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function drawAll() {
  const script = document.createElement("script");
  script.textContent = await unpacked("plotly");
  document.head.append(script);
  for (const [id, figure] of Object.entries(page.charts)) draw(id, figure);
  for (const [id, packed] of Object.entries(page.bars)) watchZoom(id, packed);
  for (const chart of [...document.querySelectorAll(".price")].slice(1)) chart.hidden = true;
}

for (const button of document.querySelectorAll("button[data-log]")) {
  button.onclick = () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    const axis = byId(button.dataset.log).data.at(-1).yaxis || "y", key = button.dataset.log === "equity" ? "yaxis" : axis.replace("y", "yaxis");
    Plotly.relayout(button.dataset.log, { [key + ".type"]: on ? "log" : "linear", [key + ".autorange"]: true });
  };
}

// A long history is drawn as a line; its candles appear where few enough are in view.
const CANDLES = 500;

function decoded(column, at) {
  const bytes = Uint8Array.from(atob(column), character => character.charCodeAt(0));
  return at === 0 ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

function watchZoom(id, packed) {
  const chart = byId(id), [times, open, high, low, close, volume] = packed.candles.map(decoded);
  const found = value => { let a = 0, b = times.length; while (a < b) { const m = (a + b) >> 1; if (times[m] < value) a = m + 1; else b = m; } return a; };
  const line = chart.data.find(trace => trace.name === page.symbols[id]);
  const sums = chart.data.find(trace => trace.name === "volume"), coarse = sums && { x: sums.x, y: sums.y, range: chart.layout.yaxis.range };
  const lines = Object.entries(packed.lines).flatMap(([name, column]) => chart.data.filter(trace => trace.name === name)
    .map(trace => ({ trace, x: trace.x, y: trace.y, whole: decoded(column, 1) })));
  const candles = { type: "candlestick", name: page.symbols[id], showlegend: false, visible: false, yaxis: line.yaxis, x: [], open: [], high: [], low: [], close: [],
    increasing: { line: { color: page.up, width: 1 }, fillcolor: page.up }, decreasing: { line: { color: page.down, width: 1 }, fillcolor: page.down } };
  chart.data.splice(chart.data.indexOf(line) + 1, 0, candles);
  chart.on("plotly_relayout", () => {
    const axis = chart._fullLayout.xaxis, [first, last] = axis.range.map(value => axis.r2l(value));
    const from = Math.max(found(first) - 1, 0), to = Math.min(found(last) + 1, times.length), near = to - from <= CANDLES && to > from;
    if (!near && !candles.visible) return;
    const part = column => Array.from(column.subarray(from, near ? to : from), value => column === times ? value : Number(value.toPrecision(7)));
    Object.assign(candles, { x: part(times), open: part(open), high: part(high), low: part(low), close: part(close), visible: near });
    line.opacity = near ? 0 : 1;
    for (const { trace, x, y, whole } of lines) Object.assign(trace, near ? { x: candles.x, y: part(whole) } : { x, y });
    if (sums) {
      Object.assign(sums, near ? { x: candles.x, y: part(volume) } : { x: coarse.x, y: coarse.y });
      chart.layout.yaxis.range = near ? [0, (Math.max(...sums.y) || 1) * 5] : coarse.range;
    }
    const layout = chart.layout, prices = layout[(line.yaxis || "y").replace("y", "yaxis")];
    if (near) {
      const bottom = Math.min(...candles.low), top = Math.max(...candles.high), pad = (top - bottom) * 0.06 || top * 0.01;
      const edges = [bottom - pad, top + pad];
      prices.autorange = false;
      prices.range = prices.type === "log" ? edges.map(Math.log10) : edges;
    } else prices.autorange = true;
    layout.datarevision = (layout.datarevision || 0) + 1;
    Plotly.react(id, chart.data, layout);
  });
}

for (const button of document.querySelectorAll("button[data-price]")) {
  button.onclick = () => {
    for (const other of document.querySelectorAll("button[data-price]")) other.setAttribute("aria-pressed", other === button);
    for (const chart of document.querySelectorAll(".price")) chart.hidden = chart.id !== button.dataset.price;
    Plotly.Plots.resize(button.dataset.price);
  };
}

// ---- trades

const STEP = 200;
const number = (value, digits) => value === null ? "-" : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const signed = (value, digits) => value === null ? "-" : (value > 0 ? "+" : "") + number(value, digits);
const percent = value => value === null ? "-" : signed(value * 100, 2) + " %";
const moment = value => value === null ? "open" : new Date(value).toISOString().slice(0, page.trades.daily ? 10 : 16).replace("T", " ");
// As many decimals as the size of a price makes worth reading, and never more than the data has.
const price = value => value === null ? "-" : number(value, Math.min(page.trades.decimals, value >= 100 ? 2 : value >= 1 ? 4 : 8));
const size = value => value === null ? "-" : value.toLocaleString("en-US", { maximumSignificantDigits: 8 });
const plain = value => value === null ? "-" : String(value);
const FORMATS = { text: plain, moment, price, size, percent, money: value => number(value, 2), profit: value => signed(value, 2), count: value => number(value, 0) };

function tradeTable() {
  const { columns, rows } = page.trades, table = byId("trades");
  let order = 0, direction = 1, limit = STEP;
  const filters = {};
  const place = name => columns.findIndex(column => column.name === name);
  const head = table.createTHead().insertRow(), body = table.createTBody();

  columns.forEach((column, at) => {
    const cell = document.createElement("th");
    cell.textContent = column.label;
    if (column.kind === "text") cell.className = "text";
    cell.onclick = () => { direction = order === at ? -direction : 1; order = at; limit = STEP; fill(); };
    head.append(cell);
  });

  function matches(row) {
    if (filters.side && row[place("side")] !== filters.side) return false;
    if (filters.symbol && row[place("symbol")] !== filters.symbol) return false;
    if (filters.strategy && row[place("strategy")] !== filters.strategy) return false;
    const profit = row[place("pnl")];
    if (filters.result === "won" && !(profit > 0)) return false;
    if (filters.result === "lost" && profit > 0) return false;
    return !filters.text || columns.some((column, at) => FORMATS[column.kind](row[at]).toLowerCase().includes(filters.text));
  }

  function fill() {
    const found = rows.filter(matches);
    found.sort((a, b) => { const x = a[order], y = b[order]; return x === y ? a[0] - b[0] : x === null ? 1 : y === null ? -1 : (x < y ? -1 : 1) * direction; });
    [...head.cells].forEach((cell, at) => { if (at === order) cell.dataset.order = direction; else delete cell.dataset.order; });
    body.replaceChildren(...found.slice(0, limit).map(row => {
      const line = document.createElement("tr");
      columns.forEach((column, at) => {
        const cell = line.insertCell();
        cell.textContent = FORMATS[column.kind](row[at]);
        if (column.kind === "text") cell.className = "text";
        if (column.coloured && row[at]) cell.className = row[at] > 0 ? "up" : "down";
      });
      return line;
    }));
    if (found.length > limit) {
      const cell = body.insertRow().insertCell(), more = document.createElement("button");
      cell.colSpan = columns.length;
      more.type = "button";
      more.textContent = `show ${Math.min(STEP, found.length - limit)} more`;
      more.onclick = () => { limit += STEP; fill(); };
      cell.append(more);
    }
    const profit = found.reduce((sum, row) => sum + (row[place("pnl")] || 0), 0);
    byId("counted").textContent = found.length ? `${number(found.length, 0)} shown, together ${signed(profit, 2)}` : rows.length ? "none of these" : "none";
  }

  function choice(name, label) {
    const values = name === "result" ? ["won", "lost"] : [...new Set(rows.map(row => row[place(name)]))];
    if (values.length < 2) return;
    const select = document.createElement("select");
    select.append(new Option(label, ""), ...values.map(value => new Option(value, value)));
    select.onchange = () => { filters[name] = select.value; limit = STEP; fill(); };
    byId("filters").append(select);
  }

  if (rows.length) {
    for (const [name, label] of [["strategy", "all strategies"], ["symbol", "all symbols"], ["side", "long and short"], ["result", "won and lost"]]) choice(name, label);
    const search = document.createElement("input");
    search.placeholder = "find, e.g. 2020-03";
    search.setAttribute("aria-label", "find in the trades");
    search.oninput = () => { filters.text = search.value.trim().toLowerCase(); limit = STEP; fill(); };
    byId("filters").append(search);
  } else table.hidden = true;
  fill();
}

tradeTable();
drawAll().catch(error => {
  for (const chart of document.querySelectorAll(".chart")) chart.textContent = `The charts need a browser of 2023 or newer (${error}).`;
});
