// PouchDB Server (express-pouchdb over leveldb), speaking to the bench as `http-server.ts` does.
//
// Not TypeScript and not ours to lint: it lives outside the workspaces, with its own dependencies.
const express = require("express");
const PouchDB = require("pouchdb-core")
  .plugin(require("pouchdb-adapter-leveldb"))
  .plugin(require("pouchdb-mapreduce"))
  .plugin(require("pouchdb-replication"));
const plan = JSON.parse(process.argv[2]);
const Database = PouchDB.defaults({ prefix: `${plan.directory}/` });
const options = {
  mode: "minimumForPouchDB",
  inMemoryConfig: true,
  logPath: `${plan.directory}/log.txt`,
};
const app = express();
app.use("/", require("express-pouchdb")(Database, options));

process.on("disconnect", () => process.exit(1));
process.on("message", (asked) => {
  if (asked.kind === "peers") {
    const server = app.listen(0, "127.0.0.1", () => {
      process.send({ kind: "ready", port: server.address().port });
    });
  } else if (asked.kind === "usage") {
    const [all, main] = [process.cpuUsage(), process.threadCpuUsage()];
    process.send({
      kind: "usage",
      micros: all.user + all.system,
      mainMicros: main.user + main.system,
      residentBytes: process.memoryUsage.rss(),
    });
  } else process.exit(0);
});
process.send({ kind: "listening", peerPort: 0 });
