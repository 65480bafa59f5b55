#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A registrar and STUN server to test nattrav-ua with, honest or not.

registrar.py ADDRESS PORT [key=value ...]

  offer=SHA-256,MD5   algorithms of its challenges, in this order
  accept=SHA-256,MD5  algorithms of answers that it takes
  realm=example.net   of its challenges
  flow-timer=60       in its 200, 0 for none
  keep=0              in the Via of its 200, 0 for none
  expires=3600        what it grants
  response-port=1     whether it honours RESPONSE-PORT
  user=bob            with the password bobs-secret

Each message that it gets is a line: what it is, where it came from.
"""
import hashlib
import re
import socket
import struct
import sys

COOKIE = 0x2112A442
RESPONSE_PORT = 0x0027

settings = {
    "offer": "SHA-256,MD5",
    "accept": "SHA-256,MD5",
    "realm": "example.net",
    "flow-timer": "60",
    "keep": "0",
    "expires": "3600",
    "response-port": "1",
    "user": "bob",
}
hashes = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


def say(*words):
    print(*words, flush=True)


def stun(sock, data, peer):
    kind, length = struct.unpack("!HH", data[:4])
    if kind != 1:
        return
    to = peer
    rest = data[20:20 + length]
    while len(rest) >= 4:
        attr, size = struct.unpack("!HH", rest[:4])
        if attr == RESPONSE_PORT and settings["response-port"] == "1":
            to = (peer[0], struct.unpack("!H", rest[4:6])[0])
        rest = rest[4 + (size + 3) // 4 * 4:]
    say("STUN", "%s:%d" % peer, "to", "%s:%d" % to)
    address = struct.unpack("!I", socket.inet_aton(peer[0]))[0] ^ COOKIE
    body = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, peer[1] ^ COOKIE >> 16, address)
    sock.sendto(struct.pack("!HH", 0x0101, len(body)) + data[4:20] + body, to)


def authorized(header, method):
    """The algorithm of a right answer, or None."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', header))
    algorithm = fields.get("algorithm", "MD5")
    if algorithm not in settings["accept"].split(","):
        return None

    def digest(text):
        return hashes[algorithm](text.encode()).hexdigest()

    user = settings["user"]
    ha1 = digest("%s:%s:%ss-secret" % (user, settings["realm"], user))
    ha2 = digest("%s:%s" % (method, fields["uri"]))
    text = "%s:%s:%s:%s:auth:%s" % (ha1, fields["nonce"], fields.get("nc"), fields.get("cnonce"), ha2)
    return algorithm if fields["response"] == digest(text) else None


def header(text, name):
    found = re.search(r"(?im)^%s: *(.*?)\r?$" % name, text)
    return found.group(1) if found else ""


def sip(sock, data, peer):
    text = data.decode("utf-8", "replace")
    method = text.split(" ", 1)[0]
    where = "%s:%d" % peer
    if method != "REGISTER":
        say(method or "empty", where)
        return
    answer = header(text, "Authorization")
    algorithm = authorized(answer, method) if answer else None
    contact = header(text, "Contact")
    say("REGISTER", where, "with %s" % algorithm if algorithm else
        "with a wrong answer" if answer else "without an answer", contact)
    via = header(text, "Via")
    said = re.sub(r";rport\b(?!=)", ";rport=%d;received=%s" % (peer[1], peer[0]), via)
    if settings["keep"] != "0":
        said = re.sub(r";keep\b(?!=)", ";keep=" + settings["keep"], said)
    lines = ["Via: " + said]
    lines += ["%s: %s" % (name, header(text, name)) for name in ("From", "Call-ID", "CSeq")]
    lines.append("To: %s;tag=1" % header(text, "To"))
    if algorithm:
        status = "200 OK"
        asked = re.search(r";expires=(\d+)", contact).group(1)
        granted = "0" if asked == "0" else settings["expires"]
        if granted != "0":
            lines.append("Contact: <sip:other@192.0.2.1>;+sip.instance=\"<urn:uuid:0>\";expires=1")
            lines.append("Contact: " + re.sub(r";expires=\d+", ";expires=" + granted, contact))
        if settings["flow-timer"] != "0":
            lines += ["Require: outbound", "Flow-Timer: " + settings["flow-timer"]]
    else:
        status = "401 Unauthorized"
        lines += ['WWW-Authenticate: Digest realm="%s", nonce="abc%d", algorithm=%s, qop="auth,auth-int"'
                  % (settings["realm"], number, name)
                  for number, name in enumerate(settings["offer"].split(","))]
    lines.append("Content-Length: 0")
    sock.sendto(("SIP/2.0 %s\r\n%s\r\n\r\n" % (status, "\r\n".join(lines))).encode(), peer)


def main():
    settings.update(word.split("=", 1) for word in sys.argv[3:])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((sys.argv[1], int(sys.argv[2])))
    say("listening")
    while True:
        data, peer = sock.recvfrom(65535)
        if data.strip(b"\r\n") == b"":
            say("CRLF", "%s:%d" % peer)
            if len(data) == 4:
                sock.sendto(b"\r\n", peer)
        elif data[0] < 4 and len(data) >= 20:
            stun(sock, data, peer)
        else:
            sip(sock, data, peer)


main()
