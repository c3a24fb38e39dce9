// Settings of the Node-RED that the test runs; the buffer is on disk, as docs/loopedge.md recommends.
module.exports = {
  uiHost: "127.0.0.1",
  uiPort: Number(process.env.NODE_RED_PORT),
  flowFile: "flows.json",
  credentialSecret: false,
  httpAdminRoot: false,
  contextStorage: { default: { module: "localfilesystem", config: { flushInterval: 1 } } },
  mqttReconnectTime: 1000,
  telemetry: { enabled: false },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
