/** JSON of any value: bigints as decimal text, dates as ISO text, a line end for people. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? item.toString() : item,
  );
  return `${text ?? 'null'}\n`;
}
