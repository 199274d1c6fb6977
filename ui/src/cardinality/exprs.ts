// PromQL that shows what a ranking counts.

const PLAIN_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const PLAIN_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function selector(metric: string): string {
  return PLAIN_METRIC.test(metric) ? metric : `{${JSON.stringify(metric)}}`;
}

function labelName(name: string): string {
  return PLAIN_LABEL.test(name) ? name : JSON.stringify(name);
}

/** All series of a metric. */
export function exprForMetric(metric: string): string {
  return selector(metric);
}

/** Series per value of a label, most first. */
export function exprForLabel(name: string): string {
  return `topk(50, count by (${labelName(name)}) ({${labelName(name)}!=""}))`;
}

/** Series per metric that carry `name=value`, most first. */
export function exprForPair(pair: string): string {
  const at = pair.indexOf('=');
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  return `topk(50, count by (__name__) ({${labelName(name)}=${JSON.stringify(value)}}))`;
}
