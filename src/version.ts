import about from "../package.json" with { type: "json" };

/** This program's version. */
export const version: string = about.version;

/** What manifests say they were written by. */
export const toolName = `rcdump ${version}`;
