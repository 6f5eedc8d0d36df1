#!/usr/bin/env node
import { setDefaultHighWaterMark } from "node:stream";
import { setFlagsFromString } from "node:v8";

// A dump passes through as short-lived 64 KiB buffers outside V8's heap, which are freed only when the small objects in
// front of them are collected. With the usual 16 MiB of new space some 70 MB of them pile up; with 1 MiB it costs no time.
// The heap must be told before the program itself is loaded.
setFlagsFromString("--max-semi-space-size=1");
setFlagsFromString("--semi-space-growth-factor=1");

// What is read from a program are chunks of 64 KiB, as much as a stream takes unless told: each stage would wait for the one behind it
// after every chunk.
setDefaultHighWaterMark(false, 256 * 1024);

await import("./cli.ts");
