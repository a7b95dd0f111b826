/**
 * An edit of several steps, planned one after the other and done as one change.
 *
 * `Steps` keeps what all formats of such edits share: the copy that each step is planned against, the
 * operations so far, and the ways in which a place is written, emptied and compared. A step that cannot
 * be made throws, and then nothing has happened.
 */
import { AtollError, limits } from "@atoll/core";
import { canonicalJson, sameJson } from "./canonical.ts";
import type { ContainerPath } from "./containers.ts";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import { invalid, isJsonArray, isJsonObject, isJsonScalar, jsonFaults, memberOf } from "./json.ts";
import { setMember } from "./json.ts";
import type { Operation, Planning } from "./operations.ts";
import { newPlanning } from "./operations.ts";
import type { Owner, Place } from "./place.ts";
import { locate } from "./place.ts";
import { clearMember, clearSlot } from "./plan-clear.ts";
import { planItem } from "./plan-list.ts";
import type { Site } from "./plan-site.ts";
import { mark } from "./plan-site.ts";
import type { Plan } from "./plan.ts";
import { finish, planMember, planPut } from "./plan.ts";
import { parsePointer } from "./pointer.ts";
import type { SchemaNode } from "./schema.ts";
import { MAP_MARK, markKey } from "./slots.ts";
import { StagedProfile } from "./staged.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedMap } from "./stored.ts";
import { setKey, showPlain, showProfile, showSet, showSlot, shownSlots } from "./view.ts";

export class Steps {
  readonly root: SchemaNode;
  readonly #stage: StagedProfile;
  readonly #operations: Operation[] = [];
  readonly #containers: ContainerPath[] = [];
  #index = 0;

  constructor(profile: StoredMap, root: SchemaNode) {
    this.root = root;
    this.#stage = new StagedProfile(profile);
  }

  /** As the steps so far leave it. */
  get profile(): StoredMap {
    return this.#stage.profile;
  }

  show(): JsonObject {
    return showProfile(this.#stage.profile, this.root);
  }

  /** The value at a place, as readers would see it now. */
  valueAt(tokens: readonly string[]): JsonValue | undefined {
    let value: JsonValue | undefined = this.show();
    for (const token of tokens) {
      if (isJsonObject(value)) value = memberOf(value, token);
      else if (isJsonArray(value) && /^(?:0|[1-9]\d*)$/.test(token)) value = value[Number(token)];
      else return undefined;
    }
    return value;
  }

  locate(tokens: readonly string[]): Place | undefined {
    return locate(this.#stage.profile, this.root, tokens);
  }

  /** Does one step. What `plan` throws or finds wrong is told with the step's number. */
  step(index: number, run: () => void): void {
    this.#index = index;
    run();
  }

  /** Plans a part of a step, and has the steps that follow see it. */
  plan(run: (planning: Planning) => void): void {
    const planning = newPlanning();
    run(planning);
    this.do(() => finish(planning));
  }

  do(planned: () => Plan): void {
    let plan: Plan;
    try {
      plan = planned();
    } catch (error) {
      throw error instanceof AtollError ? this.#ofStep(error) : error;
    }
    this.#stage.perform(plan);
    for (const operation of plan.operations) this.#operations.push(operation);
    this.#containers.push(...plan.containers);
    if (this.#operations.length > limits.CHANGE_OPS_MAX) {
      throw this.fault("too-many-operations", `more than ${limits.CHANGE_OPS_MAX} go at once`);
    }
  }

  finish(): Plan {
    const planning = newPlanning();
    planning.operations.push(...this.#operations);
    planning.containers.push(...this.#containers);
    return finish(planning);
  }

  fault(code: string, detail: string, member = ""): AtollError {
    return invalid([{ pointer: `/${this.#index}${member}`, code, detail }]);
  }

  missing(member = "/path"): AtollError {
    return this.fault("missing", "names nothing in the profile", member);
  }

  /** Refuses what no profile may hold, at the place where it would lie. */
  checkValue(tokens: readonly string[], value: JsonValue): void {
    const nested = tokens.reduceRight<JsonValue>((inner, token) => {
      const outer: Record<string, JsonValue> = {};
      setMember(outer, token, inner);
      return outer;
    }, value);
    const faults = jsonFaults(nested);
    if (faults.length > 0) throw this.#ofStep(invalid(faults));
  }

  /** Gives a place another value; `item` and `element` must exist. */
  replace(place: Place, value: JsonValue): void {
    this.plan((planning) => {
      switch (place.kind) {
        case "member":
          return planMember(planning, place.site, place.name, value, "put");
        case "field": {
          const shown = showPlain(place.map) as JsonObject;
          return planItem(planning, place.at, place.map, { ...shown, [place.name]: value });
        }
        case "item": {
          const { at, list, index } = place;
          const before = storedMap(list[index]);
          if (before !== undefined && isJsonObject(value)) {
            planItem(planning, [...at, index], before, value);
          } else if (!sameJson(showPlain(list[index]) ?? null, value)) {
            planning.operations.push({ kind: "splice", at, index, removed: 1, inserted: [value] });
          }
          return this.#settle(planning, place.owner);
        }
        case "element":
          return this.#writeElements(planning, place.owner, (held) => {
            if (place.key !== undefined) held.delete(place.key);
            held.set(...this.element(value));
          });
      }
    });
  }

  insertItems(place: Place & { readonly kind: "item" }, values: readonly JsonValue[]): void {
    const { at, index, owner } = place;
    this.plan((planning) => {
      if (owner !== undefined && storedAt(owner.site.map, owner.slot.key) === undefined) {
        planning.containers.push(at.slice(1) as string[]); // shown by its mark alone so far
      }
      planning.operations.push({ kind: "splice", at, index, removed: 0, inserted: values });
      this.#settle(planning, owner);
    });
  }

  removeItems(place: Place & { readonly kind: "item" }, count: number): void {
    const { at, list, index, owner } = place;
    this.plan((planning) => {
      planning.operations.push({ kind: "splice", at, index, removed: count, inserted: [] });
      if (owner !== undefined && list.length === count) markShown(planning, owner);
      this.#settle(planning, owner);
    });
  }

  /** Adds to a set or takes away; other members of it are not touched. */
  changeElements(owner: Owner, change: (held: Map<string, JsonScalar>) => void): void {
    this.plan((planning) => this.#writeElements(planning, owner, change));
  }

  /** Takes a member, item, element or field away. False when there was none. */
  remove(place: Place): boolean {
    switch (place.kind) {
      case "member": {
        const { site, name } = place;
        let removed = false;
        this.plan((planning) => {
          removed = clearMember(planning, site, name, "refuse");
          if (removed) keepShown(planning, site);
        });
        return removed;
      }
      case "field": {
        const { at, map, name } = place;
        if (storedAt(map, name) === undefined) return false;
        this.plan(({ operations }) => operations.push({ kind: "remove", at, key: name }));
        return true;
      }
      case "item":
        if (place.index >= place.list.length) return false;
        this.removeItems(place, 1);
        return true;
      case "element": {
        const { key } = place;
        if (key === undefined) return false;
        this.changeElements(place.owner, (held) => held.delete(key));
        return true;
      }
    }
  }

  /** A set's element by the key under which it is stored. */
  element(value: JsonValue): [string, JsonScalar] {
    if (!isJsonScalar(value)) throw this.fault("type", "a set holds scalars only", "/value");
    return [setKey(value), typeof value === "string" ? value.normalize("NFC") : value];
  }

  isSame(tokens: readonly string[], expected: JsonValue): boolean {
    const actual = this.valueAt(tokens);
    if (actual === undefined) return false;
    if (sameJson(actual, expected)) return true;
    const place = tokens.length === 0 ? undefined : this.locate(tokens);
    const slot = place?.kind === "member" ? shownSlotOf(place.site, place.name) : undefined;
    if (slot?.kind !== "set" || !isJsonArray(actual) || !isJsonArray(expected)) return false;
    // The order in which a set is shown is ours: a client need not know it.
    const sorted = (values: readonly JsonValue[]): string =>
      canonicalJson(values.map(canonicalJson).sort());
    return sorted(actual) === sorted(expected);
  }

  #writeElements(
    planning: Planning,
    { site, name, slot }: Owner,
    change: (held: Map<string, JsonScalar>) => void,
  ): void {
    const held = showSet(storedMap(storedAt(site.map, slot.key)) ?? {});
    change(held);
    planMember(planning, site, name, [...held.values()], "put");
  }

  /** An edit inside the shown value settles a concurrent change of its kind. */
  #settle(planning: Planning, owner: Owner | undefined): void {
    if (owner === undefined || planning.operations.length === 0) return;
    settle(planning, owner.site, owner.name);
  }

  #ofStep(error: AtollError): AtollError {
    const faults = error.data.faults?.map(({ pointer, detail, code }) => ({
      pointer: `/${this.#index}`,
      detail: `${pointer || "the profile"} ${detail}`,
      code,
    }));
    const detail = `operation ${this.#index}: ${error.message}`;
    return new AtollError(error.code, detail, { ...error.data, ...(faults && { faults }) });
  }
}

/** Everything from the root: what an edit that creates starts with. */
export function clearAll(steps: Steps): void {
  steps.do(() => planPut(steps.profile, steps.root, {}));
}

export function mustTokens(pointer: string): readonly string[] {
  return parsePointer(pointer) ?? [];
}

/** Clears the values of other kinds that concurrent writes left beside the shown one. */
export function settle(planning: Planning, site: Site, name: string): void {
  for (const slot of shownSlots(site.map, name, site.members.get(name)).slice(1)) {
    clearSlot(planning, site, name, slot, "leave");
  }
}

/** What is shown of a member now, if anything. */
export function shownSlotOf(site: Site, name: string): Owner["slot"] | undefined {
  return shownSlots(site.map, name, site.members.get(name))[0];
}

export function shownValueOf(site: Site, name: string): JsonValue | undefined {
  const slot = shownSlotOf(site, name);
  return slot && showSlot(site.map, slot, site.members.get(name));
}

/** A list, set or text that has just become empty is still there. */
function markShown(planning: Planning, { site, slot }: Owner): void {
  mark(planning, site.at, markKey(slot.key), site.map);
}

/** So is a map whose last member goes. */
function keepShown(planning: Planning, site: Site): void {
  if (site.pointer !== "") mark(planning, site.at, MAP_MARK, site.map);
}
