import { expect, test } from "bun:test";
import { healthCheck } from "../../lib/spec/health_check.ts";

const image = { test: ["CMD-SHELL", "curl -f http://localhost/"], intervalNs: 5e9, retries: 5 };
const plain = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  retries: 3,
  onFailure: "none",
} as const;

test("healthCheck() takes the image's, with Docker's defaults", () => {
  expect(healthCheck(image, undefined)).toEqual({
    ...plain,
    probe: { kind: "shell", line: "curl -f http://localhost/" },
    intervalMs: 5000,
    retries: 5,
  });
});

test("healthCheck() takes each of the user's choices over the image's", () => {
  const probe = { kind: "tcp", port: 80 } as const;
  expect(healthCheck(image, { probe, retries: 1, onFailure: "restart" })).toEqual({
    ...plain,
    probe,
    intervalMs: 5000,
    retries: 1,
    onFailure: "restart",
  });
});

test.each([
  ["nobody defines one", undefined, undefined],
  ["the image has none", { test: ["NONE"] }, undefined],
  ["the image's is empty", { test: [] }, undefined],
  ["the image's command is empty", { test: ["CMD"] }, undefined],
  ["the user turns it off", image, "none"],
  ["the user chooses times alone", undefined, { intervalMs: 1 }],
] as const)("healthCheck() is none where %s", (_, image, choice) => {
  expect(healthCheck(image, choice)).toBeUndefined();
});
