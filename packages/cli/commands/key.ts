/** `atoll key`: API keys, of which a region knows the hash only; and the keys with which regions sign. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Role, Tenant } from "@atoll/core";
import { ROLES, parseClientTenant, systemRandom } from "@atoll/core";
import { newApiKey } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import type { FleetOptions } from "../fleet.ts";
import { clusterKeys, fleetOf, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, tableText } from "../output.ts";

interface NewOptions {
  readonly id: string;
  readonly role: readonly Role[];
  readonly tenant?: Tenant;
  readonly field?: readonly string[];
}

export function addKeyCommand(program: Command, { terminal }: CommandContext): void {
  const key = program.command("key").description("API keys, and the keys with which regions sign");
  withFleet(key.command("ls"))
    .description("public keys of the regions, to check certificates with later")
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const keys = await clusterKeys(fleetOf(fleet));
      if (output !== "table") printData(terminal, output, keys);
      else terminal.print(tableText(["region", "Ed25519, base64url"], Object.entries(keys.keys)));
    });
  key
    .command("new")
    .description("make a key: the record goes to stdout, the key itself to stderr, once")
    .requiredOption("--id <name>", "what logs and limits call it", keyId)
    .addOption(
      new Option("--role <name...>", "what it may do").choices(ROLES).makeOptionMandatory(),
    )
    .option("--tenant <name>", "whose profiles; default unless named", tenant)
    .option("--field <name...>", "top-level members that it may see and set; all unless named")
    .addHelpText(
      "after",
      "\nThe record is an item of `keys:` in the file that `auth.keys` names; regions read it again by\n" +
        "themselves:\n  (echo keys:; atoll key new --id web --role writer) > keys.yaml\n",
    )
    .action(async ({ id, role, tenant: whose, field }: NewOptions) => {
      const made = await newApiKey({ id, roles: role, tenant: whose, fields: field }, systemRandom);
      terminal.print(made.record);
      terminal.tell(`The key, shown only now: ${made.key}`);
    });
}

function keyId(text: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected letters, digits and hyphens, at most 64.");
}

function tenant(text: string): Tenant {
  const parsed = parseClientTenant(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError("Expected lower-case letters, digits and hyphens, at most 63.");
}
