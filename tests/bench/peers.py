"""Postfix and Dovecot for the benchmark: private instances in directories of their own, on free loopback ports."""
import os
import pathlib
import pwd
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process is not None and process.poll() is not None:
                raise SystemExit(f"a peer ended with status {process.returncode} before it listened on {port}")
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port} after {seconds} s")


class Postfix:
    """Accepts for bench.example and delivers to one Maildir, as virtual(8) does. It keeps mail, and so does gw."""

    def __init__(self, work, certificate=None, key=None):
        self.directory = directory = pathlib.Path(work) / "postfix"
        for sub in ("etc", "queue", "data", "mail"):
            (directory / sub).mkdir(parents=True)
        user = pwd.getpwnam("postfix")
        for sub in ("data", "mail"):
            os.chown(directory / sub, user.pw_uid, user.pw_gid)
        self.port = free_port()
        (directory / "etc/main.cf").write_text(
            f"""compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.example
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
in_flow_delay = 0
alias_maps =
alias_database =
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
virtual_mailbox_domains = bench.example
virtual_mailbox_base = {directory}/mail
virtual_mailbox_maps = static:box/
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{user.pw_uid}
virtual_gid_maps = static:{user.pw_gid}
message_size_limit = 200000000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 200
""" + (f"""smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_session_cache_database =
tls_ssl_options = NO_TICKET
""" if certificate else "")
        )
        (directory / "etc/master.cf").write_text(
            f"""127.0.0.1:{self.port} inet n - n - 200 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
        )

    def start(self):
        done = subprocess.run(["postfix", "-c", self.directory / "etc", "start"], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("postfix does not start: " + done.stderr + done.stdout)
        wait_for_port(self.port)

    @property
    def pid(self):
        return int((self.directory / "queue/pid/master.pid").read_text())

    def settle(self):
        """Waits until everything that was accepted is delivered, so that the next round does not share the machine with it."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            left = sum(1 for name in ("incoming", "active", "deferred") for f in (self.directory / "queue" / name).rglob("*") if f.is_file())
            if left == 0:
                return
            time.sleep(0.1)
        raise SystemExit(f"postfix still has {left} mails in its queue after two minutes")

    def stop(self):
        subprocess.run(["postfix", "-c", self.directory / "etc", "stop"], capture_output=True)


class SmtpSink:
    """Postfix's smtp-sink, which accepts everything and keeps nothing."""

    def __init__(self):
        self.port = free_port()

    def start(self):
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "200"])
        wait_for_port(self.port, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Dovecot:
    """POP3 over TLS and LMTP on a Maildir, with or without mail_crypt."""

    password = "bench-password-of-dovecot"

    def __init__(self, work, name, certificate, key, crypt):
        self.directory = directory = pathlib.Path(work) / name
        for sub in ("run", "mail", "log"):
            (directory / sub).mkdir(parents=True)
        user = pwd.getpwnam("mail")
        os.chown(directory / "mail", user.pw_uid, user.pw_gid)
        self.pop3, self.pop3s, self.lmtp = free_port(), free_port(), free_port()
        plugin = ""
        if crypt:
            subprocess.run(
                f"openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -out {directory}/key.pem && "
                f"openssl pkey -in {directory}/key.pem -pubout -out {directory}/public.pem && chmod 644 {directory}/*.pem",
                shell=True, check=True, capture_output=True)
            plugin = f"""mail_plugins = mail_crypt
plugin {{
  mail_crypt_global_private_key = <{directory}/key.pem
  mail_crypt_global_public_key = <{directory}/public.pem
  mail_crypt_save_version = 2
}}"""
        (directory / "dovecot.conf").write_text(
            f"""base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log/log
protocols = pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
mail_location = maildir:{directory}/mail/%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
mail_fsync = always
default_login_user = dovenull
default_internal_user = dovecot
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={directory}/mail/%n
}}
{plugin}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {self.pop3}
  }}
  inet_listener pop3s {{
    port = {self.pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.lmtp}
  }}
}}
"""
        )

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.directory / "dovecot.conf"])
        wait_for_port(self.pop3s, self.process)
        wait_for_port(self.lmtp, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait()
