/** A name such as "rescaledSquare" that may break before its capitals where space is short. */
export function Breakable({ name }: { name: string }) {
  const [start, ...rest] = name.split(/(?=[A-Z][a-z])/);
  if (rest.length === 0) return name;
  return (
    <>
      {start}
      <wbr />
      <Breakable name={rest.join("")} />
    </>
  );
}
