/** An application and an image, as the tests of lib/apps begin with. */

import { type ImageConfig, parseImageConfig } from "../../lib/image/config.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { appRestart, type AppSpec } from "../../lib/spec/app_spec.ts";

export const app: AppSpec = {
  name: parseAppName("web"),
  image: {
    reference: "docker.io/library/nginx:1",
    digest: `sha256:${"1".repeat(64)}`,
    manifestDigest: `sha256:${"2".repeat(64)}`,
  },
  isStarted: true,
  environment: [],
  volumes: [],
  restart: appRestart,
  limits: {},
  capabilities: { add: [], drop: [] },
  isReadOnly: false,
  lend: {},
};

export const image: ImageConfig = parseImageConfig({
  architecture: "amd64",
  os: "linux",
  config: { Entrypoint: ["serve"] },
});

export const noFiles = { passwd: "", group: "" };
