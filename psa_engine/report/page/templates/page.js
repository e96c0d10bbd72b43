// Draws the charts, and passes each change of a control on to the charts that follow it.
const charts = JSON.parse(document.getElementById("charts").textContent);
const actions = { export: true, source: false, compiled: false, editor: false };
const drawn = await Promise.all(
  charts.map(async ({ name, spec, renderer }) => {
    const { view } = await vegaEmbed(`#chart-${name}`, spec, { ast: true, actions, renderer, downloadFileName: name });
    return { view, params: spec.params ?? [] };
  }),
);
for (const { view, params } of drawn) {
  for (const { name } of params.filter((p) => p.bind)) {
    const followers = drawn.filter((d) => d.params.some((p) => p.name === name && !p.bind));
    view.addSignalListener(name, (_, value) => followers.forEach((d) => d.view.signal(name, value).runAsync()));
  }
}
for (const table of document.querySelectorAll("table.sortable")) {
  const searching = table.matches(".searchable");
  const layout = { topStart: searching ? "search" : null, topEnd: null, bottomStart: null, bottomEnd: null };
  new DataTable(table, { paging: false, info: false, order: [], autoWidth: false, searching, layout });
}
document.documentElement.dataset.ready = "yes";
