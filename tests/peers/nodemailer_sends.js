// Sends files unchanged: PORT IMPLICIT CERTIFICATE LOGIN SENDER RECIPIENT FILE… LOGIN: a file with user,
// method and password in a line each; `-` for none.
"use strict";
const fs = require("fs");
const nodemailer = require("nodemailer");

const [port, implicit, certificate, login, from, to, ...files] = process.argv.slice(2);
const [user, method, pass] = login === "-" ? [] : fs.readFileSync(login, "utf8").split("\n");
const transport = nodemailer.createTransport({
  host: "127.0.0.1", // Node may resolve localhost to ::1, on which no server listens
  port: Number(port),
  secure: implicit === "True",
  requireTLS: true,
  pool: true,
  maxConnections: 1,
  auth: user && { user, pass },
  authMethod: method,
  tls: { ca: fs.readFileSync(certificate), servername: "localhost" },
});

(async () => {
  for (const file of files) {
    const sent = await transport.sendMail({ envelope: { from, to: [to] }, raw: fs.createReadStream(file) });
    if (sent.accepted.length !== 1) throw new Error(`${file}: ${sent.response}`);
  }
  transport.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
