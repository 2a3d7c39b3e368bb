#include "platform/app/console/overview_script.h"

namespace weft::app {

const absl::string_view kOverviewScript = R"js('use strict';
const POINTS_MAX = 120;  // of each chart, a second apart
const WINDOW = 10;       // seconds that rates and quantiles are of
const samples = [];      // the latest answers, oldest first
const series = {};       // by chart: lists of numbers
let paused = false;

const byId = id => document.getElementById(id);

function quantile(q, now, before) {
  const counts = now.counts.map((count, i) => count - (before.counts[i] || 0));
  const total = counts[counts.length - 1] || 0;
  if (total <= 0) return null;
  const rank = q * total;
  const at = counts.findIndex(count => count >= rank);
  const bounds = now.bounds_seconds;
  if (at >= bounds.length) return bounds[bounds.length - 1];
  const below = at === 0 ? 0 : counts[at - 1];
  const low = at === 0 ? 0 : bounds[at - 1];
  return low + (bounds[at] - low) * (rank - below) / Math.max(counts[at] - below, 1e-9);
}

function total(distribution) {
  return distribution.counts.length ? distribution.counts[distribution.counts.length - 1] : 0;
}

function seconds(value) {
  if (value === null) return '–';
  if (value < 1e-3) return (value * 1e6).toFixed(0) + 'µs';
  if (value < 1) return (value * 1e3).toPrecision(3) + 'ms';
  return value.toFixed(2) + 's';
}

function bytes(value) {
  return value < 2 ** 30 ? (value / 2 ** 20).toFixed(1) + ' MiB' : (value / 2 ** 30).toFixed(2) +
    ' GiB';
}

function number(value) {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
}

// `values`: one number for each line of the chart, null where there is none.
function draw(id, values, format) {
  const chart = byId(id);
  const lines = series[id] || (series[id] = values.map(() => []));
  lines.forEach((line, i) => {
    line.push(values[i]);
    if (line.length > POINTS_MAX) line.shift();
  });
  chart.querySelector('p').textContent = values.map(format).join(' / ');
  const most = Math.max(1e-9, ...lines.flat().filter(value => value !== null));
  const svg = chart.querySelector('svg');
  svg.replaceChildren(...lines.map(line => {
    const points = line.map((value, i) => value === null ? '' :
      `${119 - (line.length - 1 - i)},${(39 - 37 * value / most).toFixed(2)}`);
    const drawn = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    drawn.setAttribute('points', points.filter(point => point).join(' '));
    return drawn;
  }));
  chart.querySelector('.most').textContent = 'at most ' + format(most <= 1e-9 ? 0 : most);
}

const NONE = {counts: [], bounds_seconds: []};

function showMethods(now, before, elapsed) {
  const rows = new Map();
  for (const row of document.querySelectorAll('tr[data-method]')) {
    rows.set(row.dataset.method, row.cells);
  }
  for (const method of now.methods) {
    const cells = rows.get(method.method);
    if (!cells) continue;
    const old = before.methods.find(other => other.method === method.method) ||
      {latency: NONE, not_ok_total: 0};
    const texts = [
      number((total(method.latency) - total(old.latency)) / elapsed),
      number((method.not_ok_total - old.not_ok_total) / elapsed),
      seconds(quantile(.5, method.latency, old.latency)),
      seconds(quantile(.99, method.latency, old.latency)),
      total(method.latency),
      method.not_ok_total];
    texts.forEach((text, i) => { cells[i + 1].textContent = text; });
  }
}

function show(now) {
  samples.push(now);
  if (samples.length > WINDOW + 1) samples.shift();
  const before = samples[0];
  const ready = byId('ready');
  ready.textContent = now.ready ? 'ready' : 'not ready: ' + now.not_ready;
  ready.className = now.ready ? 'good' : 'bad';
  byId('up').textContent = now.up_seconds.toFixed(0) + 's';
  byId('stalls').textContent = now.stalls_total;
  byId('deadlocks').textContent = now.deadlocks_total;
  byId('turned_away').textContent = now.turned_away_total;
  byId('connections').textContent = now.connections;
  if (before === now) return;
  const last = samples[samples.length - 2];
  const elapsed = now.now_seconds - last.now_seconds;
  draw('rate', [(total(now.latency) - total(last.latency)) / elapsed], number);
  draw('not_ok', [(now.not_ok_total - last.not_ok_total) / elapsed], number);
  draw('latency', [quantile(.5, now.latency, last.latency),
                   quantile(.99, now.latency, last.latency)], seconds);
  draw('lag', [quantile(.5, now.loop_lag, last.loop_lag),
               quantile(.99, now.loop_lag, last.loop_lag)], seconds);
  draw('in_flight', [now.in_flight], value => value.toFixed(0));
  const fibers = Object.entries(now.fibers).filter(([state]) => state !== 'idle');
  draw('fibers', [fibers.reduce((sum, [, count]) => sum + count, 0)], value => value.toFixed(0));
  draw('cpu', [(now.cpu_seconds_total - last.cpu_seconds_total) / elapsed], number);
  draw('memory', [now.memory_bytes], bytes);
  const spanned = now.now_seconds - before.now_seconds;
  showMethods(now, before, spanned);
  byId('since').textContent =
    `Charts: each second; table: the last ${spanned.toFixed(0)} seconds.`;
}

async function poll() {
  if (paused || document.hidden) return;
  try {
    const answer = await fetch('/debug/overview?format=json', {signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    byId('problem').textContent = '';
  } catch (error) {
    byId('problem').textContent = `The process does not answer: ${error.message}`;
  }
}

// One at a time, a second apart, however long an answer takes.
async function run() {
  await poll();
  setTimeout(run, 1000);
}

const button = byId('pause');
button.hidden = false;
button.addEventListener('click', () => {
  paused = !paused;
  button.textContent = paused ? 'Go on' : 'Pause';
});
run();
)js";

}  // namespace weft::app
