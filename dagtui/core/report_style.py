"""The style sheet of the report's file: light or dark as its reader has it, black on white on paper."""

STYLE = """\
:root {
  --ground: #fbfbfa; --panel: #ffffff; --text: #1d2127; --dim: #626a76; --frame: #dcdfe4; --track: #eceef1;
  --data: #2f6fb7; --running: #4a90d9; --done: #2e8b57; --failed: #c8354f; --waiting: #b7791f; --money: #8a6d1a;
  --queued: #9aa1ac;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181e; --panel: #1b1f27; --text: #d9dee7; --dim: #8a919e; --frame: #333a47; --track: #2a303b;
    --data: #4ea1ff; --running: #4ea1ff; --done: #5fbf87; --failed: #f7768e; --waiting: #e0af68; --money: #d7c07a;
    --queued: #6b7280;
  }
}
@media print {
  :root {
    --ground: #ffffff; --panel: #ffffff; --text: #000000; --dim: #444444; --frame: #999999; --track: #eeeeee;
    --data: #2f6fb7; --running: #4a90d9; --done: #2e8b57; --failed: #c8354f; --waiting: #b7791f; --money: #8a6d1a;
    --queued: #9aa1ac;
  }
  body { font-size: 10pt; }
  section { break-inside: avoid; }
  svg, .tile { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums;
}
main {
  width: 100%; max-width: 62rem; margin: 0 auto; display: grid; gap: 1rem;
  grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
}
header, .wide { grid-column: 1 / span 2; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: break-word; }
h2 { font-size: .8rem; font-weight: 600; margin: 0 0 .6rem; color: var(--dim); text-transform: lowercase; }
header p { margin: .2rem 0; overflow-wrap: break-word; }
.outcome { font-weight: 600; }
section {
  background: var(--panel); border: 1px solid var(--frame); border-radius: 6px; padding: .8rem 1rem; min-width: 0;
}
section.tiles { display: flex; flex-wrap: wrap; gap: 1rem; }
.tile { flex: 1 1 8.5rem; }
.tile b, .tile span { display: block; }
.tile b { font-size: 1.35rem; line-height: 1.3; overflow-wrap: break-word; }
.tile span, .dim { color: var(--dim); font-size: .82rem; }
table { border-collapse: collapse; width: 100%; overflow-wrap: anywhere; }
th { text-align: left; font-weight: 400; color: var(--dim); vertical-align: top;}
th, td { padding: .12rem .8rem .12rem 0; }
.bars td { white-space: nowrap; text-align: right; }
.bars td.fill { width: 50%; padding-right: 0; }
.compared td, .compared tr:first-child th { text-align: right; }
code {
  font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: break-word; user-select: all;
}
ul { margin: 0; padding-left: 1.1rem; }
p { margin: .3rem 0; }
footer { max-width: 62rem; margin: 1rem auto 0; }
svg.bar { display: block; width: 100%; height: .6rem; margin-top: .4rem; }
svg.bar.tall { height: 1.1rem; margin: 0 0 .6rem; }
svg.chart { display: block; width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--dim); }
svg .end { text-anchor: end; }
.grid { stroke: var(--frame); stroke-width: 1; }
.track { fill: var(--track); }
.data { fill: var(--data); } .running { fill: var(--running); } .done { fill: var(--done); }
.failed { fill: var(--failed); } .waiting { fill: var(--waiting); } .money { fill: var(--money); }
.queued { fill: var(--queued); } .skipped { fill: var(--queued); } .cancelled { fill: var(--waiting); }
line.touch { stroke: var(--text); stroke-dasharray: 2 2; } text.touch { fill: var(--text); }
.done-text { color: var(--done); } .failed-text { color: var(--failed); } .waiting-text { color: var(--waiting); }
.running-text { color: var(--running); } .queued-text, .skipped-text, .cancelled-text { color: var(--dim); }
@media (max-width: 44rem) { main { grid-template-columns: minmax(0, 1fr); } header, .wide { grid-column: 1; } }
"""
