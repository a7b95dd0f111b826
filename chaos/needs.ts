/** What a scenario may need of the host or of the backend. `doctor.ts` finds out whether it is there. */
export const NEEDS = {
  frames: "a proxy that knows WebSocket frames (backend proxy)",
  resets: "connections that can be reset on their way (backend proxy)",
  slices: "bytes that arrive one by one (backend proxy)",
  delay: "delay on links (backend proxy, or netem in the kernel)",
  bandwidth: "slow links (backend proxy, or tc tbf)",
  loss: "packet loss (backend netns: nftables numgen)",
  mount: "a mount namespace and tmpfs (root and unshare)",
  faketime: "libfaketime (Debian package faketime)",
} as const;

export type Need = keyof typeof NEEDS;
