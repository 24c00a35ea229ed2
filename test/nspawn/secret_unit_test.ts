import { expect, test } from "bun:test";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { secretServiceItems, secretUnitConditions } from "../../lib/nspawn/secret_unit.ts";
import { parseSignal } from "../../lib/signal.ts";
import { expectGolden } from "../golden/golden.ts";

const file = (name: string) => `/var/lib/man8machine_configs/web/.mbctl/secrets/${name}.cred`;
const secrets = ["db", "tls.key"].map((name) => ({ name, file: file(name) }));

test("a drop-in with secrets is the golden file", () =>
  expectGolden(
    "nspawn/secrets.service.conf",
    renderUnitDropIn({ stopSignal: parseSignal("SIGTERM"), stopTimeoutSec: 10, secrets }),
  ));

test("no secrets, no lines", () => {
  expect([...secretUnitConditions([]), ...secretServiceItems([])]).toEqual([]);
});
