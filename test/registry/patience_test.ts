import { describe, expect, test } from "bun:test";
import { formatSeconds, Patience } from "../../lib/registry/patience.ts";

const never = new Promise<never>(() => {});
const later = (more: object = {}) =>
  new Patience({ stallMs: 50, deadlineMs: performance.now() + 60_000, ...more });

describe("Patience", () => {
  test("gives what comes, and the error of what fails", async () => {
    using patience = later();
    expect(await patience.wait(Promise.resolve(5))).toBe(5);
    await expect(patience.wait(Promise.reject(new Error("own")))).rejects.toThrow("own");
    expect(patience.signal.aborted).toBe(false);
  });

  test("ends when nothing comes, and ends the transfer", async () => {
    using patience = later();
    await expect(patience.wait(never)).rejects.toMatchObject({
      verdict: "broken",
      message: "nothing came for 0.05 s",
    });
    expect(patience.signal.aborted).toBe(true);
    await expect(patience.wait(Promise.resolve(5))).rejects.toMatchObject({ verdict: "broken" });
  });

  test("counts no time in which it was not asked to wait, or the process itself was busy", async () => {
    using patience = later({ stallMs: 200 });
    await Bun.sleep(300);
    const slow = Promise.withResolvers<number>();
    const waiting = patience.wait(slow.promise);
    Bun.sleepSync(300);
    setTimeout(() => slow.resolve(1), 1);
    expect(await waiting).toBe(1);
  });

  test("ends at its deadline, also while bytes come", async () => {
    using patience = later({ deadlineMs: performance.now() + 60 });
    const trickle = async () => {
      for (;;) await patience.wait(Bun.sleep(5));
    };
    await expect(trickle()).rejects.toMatchObject({
      verdict: "final",
      message: "it takes too long",
    });
  });

  test("ends when the user says so, before or meanwhile", async () => {
    const controller = new AbortController();
    using patience = later({ signal: controller.signal });
    const waiting = patience.wait(never);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ kind: "interrupted" });
    using next = later({ signal: controller.signal });
    await expect(next.wait(never)).rejects.toMatchObject({ kind: "interrupted" });
  });
});

test("formatSeconds() is short", () => {
  expect([50, 300, 1500, 30_000, 90_000, 86_400_000].map(formatSeconds)).toEqual([
    ...["0.05 s", "0.3 s", "1.5 s", "30 s", "90 s", "24 h"],
  ]);
});
