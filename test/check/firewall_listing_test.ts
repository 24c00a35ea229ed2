import { expect, test } from "bun:test";
import { withoutLearned } from "../../lib/check/firewall_listing.ts";

const listing = (learned: string) => `table bridge mbctl {
	set owned4 {
		type ipv4_addr
		elements = { 10.199.0.1,
			     10.199.0.2 }
	}

	set macs_web {
		type ether_addr
		size 32
		flags dynamic,timeout
		timeout 1m
${learned}	}

	set other {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8 }
	}
}
`;

test.each([
  "\t\telements = { 46:94:f4:01:0c:3b }\n",
  "\t\telements = { 46:94:f4:01:0c:3b expires 58s, 46:94:f4:01:0c:3c timeout 1m expires 5s,\n\t\t\t     46:94:f4:01:0c:3d }\n",
])("withoutLearned() leaves out what packets have put into a set: %j", (learned) => {
  expect(withoutLearned(listing(learned))).toBe(listing(""));
});

test("withoutLearned() leaves out how many they are", () => {
  const counted = listing("").replace("size 32\n", "size 32\t# count 1\n");
  expect(counted).not.toBe(listing(""));
  expect(withoutLearned(counted)).toBe(listing(""));
});

test("withoutLearned() keeps all other sets, and a dynamic one that is empty", () => {
  expect(withoutLearned(listing(""))).toBe(listing(""));
});
