/** What people and programs do with a region, as credentials name it. The gateway says what each permits. */
export const ROLES = ["reader", "writer", "auditor", "operator"] as const;
export type Role = (typeof ROLES)[number];

export function parseRole(text: unknown): Role | undefined {
  return ROLES.find((role) => role === text);
}
