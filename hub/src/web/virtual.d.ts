declare module "virtual:library-exports" {
  /** Name of an export of the library to the entry points that have it (see `libraryExports.ts`). */
  const libraryExports: Record<string, string[]>;
  export default libraryExports;
}
