# SPDX-License-Identifier: GPL-2.0-or-later
"""
The rows of bench/sip-load. Each takes the rig and the options, and gives lines of
(what, nattravd, the other, limit): figures in a unit of their own, and a limit of the
first or of their ratio, with whether it is kept.
"""
import os
import statistics
import subprocess
import time

from rig import CALLEE, CALLER, HERE, SERVER, TERMINALS, TOP, Failure, Kamailio, Nattravd

USERS = 200
CPU_NODE, CPU_LOAD = 0, 1
TARGET_RATE = 1000
BINDING_BYTES = 1000
GOODPUT = 0.9
TIMES = (0.5, 1, 2, 3)
OVERLOAD_REPS = 3
CLOSED_LOOP = 600
PROBES = 2000


class Line:
    """One figure, and what it has to be."""

    def __init__(self, row, unit, ours, other=None, other_name="kamailio", ratio=None, most=None, least=None, note=""):
        self.row, self.unit, self.ours, self.other = row, unit, ours, other
        self.other_name, self.note = other_name, note
        self.ratio = ours / other if other else None
        self.limit, self.kept = "", None
        if ratio is not None and other:
            self.limit, self.kept = f"<= {ratio:.2f} x", self.ratio <= ratio
        elif most is not None:
            self.limit, self.kept = f"<= {most:g}", ours <= most
        elif least is not None:
            self.limit, self.kept = f">= {least:g}", ours >= least


def accounts(prefix, count):
    return [(f"{prefix}{n}", f"[authentication username={prefix}{n} password=secret]", f"v{n}") for n in range(count)]


class Setup:
    """A node with its users registered, the callers' and the callees' from a port each."""

    def __init__(self, rig, cls, users=USERS, pin=None, load_pin=None, **how):
        self.rig, self.load_pin = rig, load_pin
        callers, callees = accounts("u", users), accounts("v", users)
        self.callers, self.callees = rig.users("callers", callers), rig.users("callees", callees)
        self.node = cls(rig, pin=pin, users=[user[0] for user in callers + callees], **how)
        for side, inf in (("caller", self.callers), ("callee", self.callees)):
            # a host that stands still for a moment is no reason to give up
            if all(self.load(side, "register", "-inf", inf, "-r", 100, "-m", users)["failed"] for _ in range(3)):
                raise Failure(f"{self.node.name}: not all users can be registered")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.stop()

    def load(self, side, scenario, *more):
        return self.rig.sipp_run(side, scenario, *more, pin=self.load_pin)

    def must(self, side, scenario, *more):
        counters = self.load(side, scenario, *more)
        if counters["failed"] or counters["done"] == 0:
            raise Failure(f"{self.node.name}: {scenario}: {counters['failed']} of {counters['created']} failed")
        return counters

    def measure(self, count, side, scenario, *more):
        """Processor time in microseconds for each of @count, what failed, what was repeated."""
        before = self.node.cpu()
        counters = self.load(side, scenario, *more)
        spent = self.node.cpu() - before
        return spent / count * 1e6, counters["failed"], counters["repeated"]


def measure_register(setup, seconds):
    """Each of the users has its own nonce, and uses it a hundred times."""
    pause = seconds * 10
    setup.load("caller", "refresh", "-inf", setup.callers, "-r", 1000, "-m", USERS // 4, "-d", 5)
    return setup.measure(USERS * 100, "caller", "refresh", "-inf", setup.callers, "-r", 1000, "-m", USERS, "-d", pause)


def measure_digest(setup, seconds):
    rate = 1500
    # what a source may have answered grows with what it has proved
    setup.load("caller", "register", "-inf", setup.callers, "-r", 300, "-m", 1200)
    return setup.measure(rate * seconds, "caller", "register", "-inf", setup.callers, "-r", rate, "-m", rate * seconds)


def measure_calls(setup, seconds, rate, kind):
    answering = setup.rig.sipp("callee", "answer" + kind, pin=setup.load_pin)
    call = ("caller", "call" + kind, "-inf", setup.callers, "-d", 100, "-r", rate, "-m")
    try:
        setup.load(*call, rate)
        return setup.measure(rate * seconds, *call, rate * seconds)
    finally:
        setup.rig.sipp_stop(answering)


def measure_call(setup, seconds):
    return measure_calls(setup, seconds, 500, "")


def measure_media(setup, seconds):
    return measure_calls(setup, seconds, 300, "_media")


# what is measured, how the other is told to do the same, and the limit of the ratio
CPU_ROWS = {
    "register": (measure_register, {"auth": True}, 1.0),
    "register-open": (measure_register, {}, None),
    "digest": (measure_digest, {"auth": True}, 1.0),
    "call": (measure_call, {}, 1.0),
    "media": (measure_media, {"media": True}, 0.35),
}


def cpu(rig, options, row):
    measure, how, limit = CPU_ROWS[row]
    names = [Nattravd] if options.alone else [Nattravd, Kamailio]
    got = {cls: [] for cls in names}
    failed = {cls: 0 for cls in names}
    for rep in range(options.reps):
        for cls in names[::-1] if rep % 2 else names:
            with Setup(rig, cls, **how) as setup:
                spent, lost, repeated = measure(setup, options.seconds)
            rig.say(f"{row} {rep + 1}: {cls.name} {spent:.0f} us, {lost} failed, {repeated} repeated")
            got[cls].append(spent)
            failed[cls] += lost
    middle = {cls: statistics.median(got[cls]) for cls in names}
    other = middle.get(Kamailio)
    other_name = "kamailio + rtpengine" if how.get("media") else "kamailio"
    yield Line(row, "us", middle[Nattravd], other, other_name, ratio=limit,
               note=f"{min(got[Nattravd]):.0f} to {max(got[Nattravd]):.0f}" +
               (f"; {min(got[Kamailio]):.0f} to {max(got[Kamailio]):.0f}" if other else ""))
    yield Line(row + ", failed", "", failed[Nattravd], failed.get(Kamailio), other_name, most=0)


def terminals_run(rig, *more, pin=None, told=lambda name: None):
    """bench/terminals as the callers' host; what it prints, and @told of each line as it comes."""
    command = [os.path.join(TOP, "build/bench/terminals"), SERVER, TERMINALS.split("/")[0], *map(str, more)]
    pinned = ["taskset", "-c", str(pin)] if pin is not None else []
    found = {}
    with subprocess.Popen(["ip", "netns", "exec", rig.ns["caller"]] + pinned + command, stdout=subprocess.PIPE,
                          text=True) as process:
        rig.started.append(process)
        for line in process.stdout:
            name, value = line.split()
            found[name] = int(value)
            told(name)
    if process.returncode != 0:
        raise Failure(f"terminals ended with {process.returncode}")
    return found


def memory(rig, options, _):
    count = options.terminals * 2 // 5
    # what is there before the first thousands, there is once
    early = count // 10
    taken = {}
    for cls in [Nattravd] if options.alone else [Nattravd, Kamailio]:
        node = cls(rig, users=[f"t{n}" for n in range(count)])
        try:
            terminals_run(rig, "--first", count - early, "--count", early)
            before = node.memory()
            found = terminals_run(rig, "--count", count - early)
            taken[cls] = (node.memory() - before) / (count - early)
        finally:
            node.stop()
        rig.say(f"memory: {cls.name}, {taken[cls]:.0f} bytes a binding, {found['registered'] + early} bindings")
        if found["registered"] != count - early:
            raise Failure(f"{cls.name}: {found['registered']} registered of {count - early}")
    yield Line("memory", "bytes", taken[Nattravd], taken.get(Kamailio), most=BINDING_BYTES, note=f"{count} bindings")


def terminals(rig, options, _):
    count, seconds = options.terminals, options.minutes * 60
    node = Nattravd(rig, pin=CPU_NODE, users=[f"t{n}" for n in range(count)], ping=True)
    marks = {}
    try:
        started = node.memory()
        found = terminals_run(rig, "--count", count, "--seconds", seconds, "--probe", min(count, PROBES), pin=CPU_LOAD,
                              told=lambda name: marks.setdefault(name, (time.monotonic(), node.cpu(), node.memory())))
        known = float(node.status()["nattravd_registrations"])
    finally:
        node.stop()
    (start, cpu_start, size), (end, cpu_end, size_end) = marks["register_ms"], marks["unanswered"]
    rig.say("terminals: " + ", ".join(f"{name} {value}" for name, value in found.items()) + f", still known {known:.0f}")
    share = (cpu_end - cpu_start) / (end - start)
    yield Line("terminals", "", found["registered"], least=count,
               note=f"registered at {found['registered'] / found['register_ms'] * 1000:.0f} a second")
    yield Line("still known", "", known, least=count)
    yield Line("keep-alives", "", found["keepalives"], note=f"{found['keepalives'] / (end - start):.0f} a second")
    yield Line("not answered", "", found["unanswered"], most=0)
    yield Line("not reached", "", found["probed"] - found["reached"], most=0,
               note=f"of {found['probed']} who were sent OPTIONS afterwards")
    yield Line("processor", "%", share * 100, most=100,
               note=f"of one, {share * (end - start) / found['keepalives'] * 1e6:.1f} us a keep-alive")
    yield Line("memory", "MB", size_end / 1e6, note=f"{started / 1e6:.0f} before the first, {size / 1e6:.0f} after the last registration")


def rate_holds(setup, rate, seconds):
    answering = setup.rig.sipp("callee", "answer_media", pin=setup.load_pin)
    try:
        counters = setup.load("caller", "call_media", "-inf", setup.callers, "-d", 100, "-r", rate,
                              "-m", rate * seconds)
    finally:
        setup.rig.sipp_stop(answering)
    return counters["failed"] == 0 and counters["done"] == rate * seconds


def rate_best(rig, cls, options, **how):
    best = 0
    for rate in (250, 500, 750, 1000, 1250, 1500, 1750, 2000):
        with Setup(rig, cls, **how) as setup:
            holds = rate_holds(setup, rate, options.seconds)
        rig.say(f"rate: {cls.name} {rate}/s: {'none failed' if holds else 'some failed'}")
        if not holds:
            break
        best = rate
    return best


def rate_row(rig, options, _):
    ours = rate_best(rig, Nattravd, options)
    other = None if options.alone else rate_best(rig, Kamailio, options, media=True)
    yield Line("rate", "calls/s", ours, other, "kamailio + rtpengine", least=TARGET_RATE)


def rate_of(series, what, since, until):
    """How much more of it there is in a second, by the first and the last line of that time."""
    lines = [line for line in series if since <= line["at"] <= until]
    if len(lines) < 2:
        raise Failure("SIPp stood still")
    return (lines[-1][what] - lines[0][what]) / (lines[-1]["at"] - lines[0]["at"])


def refusal(rig, options, _):
    """
    What turning a call away costs, of what a call costs: so much of the node's time is lost for
    each call too many, and the rest is left for the others. Draining refuses like overload does.
    """
    calls, refusals = [], []
    for _ in range(options.reps):
        with Setup(rig, Nattravd) as setup:
            served, failed, _ = measure_calls(setup, options.seconds, 300, "")
            # a drained node ends with its last call
            answering = rig.sipp("callee", "answer", pin=setup.load_pin)
            setup.must("caller", "register", "-inf", setup.callers, "-m", 1, "-p", 5070)
            held = rig.sipp("caller", "call", "-inf", setup.callers, "-d", 600000, "-m", 1, "-p", 5070)
            time.sleep(1)
            setup.node.drain()
            count = 2000 * options.seconds
            refused, lost, _ = setup.measure(count, "caller", "call_overload", "-inf", setup.callers, "-r", 2000,
                                             "-m", count)
            for process in (held, answering):
                process.kill()
            turned_away = float(setup.node.status()["nattravd_turned_away_total"])
            if turned_away < count:
                raise Failure(f"{turned_away:.0f} of {count} were turned away")
        rig.say(f"refusal: {served:.0f} us a call, {refused:.1f} us a refusal, {failed + lost} failed")
        calls.append(served)
        refusals.append(refused)
    share = statistics.median(refusals) / statistics.median(calls)
    yield Line("refusal", "us", statistics.median(refusals), note=f"a call: {statistics.median(calls):.0f} us")
    for times in (2, 3):
        # each of the calls too many costs this share of one
        yield Line(f"left at {times} x", "%", max(0, (1 - times * share) / (1 - share)) * 100,
                   least=GOODPUT * 100 if times == 2 else None, note="of capacity, by what a refusal costs")


class Goodput:
    """Calls that get through in a second, of those that come."""

    def __init__(self, rig, options, cls, rate, limit=None, **how):
        seconds = options.seconds
        call = ["-inf", None, "-d", 100, "-r", rate, "-m", rate * (seconds + 4)] + (["-l", limit] if limit else [])
        with Setup(rig, cls, pin=CPU_NODE, load_pin=CPU_LOAD, **how) as setup:
            call[1] = setup.callers
            answering = rig.sipp("callee", "answer_media", pin=CPU_LOAD)
            calling = rig.sipp("caller", "call_overload", *call, pin=CPU_LOAD)
            time.sleep(2)
            since, before = time.time(), setup.node.cpu()
            time.sleep(seconds + 1)
            until, spent = time.time(), setup.node.cpu() - before
            rig.sipp_stop(calling)
            rig.sipp_stop(answering)
        self.offered = rate_of(rig.sipp_series(calling), "created", since, until)
        self.got = rate_of(rig.sipp_series(answering), "done", since, until)
        self.share = spent / (until - since)
        rig.say(f"overload: {cls.name}, {'as many as it can take' if limit else str(rate) + '/s'}: {self.offered:.0f}/s "
                f"offered, {self.got:.0f}/s got through, with {self.share * 100:.0f} % of its processor")


def overload_cls(rig, options, cls, **how):
    """For each times of the capacity, how many got through of those that the capacity would have been."""
    found = {times: [] for times in TIMES}
    capacities = []
    for _ in range(OVERLOAD_REPS):
        # as many at a time as it can do, and no more
        capacity = Goodput(rig, options, cls, 5000, limit=CLOSED_LOOP, **how)
        capacities.append(capacity.got)
        for times in TIMES:
            loaded = Goodput(rig, options, cls, max(1, int(capacity.got * times)), **how)
            found[times].append(loaded.got / capacity.got)
    return statistics.median(capacities), {times: statistics.median(found[times]) for times in TIMES}


def overload(rig, options, _):
    capacity, ours = overload_cls(rig, options, Nattravd)
    capacity_other, other = (None, {}) if options.alone else overload_cls(rig, options, Kamailio, media=True)
    yield Line("capacity", "calls/s", capacity, capacity_other, "kamailio + rtpengine", note="of one processor")
    for times in TIMES:
        yield Line(f"overload {times:g} x", "%", ours[times] * 100,
                   other[times] * 100 if other else None, "kamailio + rtpengine",
                   least=GOODPUT * 100 if times == 2 else None, note="of its own capacity")


ROWS = {
    "register": cpu, "register-open": cpu, "digest": cpu, "call": cpu, "media": cpu,
    "memory": memory, "rate": rate_row, "refusal": refusal, "overload": overload, "terminals": terminals,
}
