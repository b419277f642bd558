/**
 * The text format of Prometheus, version 0.0.4, read as strictly as promtool reads it: what this
 * parser takes, a scrape takes.
 */

export interface Family {
  readonly type: string;
  readonly help: string;
  /** Value by series, as written: `name{label="value"}`. */
  readonly series: ReadonlyMap<string, number>;
}

// Nan: what prom-client writes; Go reads it in any case.
const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const helpLine = new RegExp(`^# HELP (${name}) ((?:[^\\\\\\n]|\\\\[\\\\n])+)$`);
const typeLine = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary)$`);
const valueLine = new RegExp(
  `^(${name})(\\{${label}(?:,${label})*\\})? (Na[Nn]|[+-]Inf|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`,
);

export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { type: string; help: string; series: Map<string, number> }>();
  let open = '';
  let help: readonly string[] = [];
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const told = helpLine.exec(line);
    const typed = typeLine.exec(line);
    const value = valueLine.exec(line);
    if (told !== null) {
      help = [told[1] ?? '', told[2] ?? ''];
    } else if (typed !== null) {
      open = typed[1] ?? '';
      if (help[0] !== open) throw new Error(`TYPE without its HELP: ${line}`);
      if (families.has(open)) throw new Error(`a family twice: ${open}`);
      families.set(open, { type: typed[2] ?? '', help: help[1] ?? '', series: new Map() });
    } else if (value !== null) {
      const family = families.get(open);
      const own = value[1]?.replace(family?.type === 'histogram' ? /_(bucket|sum|count)$/ : '', '');
      if (family === undefined || own !== open) throw new Error(`outside its family: ${line}`);
      const series = `${value[1]}${value[2] ?? ''}`;
      if (family.series.has(series)) throw new Error(`a series twice: ${series}`);
      family.series.set(series, Number(value[3]?.replace('Inf', 'Infinity')));
    } else {
      throw new Error(`no line of the format: ${line}`);
    }
  }
  return families;
}
