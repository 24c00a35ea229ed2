/** Files are found by name, are short, and say what they are. */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { filesBelow, importsOf, project, textOf } from "./_sources.ts";

const library = filesBelow("lib", ".ts");
const scripts = filesBelow("scripts", ".ts");
const tests = filesBelow("test", ".ts");
const shellFiles = ["init-templates", "lib", "test"].flatMap((folder) => filesBelow(folder, ".sh"));

/** More lines than these ask for a split by noun. Data tables and tests of many rows may be longer. */
const maxLines = { library: 300, verb: 150, test: 400, fragment: 60 };

/**
 * Files of lib that neither have a test file of their name nor are imported by a test, and the
 * tests that run them all the same: through the file that uses them, or in the lab.
 */
const testedThrough: Readonly<Record<string, string>> = {
  "lib/adopt/adopted_files.ts": "test/adopt/adopt_test.ts",
  "lib/adopt/adopted_volumes.ts": "test/adopt/adopted_settings_test.ts",
  "lib/adopt/plan_adopt.ts": "test/adopt/adopt_test.ts",
  "lib/brand.ts": "test/address",
  "lib/change/end_change.ts": "test/e2e/snapshot_test.ts",
  "lib/check/live_network.ts": "test/check/evaluate_machine_test.ts",
  "lib/check/read_bridge.ts": "test/e2e/host_check_test.ts",
  "lib/check/read_derived.ts": "test/e2e/host_check_test.ts",
  "lib/check/read_host.ts": "test/e2e/host_check_test.ts",
  "lib/check/read_listeners.ts": "test/e2e/host_check_test.ts",
  "lib/check/read_machine.ts": "test/e2e/host_check_test.ts",
  "lib/check/read_system.ts": "test/e2e/host_check_test.ts",
  "lib/check/why_unreachable.ts": "test/check/evaluate_machine_test.ts",
  "lib/cli/answer.ts": "test/cli",
  "lib/cli/context.ts": "test/cli",
  "lib/cli/exit_codes.ts": "test/cli",
  "lib/cli/flags.ts": "test/cli",
  "lib/cli/log.ts": "test/cli",
  "lib/cli/parse_value.ts": "test/cli",
  "lib/cli/progress_block.ts": "test/cli/progress_screen_test.ts",
  "lib/cli/progress_events.ts": "test/cli/talk_test.ts",
  "lib/cli/progress_lines.ts": "test/cli/talk_test.ts",
  "lib/cli/run_verb.ts": "test/cli",
  "lib/calls/app_calls.ts": "test/e2e/connector_test.ts",
  "lib/calls/client_child.ts": "test/calls/server_test.ts",
  "lib/calls/client_terminal.ts": "test/e2e/connector_test.ts",
  "lib/calls/command_plan.ts": "test/calls/server_test.ts",
  "lib/calls/command_processes.ts": "test/calls/signals_test.ts",
  "lib/calls/connection.ts": "test/calls/server_test.ts",
  "lib/connector/connector_paths.ts": "test/connector/connector_files_test.ts",
  "lib/connector/connector_units.ts": "test/connector/connector_files_test.ts",
  "lib/calls/descriptor_kinds.ts": "test/calls/server_test.ts",
  "lib/calls/machine_calls.ts": "test/e2e/connector_test.ts",
  "lib/calls/machine_terminal.ts": "test/e2e/connector_test.ts",
  "lib/connector/read_lent.ts": "test/connector/derive_connectors_test.ts",
  "lib/calls/readiness.ts": "test/calls/server_test.ts",
  "lib/connector/require_connectors.ts": "test/e2e/connector_test.ts",
  "lib/calls/running_command.ts": "test/calls/signals_test.ts",
  "lib/calls/serve_child.ts": "test/e2e/connector_test.ts",
  "lib/copy/copy_files.ts": "test/e2e/copy_files_test.ts",
  "lib/copy/machine_view.ts": "test/e2e/copy_files_test.ts",
  "lib/copy/receive_child.ts": "test/e2e/copy_files_test.ts",
  "lib/copy/receive_files.ts": "test/e2e/copy_files_test.ts",
  "lib/copy/tar_writer.ts": "test/copy/received_tree_test.ts",
  "lib/config/toml.ts": "test/spec/machine_toml_test.ts",
  "lib/declare/converge.ts": "test/e2e/apply_test.ts",
  "lib/declare/edit_declaration.ts": "test/e2e/apply_test.ts",
  "lib/declare/edits.ts": "test/e2e/apply_test.ts",
  "lib/declare/plan_edit.ts": "test/e2e/secrets_test.ts",
  "lib/firewall/bridge_table.ts": "test/firewall/render_firewall_test.ts",
  "lib/firewall/derive_firewall.ts": "test/machine/derive_test.ts",
  "lib/firewall/inet_table.ts": "test/firewall/render_firewall_test.ts",
  "lib/firewall/load_firewall.ts": "test/e2e/firewall_bad_test.ts",
  "lib/firewall/nft_text.ts": "test/firewall/nft_accepts_test.ts",
  "lib/health/health_machines.ts": "test/health/derive_health_test.ts",
  "lib/health/health_units.ts": "test/health/health_files_test.ts",
  "lib/host/libc_answer.ts": "test/calls/server_test.ts",
  "lib/host/become.ts": "test/e2e",
  "lib/host/freezer.ts": "test/e2e/snapshot_test.ts",
  "lib/host/host.ts": "test/e2e",
  "lib/host/libc_open.ts": "test/trees/tree_test.ts",
  "lib/host/machine_network.ts": "test/e2e/renumber_test.ts",
  "lib/host/privilege.ts": "test/e2e",
  "lib/image/oci_layout.ts": "test/pull/save_and_load_test.ts",
  "lib/image/reference_rules.ts": "test/image",
  "lib/layers/applier.ts": "test/layers/compressed_test.ts",
  "lib/layers/apply_request.ts": "test/layers/compressed_test.ts",
  "lib/layers/damaged_layer.ts": "test/layers/compressed_test.ts",
  "lib/layers/decompressor.ts": "test/layers/compressed_test.ts",
  "lib/layers/directory_node.ts": "test/layers/cases_test.ts",
  "lib/layers/feed_layer.ts": "test/layers/compressed_test.ts",
  "lib/layers/growing_file.ts": "test/e2e/store_test.ts",
  "lib/layers/layer_error.ts": "test/layers/cases_test.ts",
  "lib/layers/metadata.ts": "test/layers/cases_test.ts",
  "lib/layers/name_memory.ts": "test/layers/cases_test.ts",
  "lib/layers/plain_stream.ts": "test/layers/cases_test.ts",
  "lib/layers/resolve.ts": "test/layers/cases_test.ts",
  "lib/layers/root_directories.ts": "test/layers/cases_test.ts",
  "lib/layers/tree_writer.ts": "test/layers/cases_test.ts",
  "lib/layers/whiteout.ts": "test/layers/cases_test.ts",
  "lib/layers/xattrs.ts": "test/layers/cases_test.ts",
  "lib/steps/apply.ts": "test/e2e",
  "lib/details/machine_details.ts": "test/e2e",
  "lib/machine/free_name.ts": "test/machine/bad_words_test.ts",
  "lib/machine/lifecycle.ts": "test/e2e",
  "lib/machine/live_limits.ts": "test/e2e/apply_test.ts",
  "lib/machine/lock.ts": "test/e2e",
  "lib/details/network_details.ts": "test/e2e/host_check_test.ts",
  "lib/steps/plan_applied.ts": "test/steps/plan_pull_test.ts",
  "lib/steps/plan_download.ts": "test/e2e",
  "lib/steps/pull.ts": "test/e2e",
  "lib/steps/remove.ts": "test/e2e",
  "lib/steps/system_source.ts": "test/e2e/base_test.ts",
  "lib/machine/shell.ts": "test/lab/demo_test.ts",
  "lib/machine/reload_network.ts": "test/e2e/renumber_test.ts",
  "lib/merge/align.ts": "test/merge/merge_file_test.ts",
  "lib/merge/document.ts": "test/merge/merge_file_test.ts",
  "lib/merge/env_document.ts": "test/merge/merge_file_test.ts",
  "lib/merge/merge_documents.ts": "test/merge/merge_file_test.ts",
  "lib/merge/number_lists.ts": "test/merge/merge_file_test.ts",
  "lib/merge/outcomes.ts": "test/merge/merge_file_test.ts",
  "lib/merge/unit_document.ts": "test/merge/merge_file_test.ts",
  "lib/nspawn/exec_shell.ts": "test/nspawn/machine_unit_test.ts",
  "lib/nspawn/unit_devices.ts": "test/nspawn/unit_scripts_test.ts",
  "lib/nspawn/unit_limits.ts": "test/nspawn/unit_scripts_test.ts",
  "lib/nspawn/unit_restart.ts": "test/nspawn/unit_scripts_test.ts",
  "lib/nspawn/unit_stop.ts": "test/nspawn/machine_unit_test.ts",
  "lib/os/bootstrap_arch.ts": "test/os/bootstrap_plan_test.ts",
  "lib/os/bootstrap_debian.ts": "test/os/bootstrap_plan_test.ts",
  "lib/os/bootstrap_host.ts": "test/e2e/create_test.ts",
  "lib/os/bootstrap_rpm.ts": "test/os/bootstrap_plan_test.ts",
  "lib/os/bootstrap_tree.ts": "test/e2e/create_test.ts",
  "lib/os/packages.ts": "test/os/bootstrap_plan_test.ts",
  "lib/os/settle_accounts.ts": "test/os/settle_plan_test.ts",
  "lib/os/settle_new.ts": "test/os/settle_plan_test.ts",
  "lib/os/ssh_keys_unit.ts": "test/os/settle_plan_test.ts",
  "lib/os/tree_view.ts": "test/os/settle_plan_test.ts",
  "lib/podman/compose_deploy.ts": "test/podman/compose_file_test.ts",
  "lib/podman/compose_entries.ts": "test/podman/compose_file_test.ts",
  "lib/podman/compose_relations.ts": "test/podman/compose_file_test.ts",
  "lib/pull/check_tree.ts": "test/e2e/store_test.ts",
  "lib/pull/locate_image.ts": "test/e2e/store_test.ts",
  "lib/pull/progress.ts": "test/e2e/store_test.ts",
  "lib/pull/pull_policy.ts": "test/e2e/store_test.ts",
  "lib/pull/save_image.ts": "test/pull/save_and_load_test.ts",
  "lib/pull/unpack_image.ts": "test/e2e/store_test.ts",
  "lib/rebuild/prepare_rebuild.ts": "test/e2e/rebuild_test.ts",
  "lib/registry/blob_transfer.ts": "test/registry/download_blob_test.ts",
  "lib/registry/check_policy.ts": "test/registry/policy_test.ts",
  "lib/registry/http_request.ts": "test/registry/http_blobs_test.ts",
  "lib/registry/local_blob.ts": "test/registry",
  "lib/registry/local_files.ts": "test/registry/local_image_test.ts",
  "lib/registry/local_images.ts": "test/pull/save_and_load_test.ts",
  "lib/registry/pipe_reader.ts": "test/registry/skopeo_proxy_test.ts",
  "lib/registry/plain_archive.ts": "test/registry/local_image_test.ts",
  "lib/registry/proxy_channel.ts": "test/registry/skopeo_proxy_test.ts",
  "lib/registry/skopeo.ts": "test/registry",
  "lib/relay/datagram_message.ts": "test/relay/datagram_relay_test.ts",
  "lib/relay/derive_relays.ts": "test/e2e/relay_test.ts",
  "lib/relay/event_loop.ts": "test/relay/stream_relay_test.ts",
  "lib/relay/netns_unit.ts": "test/relay/relay_files_test.ts",
  "lib/relay/pipe_pool.ts": "test/relay/stream_relay_test.ts",
  "lib/relay/publish_units.ts": "test/relay/relay_files_test.ts",
  "lib/relay/relay6_units.ts": "test/relay/relay_files_test.ts",
  "lib/relay/relay_child.ts": "test/relay/stream_relay_test.ts",
  "lib/relay/relay_service.ts": "test/relay/relay_files_test.ts",
  "lib/relay/relay_tools.ts": "test/e2e/relay_test.ts",
  "lib/relay/stream_flow.ts": "test/relay/stream_relay_test.ts",
  "lib/relay/watcher_unit.ts": "test/relay/relay_files_test.ts",
  "lib/secrets/change_uses.ts": "test/e2e/secrets_test.ts",
  "lib/secrets/seal.ts": "test/e2e/secrets_test.ts",
  "lib/secrets/secret_store.ts": "test/e2e/secrets_test.ts",
  "lib/setup/apply_setup.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/backend.ts": "test/setup",
  "lib/setup/backends.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/check_setup.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/config_networks.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/file_state.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/set_up.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/take_back.ts": "test/e2e/host_setup_test.ts",
  "lib/setup/yggdrasil_config.ts": "test/e2e/host_setup_test.ts",
  "lib/snapshots/clone_cost.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/list_snapshots.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/measure_snapshot.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/plan_swap.ts": "test/snapshots/plan_rollback_test.ts",
  "lib/snapshots/prepare_reset.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/prepare_rollback.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/prepare_snapshot.ts": "test/snapshots/verbs_test.ts",
  "lib/snapshots/running.ts": "test/e2e/snapshot_test.ts",
  "lib/snapshots/snapshot_paths.ts": "test/snapshots/plan_snapshot_test.ts",
  "lib/spec/program_toml.ts": "test/spec/app_toml_test.ts",
  "lib/store/staged_file.ts": "test/store",
  "lib/store/summary.ts": "test/store/verbs_test.ts",
  "lib/transfer/asked_of_host.ts": "test/transfer/staged_machine_test.ts",
  "lib/transfer/exchange_names.ts": "test/e2e/move_test.ts",
  "lib/transfer/export_machine.ts": "test/e2e/transfer_test.ts",
  "lib/transfer/move_machine.ts": "test/e2e/move_test.ts",
  "lib/transfer/plan_rename.ts": "test/transfer/rename_test.ts",
  "lib/transfer/remote_host.ts": "test/e2e/move_test.ts",
  "lib/apps/add_app.ts": "test/e2e/apps_test.ts",
  "lib/apps/app_service.ts": "test/apps/app_files_test.ts",
  "lib/apps/app_paths.ts": "test/apps/app_files_test.ts",
  "lib/apps/app_step.ts": "test/e2e/apps_test.ts",
  "lib/apps/apply_app_step.ts": "test/e2e/apps_test.ts",
  "lib/apps/converge_apps.ts": "test/e2e/apps_test.ts",
  "lib/apps/health_units.ts": "test/apps/app_files_test.ts",
  "lib/apps/log_units.ts": "test/apps/app_files_test.ts",
  "lib/apps/machine_systemd.ts": "test/e2e/apps_test.ts",
  "lib/apps/read_apps.ts": "test/e2e/apps_test.ts",
  "lib/apps/stage_app.ts": "test/apps/place_app_test.ts",
  "lib/apps/user_unit.ts": "test/apps/app_files_test.ts",
  "lib/transfer/remote_machine.ts": "test/e2e/move_test.ts",
  "lib/trees/copy_tree_attributes.ts": "test/trees/tree_test.ts",
  "lib/trees/copy_tree_child.ts": "test/trees/copy_tree_test.ts",
  "lib/trees/copy_tree_crew.ts": "test/trees/copy_tree_test.ts",
  "lib/trees/copy_tree_data.ts": "test/trees/copy_tree_test.ts",
  "lib/trees/copy_tree_entries.ts": "test/trees/tree_test.ts",
  "lib/trees/copy_tree_walk.ts": "test/trees/copy_tree_test.ts",
  "lib/trees/remove_directory.ts": "test/trees/remove_tree_test.ts",
  "lib/upgrade/prepare_upgrade.ts": "test/e2e/upgrade_test.ts",
  "lib/upgrade/upgrade_machine.ts": "test/e2e/upgrade_test.ts",
  "lib/upgrade/upgrade_to.ts": "test/e2e/upgrade_test.ts",
  "lib/watch/machine_entry.ts": "test/e2e/watch_test.ts",
  "lib/watch/read_journal.ts": "test/e2e/watch_test.ts",
  "lib/watch/read_stats.ts": "test/e2e/watch_test.ts",
  "lib/watch/record_event.ts": "test/e2e/watch_test.ts",
  "lib/watch/wait_for_machines.ts": "test/e2e/watch_test.ts",
  "lib/spec/health_toml.ts": "test/spec/machine_toml_choices_test.ts",
  "lib/spec/volume_toml.ts": "test/spec/machine_toml_choices_test.ts",
};

function longerThan(paths: readonly string[], limit: number): string[] {
  return paths
    .map((path) => ({ path, lines: textOf(path).split("\n").length - 1 }))
    .filter(({ lines }) => lines > limit)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}

describe("size", () => {
  test("of library files", () => expect(longerThan(library, maxLines.library)).toEqual([]));
  test("of verbs", () => expect(longerThan(scripts, maxLines.verb)).toEqual([]));
  test("of tests", () => expect(longerThan(tests, maxLines.test)).toEqual([]));
  test("of man8s-init's fragments", () =>
    expect(longerThan(filesBelow("init-templates", ".sh"), maxLines.fragment)).toEqual([]));
});

describe("names", () => {
  test("say what is inside: no drawer for everything", () => {
    const drawers = [...library, ...scripts, ...tests].filter((path) =>
      /^_?(common|helpers?|misc|shared|utils?)(_test)?\.ts$/.test(basename(path)),
    );
    expect(drawers).toEqual([]);
  });

  test("are snake_case, and kebab-case where a file is a verb", () => {
    const plain = [...library, ...tests].filter(
      (path) => !/^[a-z0-9_]+(\.d)?\.ts$/.test(basename(path)),
    );
    const verbs = scripts.filter((path) => !/^(_[a-z0-9_]+|[a-z0-9-]+)\.ts$/.test(basename(path)));
    expect([...plain, ...verbs]).toEqual([]);
  });
});

describe("rooms", () => {
  const rooms = [...new Set(library.map((path) => dirname(path)))].filter((room) => room !== "lib");

  test.each([...rooms, "systemd-configs", "init-templates", "test/lab"])(
    "%s has a README",
    (room) => {
      const lines = textOf(`${room}/README.md`).split("\n");
      expect(lines[0]).toMatch(/^# \S/);
      expect(lines.length).toBeGreaterThan(3);
    },
  );

  test("every file of lib is run by a test that can be named", () => {
    const imported = new Set(tests.flatMap((path) => importsOf(path).map(({ target }) => target)));
    const hasTwin = (path: string) =>
      tests.includes(path.replace(/^lib\//, "test/").replace(/\.ts$/, "_test.ts"));
    const alone = library.filter(
      (path) => !hasTwin(path) && !imported.has(path) && !path.endsWith(".d.ts"),
    );
    expect(alone.filter((path) => testedThrough[path] === undefined)).toEqual([]);
    const named = Object.entries(testedThrough).flat();
    expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([]);
    // A row of a file that has a test of its own by now.
    expect(Object.keys(testedThrough).filter(hasTwin)).toEqual([]);
  });
});

describe("docstrings", () => {
  test("stand above every exported function and class of lib", () => {
    const bare = library.flatMap((path) => {
      const lines = textOf(path).split("\n");
      return lines.flatMap((line, index) => {
        const name = /^export (?:async )?(?:abstract )?(?:function\*?|class) ([\w$]+)/.exec(
          line,
        )?.[1];
        const above = lines[index - 1] ?? "";
        return name === undefined || above.endsWith("*/") ? [] : [`${path}: ${name}`];
      });
    });
    expect(bare).toEqual([]);
  });
});

describe("what leaves the project", () => {
  test("no file names a place on one person's machine", () => {
    const places = /\/work\/(main|shared)|\/tmp\/exp\b/;
    const files = [...library, ...scripts, ...tests, ...shellFiles, "Makefile", ".ci/run"].filter(
      (path) => path !== "test/structure/files_test.ts",
    );
    expect(files.filter((path) => places.test(textOf(path)))).toEqual([]);
  });

  test("the lock file names no server", () => {
    expect(textOf("bun.lock")).not.toMatch(/"(https?|git)[+:]/);
  });

  test("every dependency is pinned", () => {
    const { dependencies, devDependencies, engines } = JSON.parse(textOf("package.json"));
    for (const version of Object.values({
      ...dependencies,
      ...devDependencies,
    })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
    expect(engines.bun).toBe(devDependencies.bun);
  });

  test("shell files are found by what `make check` reads", async () => {
    const child = Bun.spawn(["find", "init-templates", "lib", "test", "-name", "*.sh"], {
      cwd: project,
      stdout: "pipe",
    });
    const found = (await child.stdout.text()).trim().split("\n").sort();
    expect(found).toEqual(shellFiles.toSorted());
    // A script that is not called *.sh would be missed.
    const hidden = filesBelow("test").filter(
      (path) => !path.endsWith(".sh") && !path.endsWith(".ts") && textOf(path).startsWith("#!"),
    );
    expect(hidden).toEqual([]);
  });
});
