#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones on this host, for tests of nattravd itself.

phones.py SERVER:PORT hold             Alice calls Bob, until a line comes on standard input
phones.py SERVER:PORT load SECONDS     Bob calls Carol, and both register, again and again

Each says what happened, a line at a time. The exit status is 1 if something was not
answered as it should be.
"""
import hashlib
import re
import socket
import sys
import time

HOST = sys.argv[1].rsplit(":", 1)[0]
PORT = int(sys.argv[1].rsplit(":", 1)[1])


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Phone:
    """A terminal with one socket; the names of the users are those of lib.sh."""

    def __init__(self, user, address):
        self.user = user
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 0))
        self.sock.settimeout(5)
        self.local = "%s:%d" % self.sock.getsockname()
        self.count = int(time.time() * 1000) % 1000000000

    def send(self, lines, body=""):
        text = "\r\n".join(lines + ["Max-Forwards: 70", "Content-Length: %d" % len(body), "", body])
        self.sock.sendto(text.encode(), (HOST, PORT))

    def receive(self, *expected):
        """The next message that begins so; what else comes is passed over."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            text = self.sock.recv(16384).decode()
            if text.startswith(expected):
                return text
        raise TimeoutError

    def register(self):
        challenge = self.register_once([])
        nonce = re.search(r'nonce="([^"]*)"[^\r]*SHA-256', challenge)[1]
        proof = sha("%s:%s:00000001:c:auth:%s" % (
            sha("%s:example.net:%ss-secret" % (self.user, self.user)), nonce,
            sha("REGISTER:sip:example.net")))
        return self.register_once([
            'Authorization: Digest username="%s", realm="example.net", nonce="%s", '
            'uri="sip:example.net", response="%s", algorithm=SHA-256, qop=auth, '
            'nc=00000001, cnonce="c"' % (self.user, nonce, proof)])

    def register_once(self, more):
        self.count += 1
        self.send([
            "REGISTER sip:example.net SIP/2.0",
            "Via: SIP/2.0/UDP %s;branch=z9hG4bKr%d;rport;keep" % (self.local, self.count),
            "From: <sip:%s@example.net>;tag=r" % self.user,
            "To: <sip:%s@example.net>" % self.user,
            "Call-ID: register-%s-%s" % (self.user, self.local),
            "CSeq: %d REGISTER" % self.count,
            'Contact: <sip:%s@%s>;+sip.instance="<urn:uuid:%s-%s>";reg-id=1' % (
                self.user, self.local, self.user, sys.argv[2]), "Expires: 600"] + more)
        return self.receive("SIP/2.0 401" if not more else "SIP/2.0 200")

    def sdp(self):
        return ("v=0\r\no=- 1 1 IN IP4 192.168.1.2\r\ns=-\r\nc=IN IP4 192.168.1.2\r\nt=0 0\r\n"
                "m=audio 4000 RTP/AVP 0\r\n")


def header(text, name):
    return re.findall(r"^%s: (.*)\r$" % name, text, re.M)


def routes_of(text, reverse):
    routes = header(text, "Record-Route")
    return ["Route: " + r for r in (reversed(routes) if reverse else routes)]


class Call:
    """From one to the other."""

    def __init__(self, alice, bob):
        self.alice, self.bob = alice, bob
        self.uri = "sip:%s@example.net" % bob.user
        alice.count += 1
        self.id = "call-%s-%d" % (alice.local, alice.count)
        self.ends = ["From: <sip:%s@example.net>;tag=a" % alice.user, "To: <%s>" % self.uri]
        alice.send(["INVITE %s SIP/2.0" % self.uri] + self.head(1, "INVITE") + [
            "Contact: <sip:%s@%s>" % (alice.user, alice.local), "Content-Type: application/sdp"], alice.sdp())
        invite = bob.receive("INVITE")
        self.answer(invite, "200 OK", ";tag=b", bob.sdp())
        ok = alice.receive("SIP/2.0 200")
        self.ends[1] += ";tag=b"
        self.routes = routes_of(ok, True)
        alice.send(["ACK sip:bob@192.168.1.2 SIP/2.0"] + self.head(1, "ACK", "k"))
        bob.receive("ACK")

    def head(self, cseq, method, branch=""):
        return ["Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%s;rport" % (
            self.alice.local, self.id, cseq, branch)] + getattr(self, "routes", []) + self.ends + [
            "Call-ID: " + self.id, "CSeq: %d %s" % (cseq, method)]

    def answer(self, request, status, tag="", body=""):
        to = header(request, "To")[0]
        lines = ["SIP/2.0 " + status] + ["Via: " + v for v in header(request, "Via")]
        lines += ["Record-Route: " + r for r in header(request, "Record-Route")]
        lines += ["From: " + header(request, "From")[0], "To: " + to + tag]
        lines += ["Call-ID: " + self.id, "CSeq: " + header(request, "CSeq")[0]]
        if body:
            lines += ["Contact: <sip:%s@%s>" % (self.bob.user, self.bob.local), "Content-Type: application/sdp"]
        self.bob.send(lines, body)

    def end(self):
        self.alice.send(["BYE sip:bob@192.168.1.2 SIP/2.0"] + self.head(2, "BYE"))
        self.answer(self.bob.receive("BYE"), "200 OK")
        self.alice.receive("SIP/2.0 200")


def say(*words):
    print(*words, flush=True)


def main():
    users = ("alice", "bob") if sys.argv[2] == "hold" else ("bob", "carol")
    alice, bob = (Phone(user, HOST) for user in users)
    alice.register()
    bob.register()
    say("registered")
    if sys.argv[2] == "hold":
        call = Call(alice, bob)
        say("up")
        sys.stdin.readline()
        call.end()
        say("over")
    elif sys.argv[2] == "load":
        end = time.monotonic() + float(sys.argv[3])
        calls = 0
        while time.monotonic() < end:
            call = Call(alice, bob)
            call.end()
            calls += 1
            # a port rests for two minutes
            time.sleep(0.04)
            if calls % 10 == 0:
                alice.register()
        say("calls", calls)


if __name__ == "__main__":
    try:
        main()
    except (TimeoutError, socket.timeout):
        say("no answer")
        sys.exit(1)
