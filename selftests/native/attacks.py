#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Attacks on nattravd, and what others notice of them.

attacks.py SERVER:PORT time USERS         is a user's name told by the time of an answer?
attacks.py SERVER:PORT crack USER SECONDS guesses his password; the twentieth guess is right
attacks.py SERVER:PORT ratio              how much comes back for what is sent
attacks.py SERVER:PORT flood RATE SECONDS strangers' requests, from sources of all kinds
attacks.py SERVER:PORT ring USERS RATE SECONDS   INVITEs that nobody answers, 32 a user
attacks.py SERVER:PORT calls N            calls whose ends go on talking SIP, until a line
                                          comes on standard input; then they hang up
attacks.py SERVER:PORT hold N             the same, but they say nothing until then
attacks.py SERVER:PORT caller N           N calls, one after the other
attacks.py SERVER:PORT register USER      from an address of his own
attacks.py SERVER:PORT silent             one who is registered and never answers

Sources are in 10.9.0.0/16, which is to be local here. Each prints a line of JSON.
"""
import json
import random
import re
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import phones  # noqa: E402

TO = (phones.HOST, phones.PORT)
AGENT = "User-Agent: a phone with a name that is as long as others have"


def request(method, user, number, source, more=()):
    uri = "sip:example.net" if method == "REGISTER" else "sip:bob@example.net"
    return "\r\n".join([
        "%s %s SIP/2.0" % (method, uri),
        "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bKx%d;rport" % (source, number),
        "From: <sip:%s@example.net>;tag=x%d" % (user, number),
        "To: <%s>" % ("sip:%s@example.net" % user if method == "REGISTER" else uri),
        "Call-ID: x%d@%s" % (number, source), "CSeq: 1 " + method,
        "Contact: <sip:%s@%s:5060>" % (user, source), "Max-Forwards: 70", AGENT,
        *more, "Content-Length: 0", "", ""]).encode()


def source_of(number):
    return "10.9.%d.%d" % (number >> 8, number & 255)


def opened(source):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect(TO)
    sock.settimeout(5)
    return sock


def guess(user, nonce, count, number, source):
    """REGISTER with a wrong answer."""
    return request("REGISTER", user, number, source, [
        'Authorization: Digest username="%s", realm="example.net", nonce="%s", uri="sip:example.net", '
        'response="%s", algorithm=SHA-256, qop=auth, nc=%08x, cnonce="c"' % (
            user, nonce, phones.sha("%d" % number), count)])


def welch(samples):
    """Student's t for two samples of different spread, without the slowest tenth: whoever
    measures throws away what the network has held up."""
    cut = sorted(samples[0] + samples[1])[(len(samples[0]) + len(samples[1])) * 9 // 10]
    means, errors = [], []
    for sample in samples:
        sample = [x for x in sample if x < cut]
        mean = sum(sample) / len(sample)
        means.append(mean)
        errors.append(sum((x - mean) ** 2 for x in sample) / (len(sample) - 1) / len(sample))
    return means, (means[0] - means[1]) / sum(errors) ** 0.5


def attack_time(users):
    """k0, k1, ... are there, u0, u1, ... are not. Four tries from each source, which is not
    shut out before the fifth, and five for each name."""
    samples = [[], []]
    answers = set()
    for number in range(users * 5 // 2):
        source = source_of(number)
        sock = opened(source)
        sock.send(request("REGISTER", "k%04d" % 0, number, source))
        nonce = re.search(rb'nonce="([^"]*)"[^\r]*SHA-256', sock.recv(4096))[1].decode()
        order = [0, 1, 0, 1] if number % 2 else [1, 0, 1, 0]
        for i, which in enumerate(order):
            user = "%s%04d" % ("ku"[which], (number * 2 + i // 2) % users)
            text = guess(user, nonce, i + 1, number * 4 + i, source)
            begin = time.perf_counter_ns()
            sock.send(text)
            answer = sock.recv(4096)
            samples[which].append(time.perf_counter_ns() - begin)
            answers.add((which, answer.split(b"\r\n")[0].decode()))
        sock.close()
    means, t = welch(samples)
    print(json.dumps({"tries": len(samples[0]), "known-us": round(means[0] / 1000, 2),
                      "unknown-us": round(means[1] / 1000, 2), "t": round(t, 2),
                      "known": sorted(text for which, text in answers if which == 0),
                      "unknown": sorted(text for which, text in answers if which == 1)}))


def attack_crack(user, seconds):
    """Whoever is told that only his nonce is stale has found the password, too."""
    words = ["word%d" % number for number in range(19)] + [user + "s-secret"]
    words += ["more%d" % number for number in range(10000)]
    source = source_of(25000)
    sock = opened(source)
    sock.settimeout(0.3)
    end = time.monotonic() + seconds
    nonce, tries, number = None, 0, 0
    while time.monotonic() < end:
        number += 1
        more = []
        if nonce:
            proof = phones.sha("%s:%s:00000001:c:auth:%s" % (
                phones.sha("%s:example.net:%s" % (user, words[tries])), nonce, phones.sha("REGISTER:sip:example.net")))
            more = ['Authorization: Digest username="%s", realm="example.net", nonce="%s", uri="sip:example.net", '
                    'response="%s", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c"' % (user, nonce, proof)]
        sock.send(request("REGISTER", user, number, source, more))
        try:
            answer = sock.recv(4096).decode()
        except TimeoutError:
            continue
        if nonce:
            tries += 1
        if answer.startswith("SIP/2.0 200") or "stale=true" in answer:
            print(json.dumps({"tries": tries, "found": words[tries - 1]}))
            return
        nonce = re.search('nonce="([^"]*)"[^\r]*SHA-256', answer)[1]
    print(json.dumps({"tries": tries, "found": None}))


def attack_ratio():
    """One request of each kind from a source of its own, and a hundred from another."""
    methods = ["REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "BYE", "FOO", "CANCEL", "ACK"]
    worst = {"ratio": 0, "packets": 0}
    for number, method in enumerate(methods):
        sock = opened(source_of(20000 + number))
        text = request(method, "alice", number, source_of(20000 + number))
        sock.send(text)
        # an INVITE transaction would send its answer again within 500 ms
        got, packets = collect(sock, 1.5)
        worst["ratio"] = max(worst["ratio"], round(got / len(text), 2))
        worst["packets"] = max(worst["packets"], packets)
        worst[method] = "%d -> %d" % (len(text), got)
    sock = opened(source_of(21000))
    begin = time.monotonic()
    for number in range(300):
        sock.send(request("OPTIONS", "alice", number, source_of(21000)))
        time.sleep(0.01)
    worst["asked"] = 300
    worst["answered"] = collect(sock, 1)[1]
    worst["seconds"] = round(time.monotonic() - begin - 1, 2)
    print(json.dumps(worst))


def collect(sock, seconds):
    end = time.monotonic() + seconds
    got = packets = 0
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([sock], [], [], left)[0]:
            return got, packets
        got += len(sock.recv(65535))
        packets += 1


def datagram(source, text):
    """With an IP header, whose checksum the kernel makes; UDP does without one."""
    udp = struct.pack("!HHHH", 5060, TO[1], 8 + len(text), 0)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(text), 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(TO[0])) + udp + text


def attack_flood(rate, seconds):
    """Every other packet from one of 256 sources, the others from anywhere."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    methods = ["REGISTER", "INVITE", "OPTIONS", "REGISTER", "INVITE", "BYE"]
    packets = []
    for number in range(50000):
        source = source_of(30000 + number // 2 % 256 if number % 2 else random.randrange(65536))
        packets.append(datagram(source, request(methods[number % len(methods)], "x%d" % number, number, source)))
    begin = time.monotonic()
    sent = lost = 0
    while True:
        now = time.monotonic() - begin
        if now >= seconds:
            break
        if sent >= now * rate:
            time.sleep(0.0002)
            continue
        for _ in range(50):
            try:
                raw.sendto(packets[sent % len(packets)], (TO[0], 0))
            except OSError:
                lost += 1
            sent += 1
    print(json.dumps({"sent": sent, "a-second": round(sent / seconds), "refused-by-the-kernel": lost}))


def attack_ring(users, rate, seconds):
    """Registered users, each behind an address of his own, call one who never answers."""
    callers = []
    for number in range(users):
        caller = phones.Phone("r%d" % number, source_of(40000 + number))
        caller.register()
        caller.sock.setblocking(False)
        callers.append(caller)
    run = random.randrange(1000000)
    statuses = {}
    retry_after = 0
    sent = 0
    begin = time.monotonic()
    poll = select.epoll()
    by_fd = {caller.sock.fileno(): caller for caller in callers}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    while time.monotonic() - begin < seconds:
        while sent < (time.monotonic() - begin) * rate:
            caller = callers[sent % users]
            caller.count += 1
            branch = "z9hG4bKring%d.%d" % (run, sent)
            caller.send(["INVITE sip:silent@example.net SIP/2.0",
                         "Via: SIP/2.0/UDP %s;branch=%s;rport" % (caller.local, branch),
                         "From: <sip:%s@example.net>;tag=r%d" % (caller.user, sent),
                         "To: <sip:silent@example.net>", "Call-ID: ring-%d-%d" % (run, sent), "CSeq: 1 INVITE",
                         "Contact: <sip:%s@%s>" % (caller.user, caller.local),
                         "Content-Type: application/sdp"], caller.sdp())
            sent += 1
        for fd, _ in poll.poll(0.001):
            caller = by_fd[fd]
            try:
                text = caller.sock.recv(16384).decode()
            except OSError:
                continue
            if not text.startswith("SIP/2.0"):
                continue
            status = text[8:11]
            if status[0] != "1":
                caller.send(["ACK sip:silent@example.net SIP/2.0"] + [
                    "Via: " + phones.header(text, "Via")[0].split(";rport")[0] + ";rport",
                    "From: " + phones.header(text, "From")[0], "To: " + phones.header(text, "To")[0],
                    "Call-ID: " + phones.header(text, "Call-ID")[0], "CSeq: 1 ACK"])
                retry_after += bool(phones.header(text, "Retry-After"))
            statuses[status] = statuses.get(status, 0) + 1
    print(json.dumps({"sent": sent, "statuses": statuses, "retry-after": retry_after}))


class Talk(phones.Call):
    """A call whose ends say INFO to each other."""

    cseq = 1

    def ask(self, method):
        """Seconds until the 200 is there. Both ends send again what is not answered."""
        self.cseq += 1
        begin = time.monotonic()
        for tries in range(20):
            self.alice.send(["%s sip:bob@192.168.1.2 SIP/2.0" % method] + self.head(self.cseq, method))
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                ready = select.select([self.alice.sock, self.bob.sock], [], [], max(0, end - time.monotonic()))[0]
                for sock in ready:
                    text = sock.recv(16384).decode()
                    if phones.header(text, "Call-ID") != [self.id]:
                        continue
                    if sock is self.bob.sock and text.startswith(method):
                        self.answer(text, "200 OK")
                    elif text.startswith("SIP/2.0 200") and phones.header(text, "CSeq") == [
                            "%d %s" % (self.cseq, method)]:
                        return time.monotonic() - begin
        return 10.0


def others_calls(count, ask=True):
    alice, bob = phones.Phone("alice", source_of(50001)), phones.Phone("bob", source_of(50002))
    alice.register()
    bob.register()
    calls = [Talk(alice, bob) for _ in range(count)]
    print("up", flush=True)
    took = []
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        if ask:
            took.append(calls[len(took) % count].ask("INFO"))
    took += [call.ask("BYE") for call in calls]
    took.sort()
    print(json.dumps({"asked": len(took), "in-500-ms": sum(t < 0.5 for t in took) / len(took),
                      "p50-ms": round(took[len(took) // 2] * 1000, 1),
                      "p99-ms": round(took[len(took) * 99 // 100] * 1000, 1),
                      "most-ms": round(took[-1] * 1000, 1)}))


def others_hold(count):
    others_calls(count, False)


def others_caller(count):
    begin = time.monotonic()
    carol, dave = phones.Phone("carol", source_of(50003)), phones.Phone("dave", source_of(50004))
    carol.register()
    dave.register()
    registered = time.monotonic() - begin
    took = []
    for _ in range(count):
        begin = time.monotonic()
        call = phones.Call(carol, dave)
        took.append(time.monotonic() - begin)
        call.end()
    print(json.dumps({"registered-ms": round(registered * 1000, 1), "calls": len(took),
                      "most-ms": round(max(took) * 1000, 1)}))


def others_register(user):
    phones.Phone(user, source_of(50005)).register()
    print(json.dumps({"registered": user}))


def others_silent():
    phone = phones.Phone("silent", source_of(50006))
    phone.register()
    print("registered", flush=True)
    while True:
        time.sleep(60)


KINDS = {"time": (attack_time, int), "ratio": (attack_ratio,),
         "crack": (attack_crack, str, float), "flood": (attack_flood, int, float),
         "ring": (attack_ring, int, int, float), "calls": (others_calls, int),
         "hold": (others_hold, int), "caller": (others_caller, int),
         "register": (others_register, str), "silent": (others_silent,)}
kind = KINDS[sys.argv[2]]
try:
    kind[0](*(convert(word) for convert, word in zip(kind[1:], sys.argv[3:])))
except (TimeoutError, socket.timeout) as failure:
    sys.exit("no answer: %r" % failure)
