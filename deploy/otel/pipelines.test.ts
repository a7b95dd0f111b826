// A collector's configuration is refused when a pipeline names what is not defined; a definition that no
// pipeline names is dropped in silence. Neither program runs here, so their rule is checked instead.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";

const SECTIONS = ["receivers", "processors", "exporters"] as const;
type Section = (typeof SECTIONS)[number];

interface Collector extends Readonly<Record<Section, object>> {
  readonly extensions: object;
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: Readonly<Record<string, Readonly<Record<Section, readonly string[]>>>>;
  };
}

test.each(["collector.yaml", "jaeger.yaml"])(
  "%s defines what it uses and uses what it defines",
  (name) => {
    const collector = parse(readFileSync(join(import.meta.dirname, name), "utf8")) as Collector;
    for (const section of SECTIONS) {
      const used = Object.values(collector.service.pipelines).flatMap(
        (pipeline) => pipeline[section],
      );
      expect([...new Set(used)].sort()).toEqual(Object.keys(collector[section]).sort());
    }
    expect([...collector.service.extensions].sort()).toEqual(
      Object.keys(collector.extensions).sort(),
    );
  },
);
