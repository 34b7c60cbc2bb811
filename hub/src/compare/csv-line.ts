/** One row of a CSV file (RFC 4180), its line break included. Fields are quoted where they need it. */
export function csvLine(fields: readonly string[]): string {
  // A row of one empty field would be a blank line, which readers skip.
  if (fields.length === 1 && fields[0] === "") return '""\n';
  const quoted = (field: string) =>
    /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  return `${fields.map(quoted).join(",")}\n`;
}
