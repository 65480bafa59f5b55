# SPDX-License-Identifier: GPL-2.0-or-later
"""
Three namespaces, callers - node - callees, and who runs in them: SIPp, and in the middle
nattravd or Kamailio with rtpengine, at the same address and port.
"""
import csv
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NODE = "10.0.0.1"
SERVER = NODE + ":5060"
RELAYS = ["10.0.0.%d" % n for n in range(1, 5)]
CALLER, CALLEE = "10.0.1.2", "10.0.2.2"
# terminals have a network of their own behind the callers' link
TERMINALS = "10.64.0.0/10"
TICK = os.sysconf("SC_CLK_TCK")
TIMEOUT = 120


class Failure(Exception):
    """What makes a measurement void."""


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Node:
    """A server, which may be several processes."""
    name = ""

    def __init__(self, rig, pin):
        self.rig, self.pin = rig, pin
        self.processes = []
        self.log = open(os.path.join(rig.work, self.name + ".log"), "ab")

    def start(self, *command):
        pinned = ["taskset", "-c", str(self.pin)] if self.pin is not None else []
        self.processes.append(self.rig.start("node", pinned + list(command), self.log))

    def wait_for(self, ready):
        until = time.monotonic() + 60
        while not ready():
            if any(process.poll() is not None for process in self.processes):
                raise Failure(f"{self.name} ended; see {self.log.name}")
            if time.monotonic() > until:
                raise Failure(f"{self.name} is not ready after 60 s")
            time.sleep(0.05)

    def pids(self):
        """Theirs and their children's, parents first."""
        pids = [process.pid for process in self.processes]
        for pid in pids:
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except FileNotFoundError:
                raise Failure(f"{self.name} is gone; see {self.log.name}") from None
            for task in tasks:
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    pids += [int(child) for child in children.read().split()]
        return pids

    def cpu(self):
        """Processor time so far in seconds, all threads of all processes."""
        ticks = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory(self):
        """Resident memory in bytes; what several processes share counts once."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        return total * 1024

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        self.log.close()


class Nattravd(Node):
    name = "nattravd"

    def __init__(self, rig, pin=None, users=(), ping=False, **_):
        super().__init__(rig, pin)
        config = os.path.join(rig.work, "nattravd.conf")
        for end in ("", "-wal", "-shm"):
            if os.path.exists(os.path.join(rig.work, "db" + end)):
                os.unlink(os.path.join(rig.work, "db" + end))
        with open(config, "w") as out:
            print(f"listen udp {SERVER}", "domain example.net", f"database {rig.work}/db",
                  f"control {rig.work}/control", "status 127.0.0.1:9650", "ping " + ("yes" if ping else "no"),
                  "ringing 65536 65536", f"datapath {rig.options.datapath}", sep="\n", file=out)
            for relay in RELAYS:
                print(f"relay {relay} 10000-64999", file=out)
            for user in users:
                print(f"user {user} secret", file=out)
        self.start(rig.options.nattravd, "-f", config)
        self.wait_for(rig.port_open)

    def drain(self):
        run(os.path.join(TOP, "build/nattravctl"), "drain", "--control", os.path.join(self.rig.work, "control"))

    def status(self):
        out = subprocess.run(["ip", "netns", "exec", self.rig.ns["node"], "python3", "-c",
                              "import urllib.request as u;print(u.urlopen('http://127.0.0.1:9650/metrics').read().decode())"],
                             check=True, capture_output=True, text=True).stdout
        return dict(line.split() for line in out.splitlines() if line and line[0] != "#" and "{" not in line)


class Kamailio(Node):
    name = "kamailio"

    def __init__(self, rig, pin=None, auth=False, media=False, **_):
        super().__init__(rig, pin)
        defines = (["-A", "WITH_AUTH"] if auth else []) + (["-A", "WITH_RTPENGINE"] if media else [])
        if media:
            self.start("rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--listen-ng=127.0.0.1:2223",
                       "--interface=" + NODE,
                       "--port-min=10000", "--port-max=64999", "--pidfile=" + os.path.join(rig.work, "rtpengine.pid"))
        self.start("kamailio", "-DD", "-E", "-m", "512", "-M", "16", "-f", os.path.join(HERE, "kamailio.cfg"),
                   "-l", "udp:" + SERVER, "-w", rig.work, "-Y", rig.work, *defines)
        self.wait_for(rig.port_open)


class Rig:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.runs = 0
        self.started = []
        self.ns = {side: f"load-{side}-{os.getpid()}" for side in ("caller", "node", "callee")}
        for ns in self.ns.values():
            run("ip", "netns", "add", ns)
            run("ip", "-n", ns, "link", "set", "lo", "up")
        for side, net in (("caller", 1), ("callee", 2)):
            run("ip", "-n", self.ns["node"], "link", "add", side, "type", "veth", "peer", "name", "eth0",
                "netns", self.ns[side])
            for ns, link, host in ((self.ns["node"], side, 1), (self.ns[side], "eth0", 2)):
                run("ip", "-n", ns, "address", "add", f"10.0.{net}.{host}/24", "dev", link)
                run("ip", "-n", ns, "link", "set", link, "up")
            run("ip", "-n", self.ns[side], "route", "add", "default", "via", f"10.0.{net}.1")
        for relay in RELAYS:
            run("ip", "-n", self.ns["node"], "address", "add", relay + "/32", "dev", "lo")
        run("ip", "-n", self.ns["node"], "route", "add", TERMINALS, "via", CALLER)
        run("ip", "-n", self.ns["caller"], "route", "add", "local", TERMINALS, "dev", "lo")
        run("ip", "netns", "exec", self.ns["node"], "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        for ns in self.ns.values():
            subprocess.run(["ip", "netns", "delete", ns], check=False)

    def start(self, side, command, log):
        process = subprocess.Popen(["ip", "netns", "exec", self.ns[side]] + command, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
        self.started.append(process)
        return process

    @staticmethod
    def say(text):
        print("sip-load: " + text, file=sys.stderr, flush=True)

    def port_open(self):
        out = subprocess.run(["ip", "netns", "exec", self.ns["node"], "ss", "-Hlun", "sport = :5060"],
                             check=True, capture_output=True, text=True).stdout
        return SERVER in out

    def users(self, name, columns):
        """A file of users for SIPp."""
        path = os.path.join(self.work, name + ".csv")
        with open(path, "w") as out:
            print("SEQUENTIAL", *(";".join(line) for line in columns), sep="\n", file=out)
        return path

    def sipp(self, side, scenario, *more, pin=None):
        """Starts one; it is over when sipp_end() says so."""
        self.runs += 1
        name = os.path.join(self.work, f"{scenario}.{self.runs}")
        pinned = ["taskset", "-c", str(pin)] if pin is not None else []
        log = open(name + ".log", "wb")
        process = self.start(side, pinned + [
            "sipp", SERVER, "-sf", os.path.join(HERE, scenario + ".xml"), "-i", CALLER if side == "caller" else CALLEE,
            "-p", "5060", "-nostdin", "-trace_err", "-error_file", name + ".err", "-trace_stat", "-stf", name + ".csv",
            "-fd", "1", "-buff_size", "4194304", "-auth_uri", "example.net", "-l", "15000", *map(str, more)], log)
        process.name = name
        log.close()
        return process

    def sipp_end(self, process, timeout=TIMEOUT):
        """Waits for it; its counters at the end."""
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure(f"SIPp does not end; see {process.name}.log") from None
        return self.sipp_counters(process)

    def sipp_stop(self, process):
        """Of one that answers: there is no end to it."""
        process.send_signal(signal.SIGUSR1)
        try:
            return self.sipp_end(process, 3)
        except Failure:
            return {}

    @staticmethod
    def sipp_series(process):
        """Its counters, once a second: when, calls begun, done, failed, requests repeated."""
        try:
            with open(process.name + ".csv") as file:
                lines = list(csv.DictReader(file, delimiter=";"))
        except FileNotFoundError:
            lines = []
        if not lines:
            raise Failure(f"SIPp did not begin; see {process.name}.log")
        return [{"at": float(line["CurrentTime"].split("\t")[-1]), "created": int(line["TotalCallCreated"]),
                 "done": int(line["SuccessfulCall(C)"]), "failed": int(line["FailedCall(C)"]),
                 "repeated": int(line["Retransmissions(C)"])} for line in lines]

    def sipp_counters(self, process):
        return self.sipp_series(process)[-1]

    def sipp_run(self, side, scenario, *more, pin=None):
        return self.sipp_end(self.sipp(side, scenario, *more, pin=pin))
