/** `atoll context`: the clusters that this operator speaks to, by name. */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { AtollError, parseRegionName } from "@atoll/core";
import type { OperatorContext } from "@atoll/server";
import { contextsPath, readContexts, writeContexts } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl } from "../command-context.ts";
import { confirmed, withConsent } from "../consent.ts";
import type { ConsentOptions } from "../consent.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData, tableText } from "../output.ts";

type Regions = OperatorContext["regions"];

interface SetOptions extends ConsentOptions {
  readonly region?: Regions;
  readonly tokenFile?: string;
}

export function addContextCommand(program: Command, { terminal }: CommandContext): void {
  const contexts = program
    .command("context")
    .description(
      "clusters by name, in ~/.config/atoll/contexts.yaml or the file ATOLL_CONTEXTS names",
    );
  contexts
    .command("ls")
    .description("those that are known, and the one in use")
    .addOption(outputOption())
    .action(({ output }: OutputOption) => {
      const known = readContexts(contextsPath());
      if (output !== "table") return printData(terminal, output, known);
      const rows = Object.entries(known.contexts).map(([name, { regions, tokenFile }]) => [
        name === known.current ? "*" : "",
        name,
        Object.entries(regions)
          .map(([region, { admin }]) => `${region} ${admin}`)
          .join("\n"),
        tokenFile,
      ]);
      terminal.print(tableText(["", "context", "regions", "token file"], rows));
      if (rows.length === 0) terminal.tell("None: commands speak to the regions of atoll local.");
    });
  withConsent(contexts.command("use <name>"))
    .description("from now on, commands speak to this one")
    .action(async (name: string, options: ConsentOptions) => {
      const path = contextsPath();
      const known = readContexts(path);
      if (known.contexts[name] === undefined) {
        throw new AtollError("malformed-request", `${path} has no context ${name}`, {
          mend: "See atoll context ls.",
        });
      }
      const plan = `use context ${name} from now on (${path})`;
      if (!(await confirmed(plan, { ...options, isHarmless: true }, terminal))) return;
      writeContexts(path, { ...known, current: name });
      terminal.tell(`Context ${name} is in use.`);
    });
  withConsent(contexts.command("set <name>"))
    .description("make one, or add regions to it; the first one made is in use")
    .option(
      "--region <name=admin[,rest]>",
      "a region with the URLs of its listeners; repeat it",
      regionEntry,
    )
    .option("--token-file <file>", "whose content is sent as credential; ATOLL_TOKEN wins")
    .action(async (name: string, options: SetOptions) => {
      const { region: regions = {}, tokenFile } = options;
      const path = contextsPath();
      const known = readContexts(path);
      const before = known.contexts[name] ?? { regions: {} };
      const after = {
        ...before,
        ...(tokenFile !== undefined && { tokenFile }),
        regions: { ...before.regions, ...regions },
      };
      const count = countText(Object.keys(after.regions).length, "region");
      const plan = `write context ${name} with ${count} to ${path}`;
      if (!(await confirmed(plan, { ...options, isHarmless: true }, terminal))) return;
      const current = known.current ?? name;
      writeContexts(path, { current, contexts: { ...known.contexts, [name]: after } });
      terminal.tell(`Context ${name} has ${count}${current === name ? " and is in use" : ""}.`);
    });
}

function regionEntry(text: string, earlier: Regions = {}): Regions {
  const [, name = "", urls = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const [admin, rest, ...more] = urls.split(",");
  if (parseRegionName(name) === undefined || admin === undefined || more.length > 0) {
    throw new InvalidArgumentError("Expected NAME=ADMIN-URL or NAME=ADMIN-URL,REST-URL.");
  }
  const entry = {
    admin: endpointUrl(admin),
    ...(rest !== undefined && { rest: endpointUrl(rest) }),
  };
  return { ...earlier, [name]: entry };
}
