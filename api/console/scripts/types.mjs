// Writes src/api.d.ts: the schemas of the OpenAPI document of the program that UNTXT_BIN names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import openapiTS, { astToString } from "openapi-typescript";

const program = process.env.UNTXT_BIN;
if (!program) throw new Error("set UNTXT_BIN to the program `untxt`");
const home = await mkdtemp(join(tmpdir(), "console-types-"));
const env = { PATH: process.env.PATH, HOME: home, UNTXT_DATA_DIR: home, UNTXT_LISTEN: "127.0.0.1:0" };
const server = spawn(program, ["serve"], { env, stdio: ["ignore", "pipe", "ignore"] });
const [line] = await once(createInterface(server.stdout), "line");
const answer = await fetch(`${line.replace("listening on ", "")}/api/openapi.json`);
const document = await answer.json();
server.kill("SIGTERM");
await once(server, "exit");
await rm(home, { recursive: true });

// The schemas alone: what they are used for stands in the document itself.
const { openapi, info, components } = document;
const types = await openapiTS({ openapi, info, paths: {}, components: { schemas: components.schemas } });
const head = "// Made by scripts/types.mjs from the OpenAPI document. Do not edit.\n\n";
await writeFile(new URL("../src/api.d.ts", import.meta.url), head + astToString(types));
