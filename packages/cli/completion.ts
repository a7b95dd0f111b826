/**
 * What a shell offers after TAB: made from the commands themselves, so that it cannot lag behind them.
 *
 * Words only, by the words before: no request is made while somebody types, least of all in an outage.
 */
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Place {
  /** Words after `atoll`, such as `peer pause`. */
  readonly path: string;
  readonly words: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly about: string;
  /** Of an option that takes one of few values: itself in every spelling, and those. */
  readonly values?: { readonly flags: readonly string[]; readonly choices: readonly string[] };
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, []);
  switch (shell) {
    case "bash":
      return bash(places);
    case "zsh":
      return `#compdef atoll\nautoload -U +X bashcompinit && bashcompinit\n${bash(places)}`;
    case "fish":
      return fish(places);
  }
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  const below = command.commands.map((sub) => ({ word: sub.name(), about: sub.description() }));
  const options = command.options.flatMap(({ long, short, description, argChoices }): Word[] => {
    if (typeof long !== "string") return [];
    const flags = [short, long].filter((flag) => typeof flag === "string");
    const values = argChoices && { flags, choices: argChoices };
    return [{ word: long, about: description, ...(values && { values }) }];
  });
  return [
    { path: path.join(" "), words: [...below, ...options, { word: "--help", about: "help" }] },
    ...command.commands.flatMap((sub) => placesOf(sub, [...path, sub.name()])),
  ];
}

/** The longest path of words that are no options decides. */
function bash(places: readonly Place[]): string {
  const cases = places.map(
    ({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(" ")}" ;;`,
  );
  const valueCases = places.flatMap(({ path, words }) =>
    words.flatMap(({ values }) => {
      if (values === undefined) return [];
      const before = values.flags.map((flag) => `"${path} ${flag}"`).join(" | ");
      return [`    ${before}) words="${values.choices.join(" ")}" ;;`];
    }),
  );
  return [
    "_atoll() {",
    '  local path="" words="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) break ;; esac',
    '    case " $_atoll_paths " in *" ${path:+$path/}$word "*) path="${path:+$path/}$word" ;; *) break ;; esac',
    "  done",
    '  case "${path//\\// }" in',
    ...cases,
    "  esac",
    '  case "${path//\\// } ${COMP_WORDS[COMP_CWORD-1]}" in',
    ...valueCases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    "}",
    `_atoll_paths="${places
      .map(({ path }) => path.replaceAll(" ", "/"))
      .filter((path) => path !== "")
      .join(" ")}"`,
    "complete -o default -F _atoll atoll",
  ].join("\n");
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) => {
    const seen = path === "" ? [] : path.split(" ");
    const next = words.filter(({ word }) => !word.startsWith("--")).map(({ word }) => word);
    const conditions = [
      ...seen.map((word) => `__fish_seen_subcommand_from ${word}`),
      ...(seen.length === 0 && next.length > 0 ? ["__fish_use_subcommand"] : []),
      ...(seen.length > 0 && next.length > 0
        ? [`not __fish_seen_subcommand_from ${next.join(" ")}`]
        : []),
    ];
    const condition = conditions.length === 0 ? "" : ` -n '${conditions.join("; and ")}'`;
    return words.map(({ word, about, values }) => {
      const taken = values === undefined ? "" : ` -x -a '${values.choices.join(" ")}'`;
      const what = word.startsWith("--") ? `-l ${word.slice(2)}${taken}` : `-f -a ${word}`;
      return `complete -c atoll${condition} ${what} -d '${about.replaceAll("'", "")}'`;
    });
  });
  return lines.join("\n");
}
